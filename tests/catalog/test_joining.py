"""Merging and splitting SKUs: nothing is lost, everything can be taken back."""

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, text
from sqlalchemy.orm import Session

from catalog import deals, reads
from catalog.matching import joining, queue
from catalog.matching.redirects import current
from catalog.reads import memberships
from catalog.sequencer import number_changes
from catalog.shelf import Reader
from kit import clock
from kit.db import Database
from kit.errors import Problem
from tests.catalog.goods import NOW, Made, Supply, product
from trade.models import Selection

EVERYTHING = """
    SELECT (SELECT jsonb_agg(to_jsonb(o) - 'version' ORDER BY id) FROM offers o),
      (SELECT jsonb_agg(to_jsonb(p) ORDER BY offer_id, mode) FROM prices p),
      (SELECT jsonb_agg(to_jsonb(h) ORDER BY offer_id, mode, version) FROM price_points h),
      (SELECT jsonb_agg(to_jsonb(s) ORDER BY party_id, sku_id) FROM selections s),
      (SELECT jsonb_agg(to_jsonb(k) ORDER BY id) FROM skus k),
      (SELECT jsonb_agg(to_jsonb(r) ORDER BY from_sku) FROM sku_redirects r)"""


def everything(session: Session) -> Any:
    return tuple(session.execute(text(EVERYTHING)).one())


def two(session: Session) -> tuple[Made, Made]:
    one = product(session, "晨雾咖啡豆", Supply(source="one", price="9"))
    return one, product(session, "晨雾咖啡豆 深烘", Supply(source="two", price="8"))


def pick(session: Session, party: int, *skus: int) -> None:
    for n, sku in enumerate(skus):
        session.execute(
            insert(Selection).values(
                party_id=party, sku_id=sku, markup_percent=10, code=f"c{n}", updated_at=NOW
            )
        )


def test_a_merge_taken_back_leaves_everything_as_it_was(database: Database) -> None:
    with database.as_system() as session:
        one, other = two(session)
        pick(session, 7, one.sku_id, other.sku_id)
        pick(session, 8, other.sku_id)
        before = everything(session)
        moved = joining.merge(session, other.sku_id, one.sku_id, "operator")
        assert moved == joining.Moved(other.sku_id, one.sku_id, tuple(other.offer_ids))
        assert everything(session) != before
        back = joining.split(session, one.sku_id, other.offer_ids, "operator")
        assert back.to_sku == other.sku_id
        assert everything(session) == before


def test_a_merged_sku_leads_to_the_goods_of_the_other(database: Database) -> None:
    with database.as_system() as session:
        one, other = two(session)
        joining.merge(session, other.sku_id, one.sku_id, "operator")
        old = deals.of_skus(session, [other.sku_id])
        new = deals.of_skus(session, [one.sku_id])
        assert [d.offer_id for d in old] == [d.offer_id for d in new]
        assert {d.sku_id for d in old} == {other.sku_id}
        assert deals.of_products(session, [other.product_id]) == []


def test_a_merged_sku_is_shown_as_the_one_it_leads_to(database: Database) -> None:
    with database.as_system() as session:
        one, other = two(session)
        joining.merge(session, other.sku_id, one.sku_id, "operator")
        reader = Reader("operator")
        page = reads.product(session, other.product_id, reader, NOW)
        found = reads.lookup(session, reader, NOW, sku_ids=[other.sku_id], codes={"c": one.sku_id})
    assert page is not None
    assert page.card.id == one.product_id
    assert [sku.id for sku in page.skus] == [one.sku_id]
    assert len(page.skus[0].offers or ()) == 2
    assert [item.asked for item in found] == [other.sku_id, "c"]
    assert [sku.id for item in found for sku in item.skus] == [one.sku_id, one.sku_id]


def test_chains_of_merges_lead_to_the_last(database: Database) -> None:
    with database.as_system() as session:
        one, other = two(session)
        third = product(session, "晨雾咖啡豆 454g", Supply(source="three"))
        joining.merge(session, other.sku_id, one.sku_id, "operator")
        joining.merge(session, one.sku_id, third.sku_id, "operator")
        skus = [one.sku_id, other.sku_id, third.sku_id]
        assert set(current(session, skus).values()) == {third.sku_id}
        assert joining.merge(session, other.sku_id, third.sku_id, "operator") is None
        joining.split(session, third.sku_id, one.offer_ids + other.offer_ids, "operator")
        assert current(session, skus) == {
            one.sku_id: one.sku_id,
            other.sku_id: one.sku_id,
            third.sku_id: third.sku_id,
        }


def test_an_offer_that_was_never_apart_gets_a_sku_of_its_own(database: Database) -> None:
    with database.as_system() as session:
        made = product(session, "茶", Supply(source="one"), Supply(source="two"))
        moved = joining.split(session, made.sku_id, made.offer_ids[1:], "operator")
        assert moved.to_sku != made.sku_id
        assert len(deals.of_skus(session, [moved.to_sku])) == 1
        assert len(deals.of_skus(session, [made.sku_id])) == 1


def test_the_last_offer_cannot_leave(database: Database) -> None:
    with database.as_system() as session:
        made = product(session, "茶")
        with pytest.raises(Problem, match="every offer would leave"):
            joining.split(session, made.sku_id, made.offer_ids, "operator")


def test_the_feed_tells_of_a_merge_once_and_not_whose_offers_moved(database: Database) -> None:
    with database.as_system() as session:
        one, other = two(session)
    with database.as_system() as session:
        number_changes(session)
    with database.as_system() as session:
        joining.merge(session, other.sku_id, one.sku_id, "operator")
    with database.as_system() as session:
        number_changes(session)
        later = NOW + timedelta(minutes=1)
        seen = reads.changes(session, 2, 50, Reader("leader"), later)
        only = reads.changes(session, 2, 50, Reader("leader"), later, sku_ids=[other.sku_id])
        full = reads.changes(session, 2, 50, Reader("operator"), later)
    rules = [item for item in seen.items if item.kind == "rule"]
    assert len(rules) == 1
    assert set((rules[0].now or {})["affects"]["match"]) == {"merge"}
    assert {item.kind for item in seen.items} == {"rule", "price"}
    assert all(item.source is None for item in seen.items)
    assert {item.kind for item in only.items} == {"rule", "price"}
    assert {"gone", "listed", "rule"} == {item.kind for item in full.items}


def test_a_leader_learns_what_a_split_leaves_at_either_sku(database: Database) -> None:
    with database.as_system() as session:
        made = product(session, "茶", Supply(source="one", price="9"), Supply(source="two"))
    with database.as_system() as session:
        number_changes(session)
        moved = joining.split(session, made.sku_id, made.offer_ids[:1], "operator")
    with database.as_system() as session:
        number_changes(session)
        told = reads.changes(session, 2, 50, Reader("leader"), NOW).items
    prices = {(item.kind, item.sku_id): (item.now or {}).get("price") for item in told}
    assert prices == {
        ("price", made.sku_id): 10,
        ("listed", moved.to_sku): 9,
        ("rule", made.sku_id): None,
    }


def test_two_merges_at_once_end_in_one_sku(database: Database) -> None:
    with database.as_system() as session:
        one, other = two(session)

    def merge(pair: tuple[int, int]) -> None:
        with database.as_system() as session:
            joining.merge(session, *pair, "operator")

    pairs = [(one.sku_id, other.sku_id), (other.sku_id, one.sku_id)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(merge, pairs * 2))
    with database.as_system() as session:
        assert len(set(current(session, [one.sku_id, other.sku_id]).values())) == 1
        count = text("SELECT count(DISTINCT sku_id), count(*) FROM offers")
        assert tuple(session.execute(count).one()) == (1, 2)
        merges = text("SELECT count(*) FROM regroupings")
        assert session.execute(merges).scalar_one() == 1


def test_a_split_is_never_proposed_again(database: Database) -> None:
    with database.as_system() as session:
        made = product(session, "茶", Supply(source="one"), Supply(source="two"))
        name = ("two", f"two-{made.sku_id}")
        queue.split(session, made.product_id, [name], "operator", NOW)
        refused, _ = queue.page(session, "rejected")
        assert [(c.source, c.external_id) for c in refused] == [name]
        with pytest.raises(Problem, match="not all of this product"):
            queue.split(session, made.product_id, [name], "operator", NOW)


def three(session: Session) -> tuple[Made, Made, Made]:
    """a, b, c: merged a → b → c, and picked by one leader each."""
    a, b = two(session)
    c = product(session, "晨雾咖啡豆 454g", Supply(source="three"))
    for party, made in enumerate((a, b, c), start=7):
        pick(session, party, made.sku_id)
    return a, b, c


@pytest.mark.parametrize("order", ["ab", "ba"])
def test_merges_in_a_chain_are_taken_back_in_any_order(database: Database, order: str) -> None:
    with database.as_system() as session:
        a, b, c = three(session)
        before = everything(session)
        joining.merge(session, a.sku_id, b.sku_id, "operator")
        joining.merge(session, b.sku_id, c.sku_id, "operator")
        homes = {"a": a, "b": b}
        for one in order:
            moved = joining.split(session, c.sku_id, homes[one].offer_ids, "operator")
            assert moved.to_sku == homes[one].sku_id
            assert current(session, [homes[one].sku_id]) == {homes[one].sku_id: homes[one].sku_id}
        assert everything(session) == before


def test_goods_that_return_in_parts_stand_for_their_sku_again(database: Database) -> None:
    with database.as_system() as session:
        a = product(session, "茶", Supply(source="one"), Supply(source="two"))
        b = product(session, "茶叶", Supply(source="three"))
        joining.merge(session, a.sku_id, b.sku_id, "operator")
        first = joining.split(session, b.sku_id, a.offer_ids[:1], "operator")
        assert first.to_sku not in (a.sku_id, b.sku_id)
        assert current(session, [a.sku_id]) == {a.sku_id: b.sku_id}
        rest = joining.split(session, b.sku_id, a.offer_ids[1:], "operator")
        assert rest.to_sku == a.sku_id
        assert current(session, [a.sku_id]) == {a.sku_id: a.sku_id}


def test_a_merge_is_taken_back_whichever_side_is_named(database: Database) -> None:
    with database.as_system() as session:
        a, b = two(session)
        pick(session, 7, a.sku_id)
        pick(session, 8, b.sku_id)
        before = everything(session)
        joining.merge(session, a.sku_id, b.sku_id, "operator")
        moved = queue.split(session, b.product_id, [("two", f"two-{b.sku_id}")], "operator", NOW)
        assert moved == [joining.Moved(b.sku_id, a.sku_id, tuple(a.offer_ids))]
        assert everything(session) == before
        refused, _ = queue.page(session, "rejected")
        assert [(c.offer_id, c.sku_id) for c in refused] == [(a.offer_ids[0], b.sku_id)]


def where(session: Session) -> dict[int, int]:
    return {row.id: row.sku_id for row in session.execute(text("SELECT id, sku_id FROM offers"))}


@pytest.mark.parametrize("seed", [2, 6, 17])
def test_whatever_was_merged_each_sku_can_be_had_back(database: Database, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - of a test
    with database.as_system() as session:
        supplies = [[Supply(source="a"), Supply(source="b")][: 1 + n % 2] for n in range(5)]
        all_made = [product(session, f"茶 {n}", *some) for n, some in enumerate(supplies)]
        own = {made.sku_id: set(made.offer_ids) for made in all_made}
        before = everything(session)
        for _ in range(25):
            one, other = chance.sample(list(own), 2)
            at = where(session)
            [stands] = {at[offer] for offer in own[one]}
            if chance.random() < 0.5:
                joining.merge(session, one, other, "operator")
            elif stands != one:
                joining.split(session, stands, own[one], "operator", either=True)
            led, at = current(session, own), where(session)
            now = clock.now() + timedelta(seconds=1)
            for sku, offers in own.items():
                assert {at[offer] for offer in offers} == {led[sku]}
                known = memberships.of(session, sku)
                assert known.standing(now) == led[sku]
                assert known.offers(now) == {offer for offer in at if at[offer] == led[sku]}
        for sku, offers in own.items():
            if current(session, [sku])[sku] != sku:
                joining.split(session, current(session, [sku])[sku], offers, "operator")
        assert everything(session) == before
