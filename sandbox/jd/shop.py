"""What JD holds for one contract: goods in pools, prices, stock, orders that split, messages."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import count
from typing import Any

from sandbox.frame import Clock
from sandbox.world import Listing, Sku, World, number

FIRST_SKU = 100_000_000_000
POOLS = {"333333": "办公设备", "333334": "员工福利"}
FREE_FROM, FREIGHT = 9900, 600
PLACES: dict[str, dict[str, int]] = {
    "": {"北京": 1, "上海": 2, "广东": 19, "浙江": 15, "西藏": 26},
    "1": {"朝阳区": 72, "海淀区": 2800},
    "72": {"三环以内": 2799, "管庄": 2839},
    "19": {"深圳市": 1607, "广州市": 1601, "东莞市": 1655},
    "1607": {"南山区": 3155, "福田区": 3639},
    "3155": {"桃源街道": 62132, "粤海街道": 62133},
    "1655": {"南城区": 4277},
    "15": {"杭州市": 1213},
    "1213": {"西湖区": 3409},
    "3409": {"转塘街道": 52345},
    "26": {"拉萨市": 3971},
    "3971": {"城关区": 3972},
}
"""Names and ids by parent. 福田区, 南城区 and 城关区 have no towns."""


@dataclass
class Line:
    """Pieces of a SKU at a price in fen; `type` 0 main, 2 gift."""

    sku: int
    num: int
    price: int
    type: int = 0
    oid: int = 0


@dataclass
class JdOrder:
    """One order, or a child of a split one."""

    id: int
    third: str
    lines: list[Line]
    area: tuple[int, int, int, int]
    to: dict[str, str]
    freight: int
    made: datetime
    parent: int = 0
    confirmed: bool = False
    cancelled: bool = False
    delivered: int = 0
    step: int = 1
    waybills: list[tuple[str, str]] = field(default_factory=list)
    track: list[tuple[datetime, str]] = field(default_factory=list)
    free_child: bool = False

    @property
    def goods(self) -> int:
        """Of the goods, in fen."""
        return sum(line.price * line.num for line in self.lines)


@dataclass
class Message:
    """One message until it is deleted."""

    id: int
    type: int
    result: Any
    at: datetime


@dataclass
class Shop:
    """The contract. Money is fen."""

    world: World
    clock: Clock
    balance: int = 100_000_000
    fee: int = FREIGHT
    """Of a parcel whose goods are worth less than `FREE_FROM`."""
    naked: bool = False
    outside: set[int] = field(default_factory=set)
    delisted: set[int] = field(default_factory=set)
    restricted: set[int] = field(default_factory=set)
    giftless: set[int] = field(default_factory=set)
    orders: dict[int, JdOrder] = field(default_factory=dict)
    children: dict[int, list[int]] = field(default_factory=dict)
    by_third: dict[str, int] = field(default_factory=dict)
    messages: dict[int, Message] = field(default_factory=dict)
    bookings: list[dict[str, Any]] = field(default_factory=list)
    services: dict[int, dict[str, Any]] = field(default_factory=dict)
    _told: dict[int, int] = field(default_factory=dict)
    _tick: int = 0

    def __post_init__(self) -> None:
        self._ids = count(70_573_771_278 + 7 * self.clock.begun, 7)
        self._notes = count(3_612_991_444 + self.clock.begun)

    def skus(self) -> list[int]:
        """Every SKU, in order."""
        return [
            FIRST_SKU + index * 10 + place
            for index in range(self.world.size)
            for place in range(len(self.world.listing(index).skus))
        ]

    def pool(self, page_num: str) -> list[int]:
        """A pool's SKUs; the second pool overlaps the first."""
        every = [sku for sku in self.skus() if sku not in self.outside]
        if page_num == "333333":
            return every
        return [sku for sku in every if sku % 3 == 0] if page_num in POOLS else []

    def good(self, sku: int) -> tuple[Listing, Sku] | None:
        """A SKU's listing and itself; None for an id that JD does not have."""
        index, place = divmod(sku - FIRST_SKU, 10)
        if not 0 <= index < self.world.size:
            return None
        listing = self.world.listing(index)
        return (listing, listing.skus[place]) if place < len(listing.skus) else None

    def inside(self, sku: int) -> bool:
        """Whether we may buy it."""
        return self.good(sku) is not None and sku not in self.outside

    def price(self, sku: int) -> int:
        """With tax, in fen."""
        found = self.good(sku)
        return self.world.price(found[1]) if found else 0

    def parts(self, sku: int, price: int) -> tuple[int, int, int]:
        """Net, tax, and percent of a price with tax."""
        found = self.good(sku)
        percent = found[0].tax_percent if found else 13
        net = round(price * 100 / (100 + percent))
        return net, price - net, percent

    def left(self, sku: int) -> int:
        """Pieces."""
        found = self.good(sku)
        return self.world.stock(found[1]) if found else 0

    def place(self, order: JdOrder) -> None:
        """Keep an order; its pieces are taken."""
        self.orders[order.id] = order
        self.by_third[order.third] = order.id
        for line in order.lines:
            if found := self.good(line.sku):
                self.world.taken[found[1].key] += line.num

    def new_id(self) -> int:
        """An order's number."""
        return next(self._ids)

    def confirm(self, order: JdOrder) -> None:
        """Pay and begin."""
        order.confirmed, order.step = True, 7
        self.book(-(order.goods + order.freight), order.id, "订单支付")

    def cancel(self, order: JdOrder) -> None:
        """Give back goods, and money that was paid."""
        for each in self.leaves(order.id):
            each.cancelled = True
            for line in each.lines:
                if found := self.good(line.sku):
                    self.world.taken[found[1].key] -= line.num
        order.cancelled = True
        if order.confirmed:
            self.book(order.goods + order.freight, order.id, "订单退款")

    def book(self, fen: int, order_id: int, kind: str) -> None:
        """One movement of the account."""
        self.balance += fen
        self.bookings.append(
            {
                "id": self.clock.begun + len(self.bookings) + 1,
                "accountType": 1,
                "amount": yuan(fen),
                "pin": "testpin",
                "orderId": str(order_id),
                "tradeType": 416 if fen < 0 else 417,
                "tradeTypeName": kind,
                "createdDate": self.stamp(),
                "notePub": kind,
                "tradeNo": order_id,
            }
        )

    def leaves(self, root: int) -> list[JdOrder]:
        """An order, or what it was split into."""
        children = self.children.get(root)
        return [self.orders[child] for child in children] if children else [self.orders[root]]

    def split(self, root: int, *, zero: bool = False) -> None:
        """The first time into two; the next time the first child goes and two come for it."""
        former = self.children.get(root, [])
        victim = self.orders[former[0] if former else root]
        halves = _halves(victim.lines)
        made = []
        for place, lines in enumerate(halves):
            child = JdOrder(
                self.new_id(),
                victim.third,
                lines,
                victim.area,
                victim.to,
                victim.freight if place == 0 else 0,
                self.clock.now(),
                root,
                victim.confirmed,
                step=victim.step,
                free_child=zero and place == 1,
            )
            self.orders[child.id] = child
            made.append(child.id)
        self.children[root] = [*former[1:], *made]
        if former:
            del self.orders[victim.id]
        self.tell(1, {"pOrder": root})

    def ship(self, order: JdOrder, carrier: str, tracking_number: str) -> None:
        """A parcel leaves."""
        order.step = 16
        order.waybills.append((carrier, tracking_number))
        order.track.append((self.clock.now(), f"您的订单已由【{carrier}】揽收"))
        self.tell(12, {"orderId": order.id})

    def tell(self, kind: int, result: Any, copies: int = 1) -> None:
        """A message, or the same one several times under new ids."""
        for _ in range(copies):
            note = Message(next(self._notes), kind, result, self.clock.now())
            self.messages[note.id] = note

    def tell_drift(self) -> None:
        """Price messages for what moved since they were last asked for."""
        if self.world.tick == self._tick:
            return
        former, self._tick = self._told or {}, self.world.tick
        now = {sku: self.price(sku) for sku in self.skus()}
        for sku, price in now.items():
            if former.get(sku, price if not former else None) != price:
                self.tell(2, {"skuId": sku})
        self._told = now

    def remember_prices(self) -> None:
        """What the first drift is told against."""
        self._told = {sku: self.price(sku) for sku in self.skus()}

    def stamp(self, moment: datetime | None = None) -> str:
        """Beijing time as JD prints it."""
        shown = self.clock.beijing() if moment is None else moment.astimezone(_zone(self.clock))
        return shown.strftime("%Y-%m-%d %H:%M:%S")

    def freight_of(self, goods: int) -> int:
        """Free from 99 yuan on."""
        return 0 if goods >= FREE_FROM else self.fee

    def weight(self, sku: int) -> Decimal:
        """In kilograms."""
        found = self.good(sku)
        return Decimal(found[0].weight_g if found else 0) / 1000


def yuan(fen: int) -> Decimal:
    """Fen as JD's numbers."""
    return Decimal(fen) / 100


def towns_of(county: str) -> Mapping[str, int]:
    """The fourth level; empty where a county has none."""
    return PLACES.get(county, {})


def real_area(levels: tuple[int, ...]) -> bool:
    """Whether each level lies in the one above, and the town is given where there are towns."""
    province, city, county, town = levels
    if province not in PLACES[""].values():
        return False
    if city not in PLACES.get(str(province), {}).values():
        return False
    if county not in PLACES.get(str(city), {}).values():
        return False
    towns = PLACES.get(str(county), {})
    return town in towns.values() if towns else town == 0


def _halves(lines: list[Line]) -> list[list[Line]]:
    if len(lines) > 1:
        middle = (len(lines) + 1) // 2
        return [lines[:middle], lines[middle:]]
    line = lines[0]
    first = max(1, line.num // 2)
    rest = line.num - first
    halves = [[Line(line.sku, first, line.price)], [Line(line.sku, rest, line.price)]]
    return halves if rest else [halves[0], []]


def _zone(clock: Clock) -> Any:
    return clock.beijing().tzinfo


def drawn(*words: object) -> int:
    """A fixed number for some words."""
    return number(*words)
