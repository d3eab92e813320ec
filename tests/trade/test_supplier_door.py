"""The supplier's door: accept, refuse, ship, and the money that moves with each parcel."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import func, select, text

from connectors.model import ShipTo
from kit.errors import Problem
from kit.ids import outside
from tests.trade.market import HOME, NOW, Goods, Market, submitted
from trade import cancelling, order_views, purchases
from trade.invariants import violations
from trade.models import Parcel, Posting, PurchaseMove, RecipientOpening
from trade.parcels import at_door, shipping, tracking
from trade.parcels.shipping import Shipment
from trade.purchases import Supplier

TEAHOUSE = Supplier("teahouse")
FLAT = {"kind": "flat", "fee": "5.00", "free_from": None}


class Shop:
    """A leader's submitted order of three units at 3.33 with 5.00 freight."""

    def __init__(
        self,
        market: Market,
        *,
        units: int = 3,
        submit: bool = True,
        source: str = "teahouse",
        leader: int | None = None,
    ) -> None:
        self.market = market
        self.door = Supplier(source)
        self.leader = market.party(money=10_000) if leader is None else leader
        self.goods: Goods = market.offer(cost="3.33", freight=FLAT, stock=100, source=source)
        self.order = market.place(self.leader, (self.goods.sku, units))
        if submit:
            submitted(market, source)
        self.name = outside("pur", market.purchases(self.order)[0].id)

    def ship(self, number: str, lines: dict[int, int] | None = None, **fields: Any) -> None:
        with self.market.db.as_system() as session:
            parcel = Shipment(self.name, "顺丰", number, lines, **fields)
            shipping.ship(session, self.door, parcel, NOW)

    def refuse(self) -> None:
        with self.market.db.as_system() as session:
            purchases.refuse(session, self.door, self.name, "out_of_stock", "没货了", NOW)

    def cancel(self) -> None:
        with self.market.db.as_system() as session:
            cancelling.cancel(session, self.leader, self.order, "不要了", NOW)

    def seen(self) -> dict[str, Any]:
        with self.market.db.as_party(self.leader) as session:
            return order_views.by_id(session, self.leader, self.order)

    def state(self) -> str:
        return self.market.purchases(self.order)[0].state

    def posted(self, account: str) -> int:
        with self.market.db.as_system() as session:
            own = Posting.order_id == self.order
            came = select(func.coalesce(func.sum(Posting.amount), 0)).where(own)
            into = session.scalar(came.where(Posting.destination == account)) or 0
            out = session.scalar(came.where(Posting.source == account)) or 0
            return int(into - out)


def test_shipping_takes_the_money_per_unit_and_owes_the_supplier(market: Market) -> None:
    shop = Shop(market)
    shop.ship("SF1234567890", {1: 1})
    assert shop.seen()["status"] == "partly_shipped"
    assert shop.posted("sales") == shop.posted("payable:teahouse") == 333 + 500
    assert shop.seen()["held"] == "6.66"
    shop.ship("SF1234567891")
    assert shop.seen()["status"] == "shipped"
    assert shop.posted("sales") == 999 + 500
    assert market.balance(f"held:{shop.leader}") == 0


def test_units_of_an_uneven_amount_are_captured_to_the_fen(market: Market) -> None:
    leader = market.party(money=10_000)
    goods = market.offer(cost="0.1234")
    order = market.place(leader, (goods.sku, 7))
    submitted(market)
    name = outside("pur", market.purchases(order)[0].id)
    for unit in range(7):
        with market.db.as_system() as session:
            parcel = Shipment(name, "中通", f"ZT00000000{unit}", {1: 1})
            shipping.ship(session, TEAHOUSE, parcel, NOW)
    assert market.balance(f"held:{leader}") == 0
    assert market.balance(f"wallet:{leader}") == 10_000 - 86


def test_the_same_parcel_again_changes_nothing(market: Market) -> None:
    shop = Shop(market)
    for _ in range(2):
        shop.ship("SF1234567890", {1: 1})
    assert shop.seen()["lines"][0]["shipped"] == 1
    for _ in range(2):
        shop.ship("sf 1234567891")
    assert [p["tracking_number"] for p in shop.seen()["parcels"]] == [
        "SF1234567890",
        "SF1234567891",
    ]
    assert shop.posted("sales") == 1499


def test_a_changed_number_replaces_the_former_one_and_moves_no_money(market: Market) -> None:
    shop = Shop(market)
    shop.ship("SF1234567890")
    shop.ship("SF9999999999")
    assert [p["tracking_number"] for p in shop.seen()["parcels"]] == ["SF9999999999"]
    assert shop.posted("sales") == 1499


def test_a_number_for_other_units_than_were_sent_takes_no_ones_place(market: Market) -> None:
    shop = Shop(market)
    shop.ship("SF1234567890")
    for units in (1, 5):
        with pytest.raises(Problem, match="3 of them under SF1234567890") as caught:
            shop.ship("SF9999999999", {1: units})
        assert caught.value.code == "parcel_differs"
    shop.ship("SF9999999999", {1: 3})
    assert [p["tracking_number"] for p in shop.seen()["parcels"]] == ["SF9999999999"]


def test_which_of_several_numbers_changed_is_asked_not_guessed(market: Market) -> None:
    shop = Shop(market)
    shop.ship("SF0000000001", {1: 1})
    shop.ship("SF0000000002")
    with pytest.raises(Problem, match="replaces"):
        shop.ship("SF0000000003")
    shop.ship("SF0000000003", replaces="SF0000000001")
    numbers = {p["tracking_number"] for p in shop.seen()["parcels"]}
    assert numbers == {"SF0000000002", "SF0000000003"}


def test_a_number_that_took_anothers_place_is_told_again_and_changes_nothing(
    market: Market,
) -> None:
    shop = Shop(market)
    shop.ship("SF0000000001", {1: 1})
    shop.ship("SF0000000002")
    for _ in range(2):
        shop.ship("SF0000000003", replaces="SF0000000001")
    with pytest.raises(Problem, match="another parcel") as caught:
        shop.ship("SF0000000002", replaces="SF0000000003")
    assert caught.value.errors[0].code == "taken"
    told = [event["kind"] for event in shop.seen()["timeline"]]
    assert told.count("parcel_renumbered") == 1


def test_a_carrier_that_was_wrong_is_corrected_and_sends_no_more_units(market: Market) -> None:
    shop = Shop(market)
    for carrier in ("中通", "圆通", "圆通"):
        with market.db.as_system() as session:
            parcel = Shipment(shop.name, carrier, "75312345678901", {1: 1})
            shipping.ship(session, TEAHOUSE, parcel, NOW)
    seen = shop.seen()
    assert [(one["carrier"], one["lines"][0]["quantity"]) for one in seen["parcels"]] == [
        ("yto", 1)
    ]
    assert seen["lines"][0]["shipped"] == 1


def test_units_that_are_told_late_of_a_parcel_that_arrived_have_arrived(market: Market) -> None:
    leader = market.party(money=10_000)
    goods = [market.offer(cost="3.00", stock=9) for _ in range(2)]
    shop = Shop(market, leader=leader)
    shop.order = market.place(leader, *((one.sku, 1) for one in goods))
    submitted(market)
    shop.name = outside("pur", market.purchases(shop.order)[0].id)
    shop.ship("SF1234567890", {1: 1})
    with market.db.as_system() as session:
        parcel = session.scalars(select(Parcel).where(Parcel.order_id == shop.order)).one()
        tracking.found_delivered(session, parcel.id, NOW)
    shop.ship("SF1234567890", {2: 1})
    assert [one["delivered"] for one in shop.seen()["lines"]] == [1, 1]
    assert shop.seen()["status"] == "delivered"
    with market.db.as_system() as session:
        assert violations(session) == []


def test_whoever_sends_nothing_reads_no_recipient(market: Market) -> None:
    shop = Shop(market)
    (bought,) = market.purchases(shop.order)
    name = outside("pur", bought.id)

    def ship_to() -> object:
        with market.db.as_system() as session:
            return purchases.get(session, market.desk, shop.door, name)["ship_to"]

    assert ship_to()
    with market.db.as_system() as session:
        purchases.refuse(session, shop.door, name, "out_of_stock", "没货", NOW)
    assert ship_to() is None


def test_units_are_never_shipped_beyond_what_was_ordered(market: Market) -> None:
    shop = Shop(market)
    with pytest.raises(Problem) as caught:
        shop.ship("SF1234567890", {1: 4})
    assert caught.value.code == "too_many_units"
    assert shop.posted("sales") == 0


def test_shipping_one_line_of_a_purchase_leaves_the_others_open(market: Market) -> None:
    leader = market.party(money=10_000)
    first, second = market.offer(cost="1.00"), market.offer(cost="2.00")
    order = market.place(leader, (first.sku, 1), (second.sku, 1))
    submitted(market)
    (purchase,) = market.purchases(order)
    with market.db.as_system() as session:
        parcel = Shipment(outside("pur", purchase.id), "顺丰", "SF1234567890", {2: 1})
        shipping.ship(session, TEAHOUSE, parcel, NOW)
        view = order_views.by_id(session, leader, order)
    assert [line["shipped"] for line in view["lines"]] == [0, 1]
    assert market.purchases(order)[0].state == "partly_shipped"


@pytest.mark.parametrize("number", ["7.73E+13", "1.2e+14", "", "12", "运单号"])
def test_a_number_that_cannot_be_one_is_refused(market: Market, number: str) -> None:
    with pytest.raises(Problem) as caught:
        Shop(market).ship(number)
    assert caught.value.errors[0].field == "tracking_number"


def test_an_unknown_carrier_is_refused_with_an_example(market: Market) -> None:
    shop = Shop(market)
    parcel = Shipment(shop.name, "飞毛腿", "SF1234567890")
    (problem,) = at_door.ship_batch(market.db, TEAHOUSE, [parcel], NOW)
    assert isinstance(problem, Problem)
    assert "中通快递" in problem.detail


def test_accepting_again_or_after_shipping_changes_nothing(market: Market) -> None:
    shop = Shop(market)
    for _ in range(2):
        with market.db.as_system() as session:
            purchases.accept(session, TEAHOUSE, shop.name, NOW)
    assert shop.state() == "accepted"
    shop.ship("SF1234567890")
    with market.db.as_system() as session:
        purchases.accept(session, TEAHOUSE, shop.name, NOW)
        moves = session.scalars(select(PurchaseMove.event).order_by(PurchaseMove.id)).all()
    assert moves == ["claim", "taken", "accept", "ship"]


def test_the_rest_of_what_was_sent_in_part_is_refused_once(market: Market) -> None:
    shop = Shop(market)
    shop.ship("SF1234567890", {1: 1})
    shop.cancel()
    for _ in range(2):
        shop.refuse()
    told = [event["kind"] for event in shop.seen()["timeline"]]
    assert told == ["placed", "shipped", "cancel_asked", "cancelled"]
    whole = Shop(market)
    whole.ship("SF1234567891")
    with pytest.raises(Problem, match="cannot refuse"):
        whole.refuse()


def test_a_refused_purchase_cannot_be_shipped(market: Market) -> None:
    shop = Shop(market)
    shop.refuse()
    with pytest.raises(Problem, match="do not send it"):
        shop.ship("SF1234567890")


def test_another_suppliers_purchase_is_not_found(market: Market) -> None:
    shop = Shop(market)
    with market.db.as_system() as session:
        for act in (purchases.accept, shipping_of(shop.name)):
            with pytest.raises(Problem) as caught:
                act(session, Supplier("rival"), shop.name, NOW)
            assert caught.value.status == 404
        assert purchases.page(session, market.desk, Supplier("rival")) == ([], None)


def shipping_of(name: str) -> Any:
    def act(session: Any, supplier: Supplier, _: str, now: Any) -> None:
        shipping.ship(session, supplier, Shipment(name, "顺丰", "SF1234567890"), now)

    return act


def test_a_supplier_sees_nothing_before_it_was_submitted(market: Market) -> None:
    shop = Shop(market, submit=False)
    with market.db.as_system() as session:
        assert purchases.page(session, market.desk, TEAHOUSE) == ([], None)
        with pytest.raises(Problem, match="no purchase"):
            purchases.get(session, market.desk, TEAHOUSE, shop.name)


def test_every_opening_of_a_recipient_is_logged_and_what_is_sent_opens_none(market: Market) -> None:
    brand = market.party("brand", source="teahouse")
    shop = Shop(market)
    supplier = Supplier("teahouse", brand)
    with market.db.as_party(brand) as session:
        views, _ = purchases.page(session, market.desk, supplier)
        views.append(purchases.get(session, market.desk, supplier, shop.name))
    assert [ShipTo(**view["ship_to"]) for view in views] == [HOME, HOME]
    with market.db.as_system() as session:
        opened = session.scalars(
            select(RecipientOpening.purpose).where(RecipientOpening.party_id == brand)
        )
        assert opened.all() == ["ship", "ship"]
    shop.ship("SF1234567890")
    with market.db.as_party(brand) as session:
        assert [v["ship_to"] for v in purchases.page(session, market.desk, supplier)[0]] == [None]


def test_an_order_not_yet_submitted_is_cancelled_and_paid_back_at_once(market: Market) -> None:
    shop = Shop(market, submit=False)
    for _ in range(2):
        shop.cancel()
    assert shop.seen()["status"] == "cancelled"
    assert market.balance(f"wallet:{shop.leader}") == 10_000
    assert submitted(market) == 0


def test_a_submitted_order_is_cancelled_only_when_the_supplier_agrees(market: Market) -> None:
    shop = Shop(market)
    for _ in range(2):
        shop.cancel()
    assert [event["kind"] for event in shop.seen()["timeline"]] == ["placed", "cancel_asked"]
    seen = shop.seen()
    assert seen["status"] == "processing"
    assert seen["cancelling"] == {"units": 3, "asked_at": NOW}
    assert [(line["cancelling"], line["cancelled"]) for line in seen["lines"]] == [(3, 0)]
    with market.db.as_party(shop.leader) as session:
        assert order_views.page(session, shop.leader)[0][0]["cancelling"] == seen["cancelling"]
    with market.db.as_party(market.party()) as session:  # nobody else learns of it
        told = session.execute(text("SELECT * FROM units_cancelling(:o)"), {"o": [shop.order]})
        assert told.all() == []
    assert market.balance(f"held:{shop.leader}") == 1499
    shop.refuse()
    assert shop.seen()["status"] == "cancelled"
    assert shop.seen()["cancelling"] is None
    assert market.balance(f"wallet:{shop.leader}") == 10_000


def test_a_cancellation_that_comes_too_late_loses_to_the_parcel(market: Market) -> None:
    shop = Shop(market)
    shop.cancel()
    shop.ship("SF1234567891", {1: 1})
    assert [line["cancelling"] for line in shop.seen()["lines"]] == [2]
    shop.ship("SF1234567890")
    assert (shop.seen()["status"], shop.seen()["cancelling"]) == ("shipped", None)
    told = [event["kind"] for event in shop.seen()["timeline"]]
    assert told[-2:] == ["shipped", "cancel_too_late"]
    with pytest.raises(Problem, match="claim"):
        shop.cancel()


def test_cancelling_gives_reserved_stock_back(market: Market) -> None:
    leader = market.party(money=10_000)
    goods = market.offer(cost="1.00", stock=1)
    order = market.place(leader, (goods.sku, 1))
    with market.db.as_system() as session:
        cancelling.cancel(session, leader, order, "不要了", NOW)
    assert market.place(leader, (goods.sku, 1)) != order


def test_a_parcel_is_taken_once_by_concurrent_deliveries(market: Market) -> None:
    shop = Shop(market)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: shop.ship("SF1234567890"), range(8)))
    with market.db.as_system() as session:
        assert session.scalar(select(func.count()).select_from(Parcel)) == 1
    assert shop.posted("sales") == 1499


def test_a_line_is_cancelled_alone_while_its_sender_has_not_got_it(market: Market) -> None:
    leader = market.party(money=10_000)
    goods = [market.offer(cost=cost, freight=FLAT, stock=9) for cost in ("3.00", "4.00")]
    order = market.place(leader, *((one.sku, 2) for one in goods))

    def cancelled(sku: str) -> None:
        with market.db.as_system() as session:
            cancelling.cancel(session, leader, order, "不要了", NOW, skus=[sku])

    cancelled(goods[0].sku)
    with market.db.as_party(leader) as session:
        seen = order_views.by_id(session, leader, order)
    assert ([line["cancelled"] for line in seen["lines"]], seen["held"]) == ([2, 0], "13.00")
    assert seen["timeline"][-1]["kind"] == "cancelled"
    submitted(market)
    with market.db.as_system() as session:
        supplier = Supplier("teahouse")
        [purchase] = purchases.page(session, market.desk, supplier)[0]
        assert violations(session) == []
    assert [line["quantity"] - line["cancelled"] for line in purchase["lines"]] == [0, 2]


def test_a_line_that_its_sender_has_with_others_is_not_cancelled_alone(market: Market) -> None:
    leader = market.party(money=10_000)
    goods = [market.offer(cost="3.00", stock=9) for _ in range(2)]
    order = market.place(leader, *((one.sku, 1) for one in goods))
    submitted(market)
    with market.db.as_system() as session, pytest.raises(Problem) as refused:
        cancelling.cancel(session, leader, order, "不要了", NOW, skus=[goods[0].sku])
    assert refused.value.code == "shared_purchase"
    other = market.offer(cost="3.00").sku
    with market.db.as_system() as session, pytest.raises(Problem, match=other) as unknown:
        cancelling.cancel(session, leader, order, "不要了", NOW, skus=[other])
    assert [one.field for one in unknown.value.errors] == ["lines"]
