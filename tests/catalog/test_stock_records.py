"""How fast stock falls is learnt from events and sales, and decides what readers are shown."""

import itertools
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog import reads, stock_records
from catalog.models import Demand
from catalog.pricing import PriceList
from catalog.shelf import Reader, SourcePolicy, Stock
from kit import clock
from kit.db import Database
from tests.catalog.goods import EARLIER, Made, Supply, event, product

HOUR = timedelta(hours=1)
LEADER = Reader("leader", PriceList())


def stated(quantity: int | None) -> dict[str, Any]:
    return {"state": "in_stock", "quantity": quantity}


def falls(session: Session, made: Made, *numbers: int | None, hours: float = 30) -> None:
    """The figure goes through these numbers, the last of them an hour ago."""
    at = clock.now() - hours * HOUR
    for version, (was, now) in enumerate(itertools.pairwise(numbers), start=2):
        offer = made.offer_ids[0]
        event(session, offer, made.sku_id, version, "stock", stated(was), stated(now), at=at)


def pace(session: Session) -> dict[int, float]:
    rows = session.execute(text("SELECT offer_id, per_hour FROM stock_pace"))
    return {row.offer_id: row.per_hour for row in rows}


def listed(session: Session, made: Made, at: datetime) -> None:
    session.execute(
        text("UPDATE changes SET at = :at WHERE offer_id = :offer AND kind = 'listed'"),
        {"at": at, "offer": made.offer_ids[0]},
    )


def test_falls_count_over_the_week_or_since_the_offer_came(database: Database) -> None:
    with database.as_system() as session:
        old, new, still = (product(session, name) for name in ("绿茶", "红茶", "白茶"))
        for made, days in ((old, 40), (new, 2), (still, 40)):
            listed(session, made, clock.now() - timedelta(days=days))
        for made in (old, new):
            falls(session, made, 100, 52, 300, None, 16, 16 + 48, 16)
        falls(session, still, 3, 5)
        stock_records.roll(session)
        told = pace(session)
        # 48 and 48 fell; more, and a number after none, are no sales
        assert told.keys() == {old.offer_ids[0], new.offer_ids[0]}
        assert told[old.offer_ids[0]] == round(96 / (7 * 24), 4)
        assert round(told[new.offer_ids[0]], 2) == 2


def test_what_we_sold_counts_where_no_figure_fell(database: Database) -> None:
    with database.as_system() as session:
        made = product(session, "绿茶")
        session.add(Demand(sku_id=made.sku_id, picked=0, sold=1440))
        session.flush()
        assert stock_records.roll(session) == 1
        assert pace(session) == {made.offer_ids[0]: 2.0}
        assert stock_records.roll(session) == 0  # nothing is written again
        session.execute(text("DELETE FROM demand"))
        assert stock_records.roll(session) == 1
        assert pace(session) == {}


def test_readers_see_less_of_an_old_figure_and_may_order_all_of_it(database: Database) -> None:
    with database.as_system() as session:
        made = product(session, "绿茶", Supply(quantity=30, freight={"kind": "free"}))
        session.execute(text("INSERT INTO stock_pace VALUES (:id, 2)"), {"id": made.offer_ids[0]})
        now = EARLIER + 8 * HOUR
        (card,) = reads.product_cards(session, [made.product_id], LEADER, now)
        assert card.stock == Stock("low", 5)
        answer = reads.sellable(session, made.sku_id, "", 30, LEADER, now)
        assert answer is not None
        assert answer.sellable


def test_a_listing_that_says_the_same_again_makes_the_figure_young(database: Database) -> None:
    with database.as_system() as session:
        made = product(session, "绿茶", Supply(quantity=30))
        (offer,) = made.offer_ids
        session.execute(text("INSERT INTO stock_pace VALUES (:id, 2)"), {"id": offer})
        now = EARLIER + 8 * HOUR

        def seen() -> Stock:
            return reads.product_cards(session, [made.product_id], LEADER, now)[0].stock

        session.execute(
            text("INSERT INTO source_states (source, full_at) VALUES ('teahouse', :at)"),
            {"at": now},
        )
        assert seen() == Stock("in_stock", 30)
        # stock that is asked for by itself is no part of what listings say
        session.execute(
            text("INSERT INTO figures VALUES (:id, 'stock', 'teahouse', 0, :at)"),
            {"id": offer, "at": now},
        )
        assert seen() == Stock("low", 5)


def test_a_source_can_be_trusted_more(database: Database) -> None:
    bold = Reader("leader", PriceList(), {"teahouse": SourcePolicy(refusal_risk=0.5)})
    with database.as_system() as session:
        made = product(session, "绿茶", Supply(quantity=100))
        session.execute(text("INSERT INTO stock_claims VALUES ('teahouse', 20, 10)"))
        seen = [
            reads.product_cards(session, [made.product_id], reader, EARLIER)[0].stock.quantity
            for reader in (LEADER, bold)
        ]
        assert seen == [23, 100]


def test_a_deal_that_is_probably_sold_out_stands_for_no_sku(database: Database) -> None:
    with database.as_system() as session:
        made = product(session, "绿茶", Supply("a", "8", quantity=3), Supply("b", "10"))
        session.execute(text("INSERT INTO stock_pace VALUES (:id, 2)"), {"id": made.offer_ids[0]})
        cards = [
            reads.product_cards(session, [made.product_id], LEADER, now)[0]
            for now in (EARLIER, EARLIER + 24 * HOUR)
        ]
        assert [str(card.price_from) for card in cards] == ["8.0000", "10.0000"]
        assert [card.stock for card in cards] == [Stock("in_stock", 3), Stock("in_stock", None)]
