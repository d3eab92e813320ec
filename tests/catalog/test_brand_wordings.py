"""A brand is one however it is worded: by goods, by rules, and by whoever searches."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from catalog import deals, grants, marks, pricebook
from catalog.grants import Grant, GrantRow, Grants
from catalog.matching import brands, wordings
from catalog.matching.naming import Brands, written_as
from catalog.pricing import NOBODY, Rule, price_lists
from catalog.readers import Readership
from catalog.reads import product_cards
from catalog.rule_changes import RuleChange
from catalog.scopes import Scope
from catalog.search import Asked, Indexer, SearchIndex, gathering, open_indexer
from catalog.shelf import Reader
from kit.db import Database
from tests.catalog.goods import NOW, Supply, product
from trade import price_trials
from trade.routing import routing_rules

LISTS = price_lists(Decimal(0))


@pytest.mark.parametrize(
    ("written", "brand"),
    [
        ("雀语", "雀语"),
        ("雀语QUEYU", "雀语"),
        ("QUEYU 雀語", "雀语"),
        ("QUEYU（雀语）", "雀语"),
        ("Queyu", "雀语"),
        ("雀语KAMON", "雀语kamon"),
        ("A.O.雀语", "a.o.雀语"),
        ("红米/小米", "小米/红米"),
        ("小米 红米 /XIAOMI", "小米 红米"),
        ("小米、红米（MI）", "小米/红米"),
        ("雀语QUEYU/雀语", "雀语"),
        ("甲牌/乙牌", "乙牌"),
        ("NORD/FJELL", "fjell/nord"),
        ("KAMON", "kamon"),
        ("NIKE", "耐克"),
        ("无品牌", "无品牌"),
        ("甲牌", "乙牌"),
        ("乙牌", "乙牌"),
        ("丙牌", "丁牌"),
        ("丁牌", "丁牌"),
    ],
)
def test_a_wording_stands_for_one_brand(written: str, brand: str) -> None:
    names = {"雀语": "雀语", "甲牌": "乙牌", "丙牌": "丁牌", "丁牌": "丙牌"}
    assert Brands(names).brand_of(written) == brand


def test_a_brand_is_shown_as_it_was_first_written() -> None:
    assert written_as("NIKE", "nike") == "NIKE"
    assert written_as("QUEYU/雀语", "雀语") == "雀语"
    assert written_as("雀语QUEYU", "queyu") == "QUEYU"
    assert written_as("QUEYU", "雀语") is None


FAMILIES = (
    ("雀语", "雀语QUEYU", "QUEYU（雀语）", "雀語/Queyu", "Queyu"),
    ("Nord", "NORD", "ｎｏｒｄ"),
    ("晨雾", "MISTY", "晨雾/MISTY", "Misty 晨雾"),
    ("无品牌",),
    ("其他",),
)
"""Wordings that are one brand each; an operator has said of MISTY that it is 晨雾."""
WORDS = [word for family in FAMILIES for word in family]


@dataclass
class Goods:
    """Products of one wording each, with the index of them."""

    database: Database
    writer: Indexer
    index: SearchIndex
    skus: dict[str, int] = field(default_factory=dict)
    products: dict[int, str] = field(default_factory=dict)

    def add(self, word: str) -> None:
        with self.database.as_system() as session:
            made = product(session, "绿茶", Supply("tea", "10"), brand=word)
            wordings.register(session, [word])
            session.execute(
                text("UPDATE offers SET brand = :word WHERE id = ANY(:ids)"),
                {"word": word, "ids": made.offer_ids},
            )
        self.skus[word], self.products[made.product_id] = made.sku_id, word

    def follow(self, *rules: Rule) -> None:
        """What the chore does, and then the indexer."""
        with self.database.as_system() as session:
            done = wordings.follow(session, {})
            while done["more"]:
                done = wordings.follow(session, done)
        self.writer.follow(readership(*rules).per_list(NOW))
        while self.writer.step():
            continue

    def found(self, reader: Reader, **asked: Any) -> set[str]:
        ids = self.index.search(Asked(**asked), reader, 100).ids
        return {self.products[one] for one in ids}


def readership(*rules: Rule) -> Readership:
    return Readership(LISTS, book=pricebook.Pricebook(1, rules))


@pytest.fixture
def goods(database: Database, tmp_path: Path) -> Iterator[Goods]:
    with open_indexer(database, tmp_path, readership().per_list(NOW)) as writer:
        yield Goods(database, writer, SearchIndex(tmp_path))


@pytest.fixture
def worded(goods: Goods) -> Goods:
    with goods.database.as_system() as session:
        brands.learn(session, [(word, "") for word in WORDS])  # as matching does behind a load
        brands.call(session, "Misty", "晨雾")
    for word in WORDS:
        goods.add(word)
    return goods


def _saved(session: Session, word: str) -> tuple[Rule, Scope]:
    rule = Rule(1, Decimal(100), brand=word)
    version = pricebook.current(session).version
    book = pricebook.put(session, [rule], version=version, actor="test", note=None)
    row = grants.put(session, Scope("tea", brand=word), "g", 1, dict.fromkeys(_LIMITS))
    assert pricebook.current(session) == book
    late = routing_rules.Rule("late", "last", routing_rules.When(brand=word))
    routed = routing_rules.current(session).version
    routing_rules.put(session, [late], version=routed, actor="test", note=None, now=NOW)
    return book.rules[0], session.scalars(select(GrantRow).where(GrantRow.id == row.id)).one().scope


_LIMITS = ("to_party", "to_level", "max_per_order", "max_per_day", "max_per_recipient")


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(word=st.sampled_from([*WORDS, "雀语 QUEYU", "misty", "nord"]))
def test_a_rule_counts_for_the_same_goods_wherever_it_is_asked(worded: Goods, word: str) -> None:
    folded = word.replace(" ", "").casefold()
    one = next(f for f in FAMILIES if folded in {x.replace(" ", "").casefold() for x in f})
    with worded.database.as_system() as session:
        rule, scope = _saved(session, word)
    worded.follow(rule)
    base = readership().reader("leader", NOBODY, NOW)
    leader = readership(rule).reader("leader", NOBODY, NOW)
    ruled = {"in search": worded.found(leader, price_min=Decimal(20))}
    ruled["by the brand"] = worded.found(leader, brand=word)
    only = Reader("leader", LISTS["resale"], grants=Grants(frozenset({"tea"}), (Grant(1, scope),)))
    ruled["among the granted"] = worded.found(only)
    counted = worded.index.facets(Asked(brand=word, price_min=Decimal(20)), leader)["price"]
    assert {span.value: span.products for span in counted} == dict.fromkeys(
        ("10-20", "20-50"), len(one)
    )
    with worded.database.as_system() as session:
        ids = list(worded.products)
        cards = product_cards(session, ids, leader, NOW)
        ruled["on pages"] = {worded.products[c.id] for c in cards if c.price_from == Decimal(20)}
        named = [(None, rule.brand_of, None)]
        ruled["in SQL"] = {worded.products[p] for p in gathering.offered(session, ids, named)}
        (late,) = routing_rules.current(session).rules
        offered = [deal for deal in deals.of_products(session, ids) if late.when.fits(deal, "")]
        ruled["in routing"] = {worded.products[deal.product_id] for deal in offered}
        tried = price_trials.preview(
            session, readership(), [Rule(1, Decimal(100), brand=word)], worded.skus.values(),
            price_trials.Reading(NOW, NOW, who=base.buyer),
        )  # fmt: skip
        skus = {sku: word for word, sku in worded.skus.items()}
        ruled["in a preview"] = {skus[t.sku_id] for t in tried if t.then == Decimal(20)}
    assert ruled == {where: set(one) for where in ruled}


def test_each_brand_is_counted_once_however_it_is_worded(worded: Goods) -> None:
    worded.follow()
    leader = readership().reader("leader", NOBODY, NOW)
    counted = {one.value: one.products for one in worded.index.brands(leader)}
    assert counted == {family[0]: len(family) for family in FAMILIES}


def test_when_names_change_goods_and_rules_turn_at_once_and_the_index_in_portions(
    goods: Goods, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wordings, "PORTION", 2)
    for word in ("云岭", "YUNLING TEA", "YUNLING TEA ", "Nord"):
        goods.add(word)
    with goods.database.as_system() as session:
        rule, _ = _saved(session, "云岭")
    goods.follow(rule)
    leader = readership(rule).reader("leader", NOBODY, NOW)
    assert goods.found(leader, price_min=Decimal(20)) == {"云岭"}
    with goods.database.as_system() as session:
        marked, told = marks.highest(session), _told(session)
        brands.call(session, "yunling tea", "云岭")
        assert wordings.resolve(session) == 2
        scope = session.scalars(select(GrantRow)).one().scope
        assert scope.brand_of == pricebook.current(session).rules[0].brand_of == "云岭"
        cards = product_cards(session, list(goods.products), leader, NOW)
        paid = {goods.products[card.id]: card.price_from for card in cards}
        assert [paid[w] for w in ("云岭", "YUNLING TEA", "YUNLING TEA ", "Nord")] == [
            Decimal(20), Decimal(20), Decimal(20), Decimal(10),
        ]  # fmt: skip
        (now,) = _told(session)[len(told) :]
        assert now.kind == "brand"
        assert [one["brand"] for one in now.reach] == ["yunling tea", "云岭"]
    with goods.database.as_system() as session:
        first = wordings.follow(session, {})
        portion, _ = marks.following(session, marked, 10)
        assert first["more"]
        assert [goods.products[one] for one in portion] == ["云岭", "YUNLING TEA"]
    goods.follow(rule)
    assert goods.found(leader, price_min=Decimal(20)) == {"云岭", "YUNLING TEA", "YUNLING TEA "}
    assert goods.found(leader, brand="yunling tea") == {"云岭", "YUNLING TEA", "YUNLING TEA "}
    with goods.database.as_system() as session:
        highest = marks.highest(session)
        assert wordings.follow(session, {})["more"] is False
        assert marks.highest(session) == highest


def test_what_a_source_says_of_a_name_moves_nobody_elses_goods(goods: Goods) -> None:
    goods.add("KAMON")
    with goods.database.as_system() as session:
        rule, _ = _saved(session, "雀语")
        brands.learn(session, [("雀语/KAMON", "雀语（KAMON）绿茶")])
    goods.add("雀语/KAMON")
    goods.follow(rule)
    leader = readership(rule).reader("leader", NOBODY, NOW)
    assert goods.found(leader, price_min=Decimal(20)) == {"雀语/KAMON"}
    with goods.database.as_system() as session:
        brands.call(session, "kamon", "雀语")
    goods.follow(rule)
    assert goods.found(leader, price_min=Decimal(20)) == {"KAMON", "雀语/KAMON"}


def test_while_a_load_brings_news_the_next_look_waits_ten_times_as_long_as_one_takes(
    goods: Goods,
) -> None:
    goods.add("云岭")
    with goods.database.as_system() as session:
        done = wordings.follow(session, {})
        brands.learn(session, [("云岭/YUNLING TEA", "")])
        waits = wordings.follow(session, done | {"again_at": done["again_at"] + 60})
        assert (waits["stand"], "moved" in waits) == (done["stand"], False)
        assert wordings.follow(session, waits | {"again_at": 0})["stand"] != done["stand"]


def test_names_of_brands_that_no_rule_names_are_no_news_for_the_feed(goods: Goods) -> None:
    goods.add("云岭")
    goods.add("YL")
    with goods.database.as_system() as session:
        brands.call(session, "yl", "云岭")
        assert wordings.resolve(session) == 1
        assert _told(session) == []


def _told(session: Session) -> list[RuleChange]:
    return list(session.scalars(select(RuleChange).order_by(RuleChange.id)))
