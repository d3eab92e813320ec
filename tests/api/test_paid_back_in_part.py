"""Of a paid order at 1688 that is cancelled some lines are paid back, and the others come."""

from typing import Any

from tests.api.platforms import ALI, Trade
from tests.api.test_left_anyway import cases, followed, owed


def two(trade: Trade, quantity: int = 1) -> str:
    """Two lines of one offer, at 20.00, with 8.00 freight, paid."""
    fee = {"kind": "flat", "fee": "8.00"}
    offers = trade.stage.act("ali1688", "offers", limit=30)
    names = [sku["external_id"] for sku in next(x for x in offers if len(x["skus"]) > 1)["skus"]]
    goods = [
        trade.shop.market.offer(source=ALI, external_id=name, cost="20.00", seller=ALI, freight=fee)
        for name in names[:2]
    ]
    for name in names[:2]:
        trade.price(ALI, name, 2000)
    trade.stage.act("ali1688", "freight", fen=800)
    order = trade.ordered(*goods, quantity=quantity)
    trade.worked(ALI)
    assert [one["payments"] for one in trade.stage.orders("ali1688")] == [1]
    trade.stage.post("clock", ahead=60)
    return order


def cancel(trade: Trade, order: str) -> list[Any]:
    """The leader wants none of it; what the seller is asked to pay back."""
    trade.shop.said("leader", f"/v1/orders/{order}/cancel", {"reason": "不要了"}, 200)
    followed(trade, ALI)
    return list(trade.stage.act("ali1688", "refunds"))


def says(trade: Trade, refund: Any, status: str) -> None:
    trade.stage.act("ali1688", "refund", refund=refund["id"], status=status)


def shipped(trade: Trade, **much: int) -> None:
    trade.stage.act("ali1688", "ship", order=trade.stage.orders("ali1688")[0]["ref"], **much)


def units(trade: Trade, order: str) -> list[tuple[int, int]]:
    return [(one["shipped"], one["cancelled"]) for one in trade.seen(order)["lines"]]


def test_what_its_seller_pays_back_is_paid_back_with_its_share_of_freight(trade: Trade) -> None:
    order = two(trade)
    first, second = cancel(trade, order)
    assert (first["carriage"], second["carriage"]) == (400, 400)
    says(trade, first, "refundsuccess")
    says(trade, second, "waitbuyermodify")
    followed(trade, ALI)
    assert units(trade, order) == [(0, 1), (0, 0)]
    assert (trade.shop.got("leader", "/v1/wallet")["held"], owed(trade, ALI)) == ("30.00", "0.00")
    assert trade.told(order, "cancel_refused") == [None]
    shipped(trade)
    for _ in range(2):
        followed(trade, ALI)
    assert units(trade, order) == [(0, 1), (1, 0)]
    assert (owed(trade, ALI), trade.balanced(), cases(trade)) == ("24.00", True, [])


def test_what_left_before_the_cancellation_came_is_paid_for_and_no_more(trade: Trade) -> None:
    order = two(trade)
    shipped(trade, lines=1)  # and nobody has heard of it yet
    (refund,) = cancel(trade, order)
    says(trade, refund, "refundsuccess")
    for _ in range(2):
        followed(trade, ALI)
    assert units(trade, order) == [(1, 0), (0, 1)]
    kinds = [one["kind"] for one in trade.seen(order)["timeline"]]
    assert kinds[-3:] == ["cancel_asked", "shipped", "cancelled"]
    assert (owed(trade, ALI), trade.balanced(), cases(trade)) == ("28.00", True, [])
    assert trade.shop.got("leader", "/v1/wallet")["held"] == "0.00"


def test_what_is_sent_in_parts_of_both_lines_is_shipped_and_paid_for_in_parts(
    trade: Trade,
) -> None:
    order = two(trade, quantity=2)
    shipped(trade, pieces=1)
    followed(trade, ALI)
    assert (units(trade, order), owed(trade, ALI)) == ([(1, 0), (1, 0)], "48.00")
    shipped(trade)
    for _ in range(2):
        followed(trade, ALI)
    assert (units(trade, order), owed(trade, ALI)) == ([(2, 0), (2, 0)], "88.00")
    assert trade.balanced()
