"""Supply and distribution against the sandbox: bulk goods, and requisitions made only once."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from connectors.errors import (
    NoSuchThing,
    OutcomeUnknown,
    PriceChanged,
    Refused,
    TryLater,
    Unreadable,
)
from connectors.model import (
    Lists,
    Notifies,
    OrderLine,
    Prices,
    PurchaseOrder,
    Reads,
    Sells,
    ShipTo,
    Stocks,
)
from connectors.taobao_fenxiao import source
from connectors.tokens import Tokens
from connectors.trading import Ships
from kit.crypto import Keyring
from kit.db import Database
from sandbox.top.supply import PID, SKU
from tests.top_stage import Stage

CREATE = "*.requisitionorder.create"
TO = ShipTo("张三", "13800001234", "330106", "文三路 1 号")


@pytest.fixture
def stage(top: Stage) -> Stage:
    return top


@pytest.fixture
def account(stage: Stage) -> Any:
    return stage.source("taobao_fenxiao")


def rows_of(listing: Any) -> dict[str, dict[str, Any]]:
    found = {}
    for page in listing.pages:
        assert not page.rejects
        found |= {row["external_id"]: row for row in page.rows.iter_rows(named=True)}
    return found


def dealt(stage: Stage, skip: int = 0) -> str:
    """A SKU that dealers may buy."""
    index = [one for one in range(60) if one % 4 != 2][skip]
    plain = stage.top.shop.is_plain(index)
    return str(PID + index) if plain else f"{PID + index}:{SKU + index * 10}"


def order(*lines: tuple[str, int], our_ref: str = "P-1", cost: int = 10_000) -> PurchaseOrder:
    wanted = tuple(OrderLine(one, quantity, Decimal(cost)) for one, quantity in lines)
    return PurchaseOrder(our_ref, wanted, TO)


def test_an_account_can_what_it_can(account: Any) -> None:
    for protocol in (Lists, Reads, Prices, Stocks, Notifies, Sells, Ships):
        assert isinstance(account, protocol)


@pytest.mark.parametrize("simplify", ["true", "false"])
def test_all_products_are_listed_in_bulk(
    stage: Stage, simplify: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "PAGE", 7)
    listing = stage.source("taobao_fenxiao", simplify=simplify == "true").items()
    found = rows_of(listing)
    world = stage.top.shop.world
    assert listing.complete
    assert len(found) == sum(len(world.listing(index).skus) for index in range(60))
    row = found[dealt(stage)]
    price = world.price(world.listing(0).skus[0])
    assert row["bulk_price"] == Decimal(price * 9 // 10) / 100
    assert row["dropship_price"] is None
    assert row["min_retail"] == Decimal(price * 12 // 10) / 100
    assert row["max_retail"] == Decimal(price * 3) / 100
    states = {external.partition(":")[0]: row["state"] for external, row in found.items()}
    assert states[str(PID + 2)] == "off"
    assert states[str(PID + 1)] == "live"


def test_fewer_products_than_were_counted_are_a_failure(
    stage: Stage, account: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = stage.top.supply.products
    monkeypatch.setitem(
        stage.top._sellers,
        "taobao.fenxiao.products.get",
        lambda given: {**whole(given), "total_results": 61},
    )
    with pytest.raises(Unreadable):
        rows_of(account.items())


def test_a_distributor_lists_his_suppliers_until_there_is_no_next_page(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "PAGE", 9)
    buyer = stage.source("taobao_fenxiao", role="distributor", suppliers=["沙盘供应商"])
    world = stage.top.shop.world
    assert len(rows_of(buyer.items())) == sum(len(world.listing(i).skus) for i in range(60))
    with pytest.raises(Unreadable, match="suppliers"):
        rows_of(stage.source("taobao_fenxiao", role="distributor").items())


def test_what_changed_and_what_was_ordered_is_read_again(stage: Stage, account: Any) -> None:
    listing = account.items()
    rows_of(listing)
    stage.act("touch", index=40)
    stage.act("buy", index=25, num=1, kind="fenxiao")
    changed = account.items(listing.watermark)
    listings = {row["listing"] for row in rows_of(changed).values()}
    assert not changed.complete
    assert {str(PID + 40), str(PID + 25)} <= listings
    assert len(listings) < 30


def test_orders_are_demand_without_recipients(stage: Stage, account: Any) -> None:
    until = account.gateway.now()
    found = list(account.demand(until - timedelta(days=20), until))
    assert {one.ref for one in found} == {
        str(trade.tid) for trade in stage.top.shop.trades if trade.kind == "fenxiao"
    }
    assert all(line.taking and line.quantity > 0 for one in found for line in one.lines)
    assert "李" not in repr(found)


def test_prices_and_stock_are_read_by_id(stage: Stage, account: Any) -> None:
    wanted = [dealt(stage, skip) for skip in range(4)] + [str(PID + 999)]
    page = account.read(wanted)
    assert page.gone == ()
    prices = {one.external_id: one.bulk for one in account.prices(wanted)}
    assert set(prices) == set(wanted[:4])
    assert all(one.state != "unknown" for one in account.stock(wanted))


def test_a_requisition_is_applied_for_once(stage: Stage, account: Any) -> None:
    wanted = order((dealt(stage), 20), (dealt(stage, 1), 5))
    first = account.place(wanted)
    assert first.awaits_supplier
    assert account.place(wanted) == first
    assert account.find("P-1") == first
    assert account.find("P-2") is None
    held = stage.top.orders()
    assert len(held) == 1
    assert held[0]["receiver"]["state"] == "浙江省"
    assert held[0]["receiver"]["mobile_phone"] == "13800001234"


@pytest.mark.parametrize("mode", ["lost", "html_after", "empty_after", "isp_after"])
def test_a_requisition_of_unknown_outcome_is_found_and_not_repeated(
    stage: Stage, account: Any, mode: str
) -> None:
    wanted = order((dealt(stage), 20))
    stage.fault(mode, CREATE)
    with pytest.raises(OutcomeUnknown):
        account.place(wanted)
    assert account.find("P-1").external_refs == (stage.top.orders()[0]["ref"],)
    account.place(wanted)
    assert len(stage.top.orders()) == 1


@pytest.mark.parametrize("mode", ["html", "drop", "isp"])
def test_a_requisition_that_never_was_is_applied_for_again(
    stage: Stage, account: Any, mode: str
) -> None:
    wanted = order((dealt(stage), 20))
    stage.fault(mode, CREATE)
    with pytest.raises(OutcomeUnknown):
        account.place(wanted)
    assert account.find("P-1") is None
    account.place(wanted)
    assert len(stage.top.orders()) == 1


def test_an_ambiguous_requisition_goes_to_a_person(stage: Stage, account: Any) -> None:
    wanted = order((dealt(stage), 20))
    stage.fault("lost", CREATE)
    with pytest.raises(OutcomeUnknown):
        account.place(wanted)
    stage.source("taobao_fenxiao").place(wanted)  # as somebody does by hand
    with pytest.raises(OutcomeUnknown, match="a person") as caught:
        account.find("P-1")
    assert caught.value.wait
    assert "张三" not in str(caught.value)


def test_a_requisition_of_another_purchase_is_not_taken_for_ours(
    stage: Stage, account: Any
) -> None:
    account.place(order((dealt(stage), 20)))
    stage.fault("lost", CREATE)
    with pytest.raises(OutcomeUnknown):
        account.place(order((dealt(stage), 20), our_ref="P-2"))
    assert account.find("P-2").external_refs == (stage.top.orders()[1]["ref"],)


def test_what_was_noted_outlives_the_process(stage: Stage, database: Database) -> None:
    tokens = Tokens(database, Keyring(bytes(32)))
    stage.tokens = tokens
    wanted = order((dealt(stage), 20))
    stage.fault("lost", CREATE)
    with pytest.raises(OutcomeUnknown):
        stage.source("taobao_fenxiao").place(wanted)
    found = stage.source("taobao_fenxiao").find("P-1")
    assert found is not None
    assert stage.source("taobao_fenxiao").place(wanted).external_refs == found.external_refs
    assert len(stage.top.orders()) == 1


def test_a_dearer_supplier_is_not_bought_from_silently(stage: Stage, account: Any) -> None:
    with pytest.raises(PriceChanged):
        account.place(order((dealt(stage), 20), cost=1))
    assert stage.top.orders() == []


def test_goods_of_agents_cannot_be_applied_for(stage: Stage, account: Any) -> None:
    with pytest.raises(NoSuchThing):
        account.place(order((str(PID + 2), 1)))
    many = tuple((f"{PID + number}", 1) for number in range(51))
    with pytest.raises(Refused, match="50"):
        account.place(order(*many))


def test_a_requisition_is_tracked_and_withdrawn(stage: Stage, account: Any) -> None:
    external = dealt(stage)
    ref = account.place(order((external, 20))).external_refs[0]
    part = account.track("P-1").parts[0]
    assert (part.ref, part.state, part.lines) == (ref, "open", ((external, 20),))
    assert part.amount is not None
    stage.act("decide", requisition=int(ref), status="WAIT_FOR_APPLIER_STORAGE")
    assert account.track("P-1").parts[0].state == "shipped"
    with pytest.raises(Refused):
        account.cancel("P-1", "too late")
    stage.act("decide", requisition=int(ref), status="WAIT_FOR_SUPPLIER_AUDIT1")
    for _ in range(2):
        account.cancel("P-1", "changed our mind")
    assert account.track("P-1").parts[0].state == "cancelled"
    with pytest.raises(NoSuchThing):
        account.track("P-9")


def test_a_ban_while_applying_leaves_nothing_behind(stage: Stage, account: Any) -> None:
    stage.fault("ban", CREATE, seconds=30)
    with pytest.raises(TryLater) as caught:
        account.place(order((dealt(stage), 20)))
    assert caught.value.wait == pytest.approx(30, abs=1)
    asked = len(stage.calls())
    with pytest.raises(TryLater):
        account.stock([dealt(stage)])
    assert len(stage.calls()) == asked
