"""A brand's shop against the sandbox: nothing is skipped, lowered twice, or read as zero."""

import json
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest

from connectors.errors import (
    OutOfStock,
    SupplierError,
    TryLater,
    Unreadable,
)
from connectors.model import (
    Listing,
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
from connectors.taobao_shop import pull
from connectors.tokens import Tokens
from connectors.top.messages import message
from kit.crypto import Keyring
from kit.db import Database
from sandbox.top.shop import ITEM_ID, SKU_ID
from tests.top_stage import Stage

DETAILS = "*.items.seller.list.get"
SET = "*.quantity.update"


@pytest.fixture
def stage(top: Stage) -> Stage:
    return top


@pytest.fixture
def shop(stage: Stage) -> Any:
    return stage.source("taobao_shop")


def read(listing: Listing) -> list[dict[str, Any]]:
    """Every row of a listing, the last word of each SKU."""
    found = {}
    for page in listing.pages:
        assert not page.rejects
        for row in page.rows.iter_rows(named=True):
            found[row["external_id"]] = row
    return list(found.values())


def order(*lines: tuple[str, int], our_ref: str = "P-1") -> PurchaseOrder:
    """A purchase of some SKUs."""
    ship_to = ShipTo("张三", "13800000000", "330106", "文三路 1 号")
    wanted = tuple(OrderLine(one, quantity, Decimal(10_000)) for one, quantity in lines)
    return PurchaseOrder(our_ref, wanted, ship_to)


def sku(stage: Stage, index: int, place: int = 0) -> str:
    """The external id of a SKU of the sandbox."""
    if stage.top.shop.is_plain(index):
        return str(ITEM_ID + index)
    return f"{ITEM_ID + index}:{SKU_ID + index * 10 + place}"


def on_the_shelf(stage: Stage, external_id: str) -> int:
    """What the platform itself has of a SKU."""
    index = int(external_id.partition(":")[0]) - ITEM_ID
    place = int(external_id.partition(":")[2] or SKU_ID + index * 10) - SKU_ID - index * 10
    found: int = stage.top.shop.world.stock(stage.top.shop.world.listing(index).skus[place])
    return found


def stocked(stage: Stage, *, at_least: int = 20, skip: int = 0) -> str:
    """A SKU of an item that takes stock when ordered, with enough of it."""
    found = [
        sku(stage, index)
        for index in range(60)
        if stage.top.shop.sub_stock(index) == 1
        and on_the_shelf(stage, sku(stage, index)) >= at_least
    ]
    return found[skip]


def test_a_shop_can_what_a_shop_can(shop: Any) -> None:
    for protocol in (Lists, Reads, Prices, Stocks, Notifies, Sells):
        assert isinstance(shop, protocol)


@pytest.mark.parametrize("method", ["md5", "hmac", "hmac-sha256"])
@pytest.mark.parametrize("where", ["query", "body"])
def test_all_shelves_are_read_completely(stage: Stage, method: str, where: str) -> None:
    shop = stage.source(
        "taobao_shop", sign_method=method, system_params=where, timestamp="ms", partner_id="hp"
    )
    listing = shop.items()
    rows = read(listing)
    world = stage.top.shop.world
    assert listing.complete
    assert len(rows) == sum(len(world.listing(index).skus) for index in range(60))
    assert {row["state"] for row in rows} == {"live", "off"}


@pytest.mark.parametrize(
    "manners",
    [
        {"rootless": True},
        {"rootless": False},
        {"inner": "renamed_type"},
        {"lone": True},
        {"hollow": True},
        {"texts": True},
    ],
)
@pytest.mark.parametrize("simplify", ["true", "false"])
def test_every_envelope_gives_the_same_goods(
    stage: Stage, simplify: str, manners: dict[str, Any]
) -> None:
    plain = read(stage.source("taobao_shop").items())
    stage.act("manners", **manners)
    assert read(stage.source("taobao_shop", simplify=simplify).items()) == plain


def test_a_row_says_what_the_item_says(stage: Stage, shop: Any) -> None:
    rows = {row["external_id"]: row for row in read(shop.items())}
    index = next(index for index in range(60) if not stage.top.shop.is_plain(index))
    listing = stage.top.shop.world.listing(index)
    row = rows[sku(stage, index)]
    assert row["listing"] == str(ITEM_ID + index)
    assert row["title"] == listing.title
    assert row["brand"] == listing.brand
    assert row["gtin"] == f"0{listing.skus[0].gtin}"
    fen = stage.top.shop.world.price(listing.skus[0])
    assert row["msrp"] == row["dropship_price"] == Decimal(fen) / 100
    assert row["bulk_price"] is None
    assert row["images"].startswith('["https://img.alicdn.example/')
    name, value = next(iter(listing.skus[0].spec.items()))
    assert row["attributes"] == f'{{"{name}": "{value}"}}'
    assert row["weight_g"] == listing.weight_g


def test_a_brand_is_paid_its_share_of_the_shop_price(stage: Stage) -> None:
    shop = stage.source("taobao_shop", cost_percent="62")
    for row in read(shop.items()):
        assert row["dropship_price"] == row["msrp"] * 62 / 100


def test_units_of_unpaid_orders_are_not_sold_twice(stage: Stage, shop: Any) -> None:
    index = next(i for i in range(60) if stage.top.shop.sub_stock(i) == 2)
    external = sku(stage, index)
    before = on_the_shelf(stage, external)
    stage.act("buy", index=index, num=1)
    assert [fact.quantity for fact in shop.stock([external])] == [max(0, before - 1)]


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of a few items, so that a small sandbox has many."""
    monkeypatch.setattr(pull, "PAGE", 5)
    monkeypatch.setattr(pull, "TRADE_PAGE", 5)


def _goods(rows: list[dict[str, Any]]) -> list[str]:
    """Rows without the pages that they stood on."""
    return sorted(str({**row, "file": "", "line": 0}) for row in rows)


@pytest.mark.usefixtures("small_pages")
def test_a_window_deeper_than_the_platform_pages_is_halved(
    stage: Stage, shop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = read(shop.items())
    before = len(stage.calls("onsale.get"))
    deep = stage.source("taobao_shop")
    monkeypatch.setattr(deep, "settings", deep.settings.model_copy(update={"deep_page_limit": 15}))
    assert _goods(read(deep.items())) == _goods(whole)
    assert len(stage.calls("onsale.get")) > 2 * before


@pytest.mark.usefixtures("small_pages")
def test_goods_that_change_while_the_shop_is_read_are_not_skipped(stage: Stage, shop: Any) -> None:
    world = stage.top.shop.world
    found = set()
    for number, page in enumerate(shop.items().pages):
        found |= set(page.rows["external_id"])
        if number > 30:
            continue
        stage.act("touch", index=(number * 13) % 60)
        stage.act("shelve", index=(number * 7) % 60, shelf=("onsale", "for_shelved")[number % 2])
    assert len(found) == sum(len(world.listing(index).skus) for index in range(60))


@pytest.mark.usefixtures("small_pages")
def test_a_reading_goes_on_behind_any_page(stage: Stage, shop: Any) -> None:
    whole = read(shop.items())
    pages = list(shop.items().pages)
    for place in range(0, len(pages), 4):
        first = [row for page in pages[: place + 1] for row in page.rows.iter_rows(named=True)]
        rest = read(shop.items(after=pages[place].cursor))
        assert {row["external_id"] for row in first + rest} == {row["external_id"] for row in whole}


def test_what_changed_is_read_again_and_only_that(stage: Stage, shop: Any) -> None:
    listing = shop.items()
    read(listing)
    stage.act("touch", index=31)
    changed = shop.items(since=listing.watermark)
    assert not changed.complete
    assert str(ITEM_ID + 31) in {row["listing"] for row in read(changed)}
    assert len(read(shop.items(since=listing.watermark))) < 60


def test_a_sale_takes_stock_without_changing_the_item_and_is_seen(stage: Stage, shop: Any) -> None:
    listing = shop.items()
    was = {row["external_id"]: row["stock_quantity"] for row in read(listing)}
    external = stocked(stage, skip=3)
    for kind in ("guarantee_trade", "fenxiao"):
        stage.act("buy", index=int(external.partition(":")[0]) - ITEM_ID, num=2, kind=kind)
    now = {row["external_id"]: row["stock_quantity"] for row in read(shop.items(listing.watermark))}
    assert now[external] == was[external] - 4


def test_an_app_without_the_right_to_trades_still_reads_goods(stage: Stage, shop: Any) -> None:
    listing = shop.items()
    args = {"code": 11, "msg": "Insufficient ISV Permissions"}
    stage.fault("refuse", "*trades.sold*", times=0, args=args)
    again = shop.items(since=listing.watermark)
    read(again)
    assert "not read" in again.notes["trades"]


def test_too_many_timeouts_of_trades_shorten_the_windows(stage: Stage, shop: Any) -> None:
    listing = shop.items()
    told = {"code": 50, "msg": "m", "sub_code": "isv.trade-service-rejection"}
    stage.fault("refuse", "*trades.sold*", args=told)
    pages = shop.items(since=listing.watermark).pages
    kept = []
    with pytest.raises(TryLater) as caught:
        kept.extend(pages)
    assert caught.value.wait == 180
    windows = [leg for leg in kept[-1].cursor["legs"] if leg["shelf"] == "trades"]
    assert len(windows) == 2
    read(shop.items(since=listing.watermark, after=kept[-1].cursor))


def test_a_short_reply_is_no_proof_of_absence(stage: Stage, shop: Any) -> None:
    stage.top._sellers["taobao.items.seller.list.get"] = lambda given: {}
    with pytest.raises(Unreadable):
        read(shop.items())


def test_an_item_deleted_while_the_shop_is_read_is_counted(stage: Stage, shop: Any) -> None:
    listing = shop.items()
    asked = stage.top._sellers["taobao.items.seller.list.get"]

    def after_a_deletion(given: dict[str, str]) -> Any:
        if str(ITEM_ID + 9) in given["num_iids"]:
            stage.top.shop.deleted.add(9)
        return asked(given)

    stage.top._sellers["taobao.items.seller.list.get"] = after_a_deletion
    rows = read(listing)
    assert listing.notes["gone_meanwhile"] == 1
    assert str(ITEM_ID + 9) not in {row["listing"] for row in rows}


def test_single_items_are_read_with_all_skus_and_what_is_gone(stage: Stage, shop: Any) -> None:
    stage.act("delete", index=4)
    page = shop.read([str(ITEM_ID + 1), sku(stage, 4), f"{ITEM_ID + 2}:42"])
    assert {row["listing"] for row in page.rows.iter_rows(named=True)} == {
        str(ITEM_ID + 1),
        str(ITEM_ID + 2),
    }
    assert set(page.gone) == {sku(stage, 4), f"{ITEM_ID + 2}:42"}


def test_prices_and_stock_are_the_ones_asked_for(stage: Stage, shop: Any) -> None:
    wanted = [sku(stage, index) for index in range(20)]
    assert [fact.external_id for fact in shop.prices(wanted)] == wanted
    assert {fact.external_id: fact.quantity for fact in shop.stock(wanted)} == {
        one: on_the_shelf(stage, one) for one in wanted
    }
    assert shop.stock(["999"]) == []


def test_a_purchase_lowers_the_shops_stock_once(stage: Stage, shop: Any) -> None:
    one, two = stocked(stage), stocked(stage, skip=1)
    before = on_the_shelf(stage, one), on_the_shelf(stage, two)
    for _ in range(3):
        placed = shop.place(order((one, 2), (two, 3)))
        assert placed.external_refs == ("P-1",)
    assert (on_the_shelf(stage, one), on_the_shelf(stage, two)) == (before[0] - 2, before[1] - 3)
    assert shop.find("P-1") is not None
    assert shop.find("P-2") is None


def test_purchases_at_once_each_lower_the_shops_stock(stage: Stage, database: Database) -> None:
    stage.tokens = Tokens(database, Keyring(bytes(32)))
    external = stocked(stage)
    before = on_the_shelf(stage, external)
    shops = [stage.source("taobao_shop") for _ in range(4)]

    def buy(number: int) -> None:
        shops[number].place(order((external, 1), our_ref=f"P-{number}"))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(buy, range(4)))
    assert on_the_shelf(stage, external) == before - 4


def test_a_cancelled_purchase_gives_its_units_back_once(stage: Stage, shop: Any) -> None:
    external = stocked(stage)
    before = on_the_shelf(stage, external)
    shop.place(order((external, 5)))
    for _ in range(2):
        shop.cancel("P-1", "buyer")
    assert on_the_shelf(stage, external) == before
    assert shop.find("P-1") is None


def test_a_purchase_that_the_shop_is_short_of_takes_nothing(stage: Stage, shop: Any) -> None:
    one, two = stocked(stage), stocked(stage, skip=1)
    before = on_the_shelf(stage, one)
    with pytest.raises(OutOfStock):
        shop.place(order((one, 10_000)))
    assert on_the_shelf(stage, one) == before
    assert shop.place(order((one, 10_000), (two, 1), our_ref="P-2")).refused == (one,)


@pytest.mark.parametrize("mode", ["lost", "html_after", "empty_after", "isp_after", "isp", "html"])
def test_a_stock_that_may_be_written_is_read_before_it_is_written_again(
    stage: Stage, shop: Any, mode: str
) -> None:
    external = stocked(stage)
    before = on_the_shelf(stage, external)
    stage.fault(mode, SET)
    shop.place(order((external, 4)))
    assert on_the_shelf(stage, external) == before - 4
    written = 1 if mode in ("lost", "html_after", "empty_after", "isp_after") else 2
    assert len(stage.calls("quantity.update")) == written


def test_a_purchase_goes_on_where_a_crash_left_it(stage: Stage, shop: Any) -> None:
    external = stocked(stage)
    before = on_the_shelf(stage, external)
    stage.fault("isp_after", SET, times=0)
    stage.fault("ban", DETAILS, skip=1, seconds=60)
    with pytest.raises(SupplierError):
        shop.place(order((external, 4)))
    assert on_the_shelf(stage, external) == before - 4
    assert shop.find("P-1") is None
    again = stage.source("taobao_shop")
    again.levels._lowerings = shop.levels._lowerings
    stage.sandbox.faults = type(stage.sandbox.faults)()
    stage.budgets._bans.clear()
    again.place(order((external, 4)))
    assert on_the_shelf(stage, external) == before - 4
    assert again.find("P-1") is not None


def test_stock_is_written_in_full_and_never_below_zero(stage: Stage, shop: Any) -> None:
    many = next(i for i in range(60) if len(stage.top.shop.world.listing(i).skus) > 2)
    plain = next(i for i in range(60) if stage.top.shop.is_plain(i))
    levels = {sku(stage, many, 0): 7, sku(stage, many, 1): 0, sku(stage, plain): 11}
    shop.levels.write(levels)
    assert {one: on_the_shelf(stage, one) for one in levels} == levels
    assert len(stage.calls("quantity.update")) == 2
    with pytest.raises(ValueError, match="no quantity"):
        shop.levels.write({sku(stage, plain): -1})


def test_messages_come_again_until_they_are_confirmed(stage: Stage, shop: Any) -> None:
    content = {"num_iid": ITEM_ID + 3, "nick": "s", "increment": -1}
    stage.act("message", topic="taobao_item_ItemStockChanged", content=content, copies=250)
    stage.act("shuffle")
    first = shop.changes()
    assert len(first) == 200
    assert {one.topic for one in first} == {"stock"}
    assert {one.external_ids for one in first} == {(str(ITEM_ID + 3),)}
    assert all(int(one.id) > 2**53 for one in first)
    stage.ahead(301)
    shop.ack(first[:150])
    assert len({one.id for one in shop.changes()} & {one.id for one in first[150:]}) > 0
    stage.ahead(700)
    shop.ack(shop.changes())
    assert shop.changes() == []


@pytest.mark.parametrize(
    ("topic", "content", "kind", "ids", "refs"),
    [
        ("taobao_item_ItemUpdate", {"num_iid": 7}, "item", ("7",), ()),
        ("taobao_item_ItemZeroStock", {"num_iid": 7}, "item", ("7",), ()),
        ("taobao_trade_TradeBuyerPay", {"tid": 2**53 + 1}, "order", (), (str(2**53 + 1),)),
        ("taobao_refund_RefundCreated", {"refund_id": 5, "tid": 6}, "claim", (), ("5", "6")),
        ("taobao_logistics_LogsticDetailTrace", {"tid": 6}, "parcel", (), ("6",)),
        ("taobao_fenxiao_FxOrderPaid", {"fenxiao_id": "9"}, "order", (), ("9",)),
        ("taobao_other_News", {}, "other", (), ()),
        ("taobao_item_ItemUpdate", "no json", "other", (), ()),
    ],
)
def test_a_message_is_a_hint(
    topic: str, content: Any, kind: str, ids: tuple[str, ...], refs: tuple[str, ...]
) -> None:
    told = json.dumps(content) if isinstance(content, dict) else content
    read = message({"id": 1, "topic": topic, "content": told})
    assert (read.topic, read.external_ids, read.refs) == (kind, ids, refs)


def test_what_was_taken_outlives_the_process(stage: Stage, database: Database) -> None:
    external = stocked(stage)
    before = on_the_shelf(stage, external)
    for _ in range(2):
        stage.tokens = Tokens(database, Keyring(bytes(32)))
        stage.source("taobao_shop").place(order((external, 4)))
    again = stage.source("taobao_shop")
    assert again.find("P-1").units == {external: 4}
    assert on_the_shelf(stage, external) == before - 4
    again.cancel("P-1", "buyer")
    stage.source("taobao_shop").cancel("P-1", "buyer")
    assert on_the_shelf(stage, external) == before
