"""Sources' categories: learnt from names and from shared products, confirmed by people."""

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from catalog import reads
from catalog.matching import categories, tree
from catalog.matching.tree import Place, Said, placed
from catalog.pricing import PriceList, Rule
from catalog.sequencer import number_changes
from catalog.shelf import Reader
from kit import clock
from kit.db import Database
from kit.errors import Problem
from tests.catalog.goods import NOW, product, steady
from tests.sync.test_importer import row
from tests.sync.test_matching_runs import load


def offers(category: str, count: int) -> list[dict[str, Any]]:
    kinds = ("拿铁", "美式", "摩卡", "卡布奇诺")
    return [
        row(f"{n}", brand="晨雾", title=f"晨雾速溶咖啡{kinds[n]}15g*30条", category=category)
        for n in range(count)
    ]


def test_codes_and_names_of_the_tree_are_unambiguous() -> None:
    assert len(tree.tree()) > 50
    assert tree.named("食品 > 冲调 > 咖啡豆") == "food.coffee"
    assert tree.named("母婴/奶粉") == "baby.formula"
    assert tree.named("母婴 > 其他") == "baby"
    assert tree.named("其他") is None
    for node in tree.tree().values():
        assert tree.asked(node.code) == tree.asked(node.name) == node.code
        assert {tree.named(name) for name in node.names} == {node.code}
    assert tree.asked("咖啡") == "food.coffee"
    assert tree.asked("美食 > 咖啡") is None


def test_a_person_outweighs_what_was_learnt_and_that_a_name() -> None:
    by_name, learnt = Said("咖啡"), Said("甲类", "food.tea")
    said = Said("乙类", "food.drinks", by_person=True)
    assert placed("咖啡", (by_name, by_name)).codes == ("food", "food.coffee")
    assert placed("咖啡", (by_name, by_name, learnt)).name == "食品饮料 > 茶叶"
    assert placed("咖啡", (by_name, learnt, learnt, said)).code == "food.drinks"
    assert placed(None, (learnt, Said("丙类", "food.milk"))).code == "food.milk"


def test_goods_that_nothing_places_keep_the_last_words_of_their_source() -> None:
    assert placed("杂货 > 奇石", (Said("杂货 > 奇石"),)) == Place(None, ("奇石",))
    assert placed("奇石", (Said("奇石", "no.such"),)).name == "奇石"
    assert placed("1320 > 9719", ()).name is placed(None, ()).name is None


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


def test_what_nothing_places_is_listed_for_people_with_its_offers(database: Database) -> None:
    coffee = row("9", brand="晨雾", title="晨雾咖啡豆", category="咖啡")
    load(database, *offers("甲类", 2), coffee, source="one")
    with database.as_system() as session:
        (found,) = categories.unmapped(session, "one")
        assert (found.theirs, found.offers) == ("甲类", 2)
        categories.confirm(session, "one", "甲类", "food")
        assert categories.unmapped(session, "one") == []


def test_now_history_moments_and_feed_agree_on_a_rule_for_a_category_of_ours(
    database: Database,
) -> None:
    rule = Rule(1, Decimal(100), category="food.tea")
    leader = Reader("leader", PriceList(rules=(rule,)))
    now = clock.now()
    with database.as_system() as session:
        tea = product(session, "龙井")
        session.execute(text("UPDATE offers SET category = '甲类'"))
        number_changes(session)
        seen = []
        for ours in ("food.coffee", "food.tea"):
            categories.confirm(session, "teahouse", "甲类", ours)
            shown = reads.lookup(session, leader, now, sku_ids=[tea.sku_id])[0].skus[0]
            (point,) = reads.price_history(session, tea.sku_id, NOW, now, steady(leader))
            then = reads.as_it_was(session, tea.sku_id, leader, clock.now(), now)
            (item,) = reads.changes(session, 0, 10, leader, now).items
            said = (item.now or {})["price"]
            (card,) = reads.product_cards(session, [tea.product_id], leader, now)
            seen.append({shown.price, point.price, then.price, said, card.price_from})
    assert seen == [{Decimal(10)}, {Decimal(20)}]
