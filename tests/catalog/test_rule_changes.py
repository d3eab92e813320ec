"""A changed rule is one row of the feed, told to whom it concerns in words that they may know."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.orm import Session

from catalog import corridors, grants, pricebook, reads, scopes, turning
from catalog.corridors import PricePolicy, PricePolicyRow
from catalog.grants import GrantRow
from catalog.pricing import Buyer, PriceList, Rule
from catalog.rule_changes import Reach, of_rules
from catalog.scopes import Scope
from catalog.sequencer import number_changes
from catalog.shelf import Reader
from kit.db import Database
from kit.ids import outside
from tests.catalog.goods import NOW, Supply, event, product
from trade import parties
from trade.parties import Terms

OPERATOR = Reader("operator")


def leader(number: int = 1, **named: Any) -> Reader:
    return Reader("leader", PriceList(), buyer=Buyer(number, **named))


def put(database: Database, *rules: Rule, version: int = 0) -> None:
    with database.as_system() as session:
        pricebook.put(session, rules, version=version, actor="test", note=None)


def told(
    database: Database, reader: Reader, skus: list[int] | None = None, after: int = 0
) -> list[Any]:
    """What the feed says of rules, as `reader` sees it."""
    with database.as_system() as session:
        number_changes(session)
    number = reader.buyer.party
    scope = database.as_system() if number is None else database.as_party(number)
    with scope as session:
        items = reads.changes(session, after, 100, reader, NOW, sku_ids=skus).items
    return [item.now["affects"] for item in items if item.kind == "rule" and item.now]


def rule(number: int, percent: int = 10, **named: Any) -> Rule:
    return Rule(number, Decimal(percent), **named)


@pytest.mark.parametrize(
    ("former", "rules", "reach"),
    [
        ([], [rule(1, brand="云岭")], [Reach(brand="云岭")]),
        ([rule(1, brand="云岭")], [rule(1, brand="云岭"), rule(2)], [Reach()]),
        ([rule(1), rule(2, brand="云岭")], [rule(1, brand="云岭")], [Reach()]),
        ([rule(1, 10, source="a")], [rule(1, 20, source="a")], [Reach(source="a")] * 2),
        ([rule(1), rule(2, party=7)], [rule(1, party=7), rule(2)], []),
    ],
)
def test_only_rules_that_came_went_or_changed_places_affect_anything(
    former: list[Rule], rules: list[Rule], reach: list[Reach]
) -> None:
    assert of_rules(former, rules) == reach


def test_equal_rules_in_another_order_affect_their_goods() -> None:
    one, other = rule(1, 10, brand="云岭"), rule(2, 20, brand="云岭")
    swapped = [rule(1, 20, brand="云岭"), rule(2, 10, brand="云岭")]
    assert set(of_rules([one, other], swapped)) == {Reach(brand="云岭")}


def test_a_set_of_price_rules_is_one_row_however_many_skus_and_leaders(database: Database) -> None:
    with database.as_system() as session:
        mine = product(session, "茶", brand="云岭").sku_id
    put(database, rule(1, brand="云岭"), rule(2, party=1, source="teahouse"), rule(3, party=2))
    everything = [{"party": outside("pty", 1), "source": "teahouse"}, {"party": outside("pty", 2)}]
    (affects,) = told(database, OPERATOR)
    goods = affects["pricing"]["goods"]
    assert [one for one in everything if one not in goods] == []
    assert told(database, leader(1)) == [{"pricing": {"goods": [{}, {"brand": "云岭"}]}}]
    assert told(database, leader(9)) == [{"pricing": {"goods": [{"brand": "云岭"}]}}]
    assert told(database, leader(9), [mine]) == []  # the offer names no brand
    assert told(database, leader(1), [mine]) == [{"pricing": {"goods": [{}]}}]
    put(database, rule(1, brand="云岭"), rule(2, party=1), rule(3, party=2), version=1)
    assert len(told(database, leader(2))) == 1  # nothing changed for that one
    put(database, rule(1, brand="云岭"), rule(2, party=1), rule(3, party=2), version=2)
    assert len(told(database, OPERATOR)) == 2


def test_a_policy_is_told_to_all_who_hold_its_goods_and_ends_as_one_row(
    database: Database,
) -> None:
    with database.as_system() as session:
        mine = product(session, "茶").sku_id
        other = product(session, "咖啡", Supply(source="coffee")).sku_id
        allowed = PricePolicy(Scope("teahouse", sku_id=mine), Decimal(1), Decimal(9))
        corridors.put(session, allowed.scope, "p", 5, allowed)
        corridors.put(session, allowed.scope, "p", 5, allowed)  # as before: no row
    said = {"corridor": {"goods": [{"sku": outside("sku", mine)}]}}
    assert told(database, leader(), [mine]) == told(database, leader()) == [said]
    assert told(database, leader(), [other]) == []
    with database.as_system() as session:
        assert scopes.remove(session, PricePolicyRow, "teahouse", "p")
    assert told(database, leader()) == [said, said]


def test_the_first_and_the_last_grant_of_a_source_concern_everybody(database: Database) -> None:
    def grant(session: Session, name: str, party: int) -> None:
        limits = dict.fromkeys(("max_per_order", "max_per_day", "max_per_recipient"))
        grants.put(
            session,
            Scope("teahouse", brand="云岭"),
            name,
            5,
            {"to_party": party, "to_level": None} | limits,
        )

    with database.as_system() as session:
        grant(session, "first", 1)
        grant(session, "second", 2)
    named = {"grant": {"goods": [{"brand": "云岭"}, {}]}}
    assert told(database, leader(1)) == [named]
    assert told(database, leader(3)) == [{"grant": {"goods": [{}]}}]
    assert told(database, leader(4, above=frozenset([2]))) == [{"grant": {"goods": [{}]}}]
    with database.as_system() as session:
        for name in ("first", "second"):
            assert scopes.remove(session, GrantRow, "teahouse", name)
    assert len(told(database, leader(3))) == 2
    assert len(told(database, OPERATOR)) == 4


def test_a_party_learns_that_it_stands_elsewhere_and_so_do_those_under_it(
    database: Database,
) -> None:
    with database.as_system() as session:
        head, agent = (parties.create(session, "leader", name) for name in ("总部", "代理"))
        store = parties.create(session, "leader", "门店")
        parties.set_terms(session, store, Terms(parent=outside("pty", agent)))
        parties.set_terms(session, agent, Terms(parent=outside("pty", head), level="金牌"))
        parties.set_terms(session, head, Terms(level="金牌"))
        parties.set_terms(session, head, Terms(level="金牌", credit_limit=7))
    everything = {"level": {"goods": [{}]}}
    assert told(database, leader(head)) == [everything]
    assert told(database, leader(agent)) == [everything]
    assert told(database, leader(store, above=frozenset([agent, head]))) == [everything] * 2


def test_a_rule_whose_time_begins_or_ends_is_told_then(database: Database) -> None:
    hour = timedelta(hours=1)
    put(database, rule(1, brand="云岭", valid_from=NOW + hour, valid_until=NOW + 3 * hour))
    with database.as_system() as session:
        scope = Scope("teahouse", since=NOW + 2 * hour)
        corridors.put(session, scope, "p", 5, PricePolicy(scope, Decimal(1)))
        turns = [turning.turn(session, NOW + n * hour, NOW + (n + 1) * hour) for n in range(4)]
    assert turns == [1, 1, 1, 0]
    kinds = [next(iter(one)) for one in told(database, leader())]
    assert kinds == ["pricing", "corridor", "pricing", "corridor", "pricing"]


def test_rows_of_rules_and_of_offers_share_one_gapless_numbering(database: Database) -> None:
    with database.as_system() as session:
        made = product(session, "茶")
    put(database, rule(1))
    with database.as_system() as session:
        number_changes(session)
    put(database, rule(1, 20), version=1)
    with database.as_system() as session:
        event(session, made.offer_ids[0], made.sku_id, 2, "price", {}, {"dropship": "11"})
    with database.as_system() as session:
        number_changes(session)
        found, after = [], 0
        for _ in range(5):
            page = reads.changes(session, after, 1, OPERATOR, NOW)
            found += [(item.seq, item.kind) for item in page.items]
            after = page.next
    assert found == [(1, "rule"), (2, "listed"), (3, "rule"), (4, "price")]
    assert after == 4


def test_a_party_reads_no_row_that_names_others_only(database: Database) -> None:
    put(database, rule(1, party=1), rule(2, level="金牌"))
    put(database, rule(1, party=2), rule(2, level="金牌"), version=1)
    with database.as_party(3) as session:
        assert session.connection().exec_driver_sql("SELECT 1 FROM rule_changes").all() == []
    with database.as_party(2) as session:
        rows = session.connection().exec_driver_sql("SELECT 1 FROM rule_changes").all()
        assert len(rows) == 1
