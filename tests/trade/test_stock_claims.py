"""Refusals for want of goods count against a source's stated stock, by whatever code it says so."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from connectors.errors import NotDeliverable, OutOfStock, SupplierError
from connectors.model import Placed, PurchaseOrder
from kit import clock
from tests.trade.market import DoorSupplier, Market
from trade import stock_claims, submit, supplies


class Refusing(DoorSupplier):
    def __init__(self, error: SupplierError) -> None:
        self.error = error

    def place(self, order: PurchaseOrder) -> Placed:
        raise self.error


@pytest.mark.parametrize(
    ("error", "short"), [(OutOfStock("3008", "无货"), 1), (NotDeliverable("9", "送不到"), 0)]
)
def test_a_refused_purchase_is_told_once(market: Market, error: SupplierError, short: int) -> None:
    leader = market.party(money=10**6)
    market.place(leader, (market.offer(stock=5).sku, 1), now=clock.now())
    until = clock.now() + timedelta(seconds=20)
    with market.db.as_system() as session:
        assert stock_claims.tell(session) == 0  # nobody has answered yet
    submit.drain(market.db, market.desk, "teahouse", lambda _: Refusing(error), until)
    with market.db.as_system() as session:
        assert stock_claims.tell(session) == 1
        assert stock_claims.tell(session) == 0
        rows = session.execute(text("SELECT source, tried, short FROM stock_claims")).all()
        assert [tuple(row) for row in rows] == [("teahouse", 1, short)]


def test_an_offer_that_is_probably_sold_out_is_bought_only_where_no_other_serves(
    market: Market,
) -> None:
    leader = market.party(money=10**6)
    doubtful = market.offer(stock=5, cost="8.00")
    with market.db.as_system() as session:
        session.execute(text("INSERT INTO stock_pace VALUES (:id, 1)"), {"id": doubtful.offer_id})
        (one,) = supplies.load(session, market.desk, [doubtful.sku_id], "440305")
        assert (one.left, one.shown) == (5, 0)
    alone = market.place(leader, (doubtful.sku, 1))
    assert [buy.source for buy in market.purchases(alone)] == ["teahouse"]
    market.offer(sku_id=doubtful.sku_id, source="other", stock=5, cost="9.00")
    both = market.place(leader, (doubtful.sku, 1))
    assert [buy.source for buy in market.purchases(both)] == ["other"]
