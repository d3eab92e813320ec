"""A simulated shop: shelves, stock, trades, refunds, parcels and messages."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sandbox.frame import Clock
from sandbox.world import Listing, Sku, World, number

from .wire import Many, Refusal

FORM = "%Y-%m-%d %H:%M:%S"
ITEM_ID, SKU_ID = 650_000_000_000, 5_100_000_000_000
TRADE_ID = 9_100_000_000_000_000_001
"""Above 2^53: who reads it by way of a float loses digits."""
BANNERS = (
    *("regular_shelved", "never_on_shelf", "off_shelf", "for_shelved", "sold_out"),
    "violation_off_shelf",
)
PLAIN_TYPES = ("guarantee_trade", "auto_delivery", "ec", "cod", "step")
SHELF = ("num_iid", "modified", "title", "price", "num", "approve_status", "outer_id", "pic_url")


def invalid(what: str) -> Refusal:
    """A parameter that the shop does not take."""
    return Refusal(41, "Invalid Arguments", f"isv.invalid-parameter:{what}", f"{what} is wrong")


@dataclass
class Trade:
    """A consumer's order of one SKU."""

    tid: int
    index: int
    place: int
    num: int
    status: str
    kind: str
    modified: datetime
    parcels: dict[str, str] = field(default_factory=dict)
    refund: str = "NO_REFUND"


class Shop:
    """One seller's goods. Times are aware; texts are Beijing's."""

    def __init__(self, world: World, clock: Clock) -> None:
        self.world = world
        self.clock = clock
        self.began = clock.beijing().replace(microsecond=0)
        self.shelved: dict[int, str] = {}
        self.deleted: set[int] = set()
        self.touched: dict[int, datetime] = {}
        self.withheld: dict[str, int] = {}
        self.trades: list[Trade] = []
        self.writes = 0
        self._tick, self._prices = world.tick, self._priced()
        for count in range(world.size // 4):
            self._first_trade(count)

    def look(self) -> list[tuple[str, dict[str, Any]]]:
        """Notice what moved since the last look: (topic, content) of the messages about it.

        A price touches its item's `modified`; stock does not.
        """
        if self._tick == self.world.tick:
            return []
        self._tick, now = self.world.tick, self._priced()
        told = []
        for index, (was, price) in enumerate(zip(self._prices, now, strict=True)):
            if was == price:
                continue
            if was[0] != price[0]:
                self.touch(index)
            topic = "ItemUpdate" if was[0] != price[0] else "ItemStockChanged"
            told.append(
                (f"taobao_item_{topic}", {"num_iid": ITEM_ID + index, "nick": "沙盘旗舰店"})
            )
        self._prices = now
        return told

    def touch(self, index: int) -> None:
        """An item was changed just now."""
        self.touched[index] = self.clock.beijing().replace(microsecond=0)

    def status(self, index: int) -> str:
        """onsale, or the banner that the item hangs under."""
        if index in self.shelved:
            return self.shelved[index]
        return "for_shelved" if index % 17 == 5 else "sold_out" if index % 23 == 7 else "onsale"

    def modified(self, index: int) -> datetime:
        """When an item was last changed."""
        return self.touched.get(index, self.began - timedelta(minutes=7 * (index + 1)))

    def page(self, params: dict[str, str], shelf: str) -> dict[str, Any]:
        """One page of a shelf."""
        size, page = int(params.get("page_size", "40")), int(params.get("page_no", "1"))
        if not 1 <= size <= 200 or page < 1 or (shelf != "onsale" and page > 101):
            raise invalid("page_no")
        if page * size > 20_000:
            raise invalid("page_size")
        if shelf not in ("onsale", *BANNERS):
            raise invalid("banner")
        found = [
            index
            for index in range(self.world.size)
            if index not in self.deleted
            and self.status(index) == shelf
            and within(params, self.modified(index), "modified")
        ]
        key, _, way = params.get("order_by", "list_time:desc").partition(":")
        if key == "modified":
            found.sort(key=lambda index: (self.modified(index), index), reverse=way != "asc")
        fields = params["fields"].split(",")
        items = [only(self.item(index), fields) for index in found[(page - 1) * size : page * size]]
        return {"total_results": len(found), "items": Many("item", items)}

    def details(self, params: dict[str, str]) -> dict[str, Any]:
        """Items in full; ids that are not the seller's are left out in silence."""
        ids = params["num_iids"].split(",")
        if len(ids) > 20:
            raise invalid("num_iids")
        fields = [_wide(name) for name in params["fields"].split(",")]
        found = [index for one in ids if (index := self.index_of(one)) is not None]
        return {"items": Many("item", [only(self.item(index), fields) for index in found])}

    def one(self, params: dict[str, str]) -> dict[str, Any]:
        """One item, or the error that says there is none."""
        index = self.index_of(params["num_iid"])
        if index is None:
            raise Refusal(
                50, "Remote service error", "isv.item-not-exist:num_iid", "商品不存在或已删除"
            )
        fields = [_wide(name) for name in params["fields"].split(",")]
        return {"item": only(self.item(index), fields)}

    def set_skus(self, params: dict[str, str]) -> dict[str, Any]:
        """Full or incremental quantities of SKUs: an increment below zero becomes zero."""
        index = self._known(params["num_iid"])
        pairs = [pair.split(":") for pair in params["skuid_quantities"].split(";")]
        if len(pairs) > 20:
            raise invalid("skuid_quantities")
        for sku_id, quantity in pairs:
            sku = self._sku(index, sku_id)
            was = self.world.stock(sku)
            level = int(quantity) if params.get("type", "1") == "1" else max(0, was + int(quantity))
            if level < 0:
                raise invalid("skuid_quantities")
            self.world.fix(sku.key, stock=level)
        return self._written(index)

    def set_item(self, params: dict[str, str]) -> dict[str, Any]:
        """The quantity of an item without SKUs, or of one SKU: below zero is refused."""
        index = self._known(params["num_iid"])
        skus = self.world.listing(index).skus
        sku = self._sku(index, params["sku_id"]) if "sku_id" in params else skus[0]
        was = self.world.stock(sku) if params.get("type", "1") == "2" else 0
        if was + int(params["quantity"]) < 0:
            raise invalid("quantity")
        self.world.fix(sku.key, stock=was + int(params["quantity"]))
        return self._written(index)

    def index_of(self, num_iid: str) -> int | None:
        """The listing behind an item id, if the seller has it."""
        index = int(num_iid) - ITEM_ID if num_iid.isdigit() else -1
        return index if 0 <= index < self.world.size and index not in self.deleted else None

    def item(self, index: int) -> dict[str, Any]:
        """An item with all of its fields."""
        listing, plain = self.world.listing(index), self.is_plain(index)
        skus = [] if plain else [self._sku_of(listing, sku) for sku in listing.skus]
        status = self.status(index)
        first = listing.skus[0]
        return {
            "num_iid": ITEM_ID + index,
            "title": listing.title,
            "nick": "沙盘旗舰店",
            "cid": 50_000_000 + index % 9,
            "type": "fixed",
            "outer_id": f"HP-{index:04d}",
            "barcode": first.gtin if plain else None,
            "price": _yuan(self.world.price(first)),
            "num": sum(self.world.stock(sku) for sku in listing.skus),
            "pic_url": f"//img.alicdn.example/{listing.images[0]}",
            "item_imgs": Many(
                "item_img",
                [
                    {"url": f"http://img.alicdn.example/{name}", "position": place}
                    for place, name in enumerate(listing.images)
                ],
            ),
            "props_name": f"20000:{index}:品牌:{listing.brand};13021751:9:货号:A#cln#{index}#scln#",
            "approve_status": "onsale" if status == "onsale" else "instock",
            "violation": status == "violation_off_shelf" or None,
            "sub_stock": self.sub_stock(index),
            "with_hold_quantity": self.withheld.get(first.key) if plain else None,
            "has_invoice": index % 3 > 0,
            "freight_payer": "seller" if index % 2 else "buyer",
            "express_fee": "8.00",
            "postage_id": 0 if index % 4 else 9001,
            "item_weight": f"{listing.weight_g / 1000:.3f}",
            "skus": Many("sku", skus),
            "modified": self.modified(index).strftime(FORM),
        }

    def is_plain(self, index: int) -> bool:
        """Whether an item is sold without SKUs."""
        return len(self.world.listing(index).skus) == 1

    def sub_stock(self, index: int) -> int:
        """1: stock is taken when ordered, 2: when paid."""
        return 2 if index % 5 == 2 else 1

    def _sku_of(self, listing: Listing, sku: Sku) -> dict[str, Any]:
        name, value = next(iter(sku.spec.items()))
        place = listing.skus.index(sku)
        return {
            "sku_id": SKU_ID + listing.index * 10 + place,
            "properties": f"1627207:{place}",
            "properties_name": f"1627207:{place}:{name}:{value}",
            "quantity": self.world.stock(sku),
            "with_hold_quantity": self.withheld.get(sku.key),
            "price": _yuan(self.world.price(sku)),
            "outer_id": f"HP-{listing.index:04d}-{place}",
            "barcode": sku.gtin,
            "status": "normal",
        }

    def _sku(self, index: int, sku_id: str) -> Sku:
        place = int(sku_id) - SKU_ID - index * 10
        skus = self.world.listing(index).skus
        if not 0 <= place < len(skus):
            raise Refusal(50, "Remote service error", "isv.sku-not-exist:sku_id", "SKU 不存在")
        return skus[place]

    def _known(self, num_iid: str) -> int:
        index = self.index_of(num_iid)
        if index is None:
            raise Refusal(50, "Remote service error", "isv.item-not-exist:num_iid", "商品不存在")
        return index

    def _written(self, index: int) -> dict[str, Any]:
        self.writes += 1
        item = self.item(index)
        return {"item": only(item, ["iid", "num_iid", "modified", "num", "skus"])}

    def _priced(self) -> list[tuple[list[int], list[int]]]:
        return [
            ([self.world.price(sku) for sku in skus], [self.world.stock(sku) for sku in skus])
            for skus in (self.world.listing(index).skus for index in range(self.world.size))
        ]

    def _first_trade(self, count: int) -> None:
        drawn = number(self.world.seed, "trade", count)
        index = drawn % self.world.size
        self.trades.append(
            Trade(
                TRADE_ID + 2 * count,
                index,
                drawn // 7 % len(self.world.listing(index).skus),
                1 + drawn % 2,
                "WAIT_SELLER_SEND_GOODS",
                "fenxiao" if count % 5 == 4 else "guarantee_trade",
                self.began - timedelta(minutes=9 * (count + 1)),
            )
        )


def only(record: dict[str, Any], fields: list[str]) -> dict[str, Any]:
    """The fields that were asked for; unknown names are ignored."""
    return {key: value for key, value in record.items() if key in fields}


def within(params: dict[str, str], when: datetime, name: str) -> bool:
    """Whether a moment lies in start_{name} … end_{name}, both included."""
    told = when.strftime(FORM)
    return params.get(f"start_{name}", "") <= told <= params.get(f"end_{name}", "9999")


def _wide(field_name: str) -> str:
    """Parts of an item go by the name of their element: sku stands for skus."""
    return {"sku": "skus", "item_img": "item_imgs", "prop_img": "prop_imgs"}.get(
        field_name, "" if field_name == "skus" else field_name
    )


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"


def pages(params: dict[str, str], found: list[Any], most: int) -> Iterator[Any]:
    """The asked page of a list."""
    size, page = int(params.get("page_size", "40")), int(params.get("page_no", "1"))
    if not 1 <= size <= most or page < 1:
        raise invalid("page_size")
    yield from found[(page - 1) * size : page * size]
