"""Our orders of a day against a platform's own list."""

from decimal import Decimal

from connectors.trading import Checked
from kit import clock
from tests.trade.market import Market
from tests.trade.test_supplier_door import Shop
from trade.order_lists import Ordered, compare_orders, reconcile_orders


def _listed(ref: str, amount: str) -> Checked:
    return Checked(ref, Decimal(amount), None)


def test_an_order_that_both_know_agrees_to_the_fen(market: Market) -> None:
    shop = Shop(market)  # three at 3.33 and 5.00 freight, taken by the source under our reference
    today = clock.now().astimezone(clock.SHANGHAI).date()
    with market.db.as_system() as session:
        agreed = reconcile_orders(session, "teahouse", today, [_listed(shop.name, "14.99")])
        differs = reconcile_orders(session, "teahouse", today, [_listed(shop.name, "15.99")])
        absent = reconcile_orders(session, "teahouse", today, [_listed("JD1", "1.00")])
    assert (agreed.findings, agreed.purchases, agreed.amount) == ([], 1, 1499)
    assert [one.code for one in differs.findings] == ["amount_differs"]
    assert [one.code for one in absent.findings] == ["only_ours", "only_theirs"]


def test_split_orders_add_up_and_a_known_one_of_another_day_is_no_finding() -> None:
    ours = [Ordered("pur_1", frozenset({"A", "B"}), 2, 300)]
    split = [_listed("A", "1.00"), _listed("B", "2.00"), _listed("OLD", "9.00")]
    assert compare_orders(ours, split, {"A", "B", "OLD"}) == []
