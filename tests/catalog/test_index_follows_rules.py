"""Other rules make the index write again what they affect, and hold up no change meanwhile."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from catalog.pricebook import Pricebook
from catalog.pricing import NOBODY, Buyer, Goods, Rule, price_list, price_lists
from catalog.readers import Readership
from catalog.rule_changes import differing, of_rules
from catalog.search import Asked, Indexer, SearchIndex, open_indexer
from catalog.search import folder as folders
from catalog.search import indexer as indexer_module
from catalog.search.lists import EVERYTHING, affected, said
from catalog.sequencer import number_changes
from catalog.shelf import Reader, SourcePolicy
from kit.db import Database
from tests.catalog.goods import NOW, Made, Supply, product, reprice

LISTS = price_lists(Decimal(0))
LEADER = Reader("leader", LISTS["resale"])


def rule(percent: int, **named: Any) -> Rule:
    return Rule(1, Decimal(percent), **named)


def readers(*rules: Rule, **policies: SourcePolicy) -> list[Reader]:
    return Readership(LISTS, policies, Pricebook(1, rules)).per_list(NOW)


def add(database: Database, count: int, source: str, price: str = "10") -> list[Made]:
    with database.as_system() as session:
        made = [
            product(session, f"绿茶{n}", Supply(source=source, price=price)) for n in range(count)
        ]
        number_changes(session)
    return made


def sync(writer: Indexer) -> None:
    while writer.step():
        continue


def above(data_dir: Path, price: str, reader: Reader = LEADER) -> list[int]:
    """Products that the index holds at that price or above."""
    asked = Asked(price_min=Decimal(price), sort="price")
    return sorted(SearchIndex(data_dir).search(asked, reader, 100).ids)


def ids(made: list[Made]) -> list[int]:
    return sorted(one.product_id for one in made)


def builds(data_dir: Path) -> list[str]:
    return sorted(one.name for one in folders.root(data_dir).glob("build-*"))


@pytest.mark.parametrize("when", ["while it runs", "while nobody wrote it"])
def test_only_goods_that_a_rule_names_are_written_again(
    database: Database, tmp_path: Path, when: str
) -> None:
    tea, coffee = add(database, 3, "tea"), add(database, 3, "coffee")
    with open_indexer(database, tmp_path, readers()) as writer:
        sync(writer)
        before = builds(tmp_path)
        with database.as_system() as session:  # seen only by what is written again
            session.execute(text("UPDATE prices SET price = 50"))
        if when == "while it runs":
            writer.follow(readers(rule(100, source="tea")))
            sync(writer)
    if when == "while nobody wrote it":
        with open_indexer(database, tmp_path, readers(rule(100, source="tea"))) as writer:
            sync(writer)
    assert above(tmp_path, "100") == ids(tea)
    assert above(tmp_path, "10") == ids(tea + coffee)
    assert above(tmp_path, "50") == ids(tea)
    assert builds(tmp_path) == before


def test_goods_are_found_by_brand_and_by_category_with_all_below_it(
    database: Database, tmp_path: Path
) -> None:
    green, oolong, cup = add(database, 3, "tea")
    with database.as_system() as session:
        say = text("UPDATE offers SET brand = :brand, category = :category WHERE id = :id")
        for made, brand, category in (
            (green, "云岭", "茶 > 绿茶"),
            (oolong, "晨雾", "茶"),
            (cup, "云岭", "茶具"),
        ):
            named = {"id": made.offer_ids[0], "brand": brand, "category": category}
            session.execute(say, named)
    with open_indexer(database, tmp_path, readers()) as writer:
        sync(writer)
        writer.follow(readers(rule(100, category="茶")))
        sync(writer)
        assert above(tmp_path, "20") == ids([green, oolong])
        writer.follow(readers(rule(200, brand="云岭")))
        sync(writer)
    assert above(tmp_path, "30") == ids([green, cup])
    assert above(tmp_path, "20") == ids([green, cup])


def test_changes_are_seen_while_much_is_written_again(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexer_module, "PORTION", 2)
    tea = add(database, 8, "tea")
    with open_indexer(database, tmp_path, readers()) as writer:
        sync(writer)
        writer.follow(readers(rule(100, source="tea")))
        writer.step()
        with database.as_system() as session:
            reprice(session, tea[7], 2, "70")
            number_changes(session)
        writer.step()
        assert above(tmp_path, "140") == [tea[7].product_id]
        assert 0 < len(above(tmp_path, "20")) < 8
    with open_indexer(database, tmp_path, readers(rule(100, source="tea"))) as writer:
        sync(writer)  # goes on with what the former one left
    assert above(tmp_path, "20") == ids(tea)


def test_what_affects_everything_is_built_beside_while_changes_are_seen(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexer_module, "PORTION", 3)
    tea = add(database, 8, "tea")
    with open_indexer(database, tmp_path, readers()) as writer:
        sync(writer)
        before = builds(tmp_path)
        writer.follow(readers(rule(100)))
        writer.step()
        with database.as_system() as session:
            reprice(session, tea[0], 2, "70")
            number_changes(session)
        writer.step()
        assert len(builds(tmp_path)) == 2
        assert above(tmp_path, "140") == [tea[0].product_id]
        sync(writer)
    assert above(tmp_path, "20") == ids(tea)
    assert len(builds(tmp_path)) == 1
    assert builds(tmp_path) != before


def test_a_level_gets_its_lists_while_the_others_go_on(database: Database, tmp_path: Path) -> None:
    tea = add(database, 2, "tea")
    gold = rule(100, level="金牌")
    book = Readership(LISTS, {}, Pricebook(1, (gold,)))
    reader = book.reader("leader", Buyer(level="金牌"), NOW)
    with open_indexer(database, tmp_path, readers()) as writer:
        sync(writer)
        assert above(tmp_path, "10", reader) == ids(tea)  # by the list that everybody has
        index = SearchIndex(tmp_path)
        assert index.suggest("绿", reader, 5)
        assert index.facets(Asked("绿茶"), reader)
        writer.follow(book.per_list(NOW))
        sync(writer)
    assert above(tmp_path, "20") == []
    assert above(tmp_path, "20", reader) == ids(tea)


def test_a_sources_other_policy_affects_its_goods_only() -> None:
    hides = SourcePolicy(unknown_stock="hide")
    assert affected(said(readers()), said(readers(tea=hides))) == [("tea", None, None)]
    assert affected(said(readers(tea=hides)), said(readers(tea=hides))) == []
    other = Readership(price_lists(Decimal(5))).per_list(NOW)
    assert affected(said(readers()), said(other)) == [EVERYTHING]


_NAMES = {
    "source": st.sampled_from([None, None, "a", "b"]),
    "brand": st.sampled_from([None, None, "云岭", "晨雾"]),
    "category": st.sampled_from([None, None, "茶", "茶 > 绿茶"]),
    "cost_below": st.sampled_from([None, None, Decimal(9)]),
    "priority": st.integers(0, 1),
}
_RULES = st.lists(
    st.builds(Rule, st.integers(1, 9), st.sampled_from([Decimal(1), Decimal(2)]), **_NAMES),
    max_size=6,
    unique_by=lambda one: one.id,
)


@given(_RULES, _RULES, st.sampled_from(["a", "b"]), st.sampled_from([None, "云岭", "晨雾"]))
def test_whatever_has_another_price_is_among_the_goods_affected(
    before: list[Rule], after: list[Rule], source: str, brand: str | None
) -> None:
    reach = of_rules(before, after)
    for category in (None, "茶", "茶 > 绿茶"):
        goods = Goods(source, brand, category)
        for cost in (Decimal(8), Decimal(10)):
            was, now = (
                price_list(LISTS["resale"], rules, NOBODY, NOW).price(cost, goods)
                for rules in (before, after)
            )
            assert was == now or any(one.touches(1, goods) for one in reach)


@given(st.lists(st.integers(0, 5)), st.lists(st.integers(0, 5)))
def test_what_does_not_differ_stands_in_the_same_order(one: list[int], other: list[int]) -> None:
    moved = set(differing(one, other))
    assert [n for n in one if n not in moved] == [n for n in other if n not in moved]
