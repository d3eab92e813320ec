"""Sources' categories: learnt from names and from shared products, confirmed by people."""

from typing import Any

import pytest

from catalog.matching import categories
from kit.db import Database
from kit.errors import Problem
from tests.sync.test_importer import row
from tests.sync.test_matching_runs import load


def offers(category: str, count: int) -> list[dict[str, Any]]:
    kinds = ("拿铁", "美式", "摩卡", "卡布奇诺")
    return [
        row(f"{n}", brand="晨雾", title=f"晨雾速溶咖啡{kinds[n]}15g*30条", category=category)
        for n in range(count)
    ]


def test_codes_and_names_of_the_tree_are_unambiguous() -> None:
    assert len(categories.tree()) > 40
    assert categories.named("食品 > 冲调 > 咖啡豆") == "food.coffee"
    assert categories.named("母婴/奶粉") == "baby.formula"
    assert categories.named("其他") is None


def test_a_category_is_learnt_by_its_name(database: Database) -> None:
    load(database, *offers("冲饮谷物 > 速溶咖啡", 2), source="one")
    with database.as_system() as session:
        assert categories.learn(session, "one") == 1
        (found,) = categories.page(session, "one")
    assert (found.ours, found.state, found.votes) == ("food.coffee", "learnt", 0)


def test_a_category_is_learnt_from_shared_products(database: Database) -> None:
    load(database, *offers("甲类", 4), source="one")
    load(database, *offers("乙类", 4), source="two")
    with database.as_system() as session:
        assert categories.learn(session, "two") == 0
        categories.confirm(session, "one", "甲类", "food.coffee")
        assert categories.learn(session, "two") == 1
        (found,) = categories.page(session, "two", state="learnt")
    assert (found.theirs, found.ours, found.votes) == ("乙类", "food.coffee", 4)


def test_a_persons_word_is_not_learnt_over(database: Database) -> None:
    load(database, *offers("咖啡", 1), source="one")
    with database.as_system() as session:
        categories.confirm(session, "one", "咖啡", "food.drinks")
        categories.learn(session, "one")
        (found,) = categories.page(session, "one")
        assert (found.ours, found.state) == ("food.drinks", "confirmed")
        with pytest.raises(Problem, match="there is no category"):
            categories.confirm(session, "one", "咖啡", "food.none")
