"""What routing weighs: units asked for, offers that may serve them, and units taken of an offer."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from typing import Any, Literal

from catalog.freight import Piece
from catalog.pricing import Goods
from catalog.stock import Level
from kit.money import line_amount


@dataclass(frozen=True)
class Demand:
    """Units of one SKU; `key` is the line that asks for them."""

    key: int
    sku_id: int
    quantity: int


Then = Literal["never", "prefer", "last"]


@dataclass(frozen=True)
class Ruling:
    """What an operator's own rule, named by its id, makes of an offer.

    `never`: nothing is bought of it. `last`: only units that no other offer can serve. `prefer`:
    it is weighed as if a unit cost `per_unit` CNY and `percent` of its cost more, or less.
    """

    rule: str
    then: Then
    per_unit: Decimal = Decimal(0)
    percent: Decimal = Decimal(0)
    until: datetime | None = None
    """When the rule ends by itself."""

    def weighed(self, cost: int, units: int) -> int:
        """Fen that units which cost `cost` are weighed as."""
        whole = cost * (1 + self.percent / 100) + self.per_unit * units * 100
        return int(whole.to_integral_value(ROUND_HALF_UP))


@dataclass(frozen=True)
class Word:
    """What a source said live, `at` that moment, of the very units that are wanted: that it sells
    them, in so many `parcels` where it said so, or by `code` why not."""

    at: datetime
    code: str | None = None
    parcels: int | None = None


@dataclass(frozen=True)
class Supply:
    """One offer as far as routing is concerned. `cost` None: it is not sold by the piece."""

    offer_id: int
    sku_id: int
    source: str
    external_id: str
    cost: Decimal | None
    seller: str | None = None
    title: str = ""
    spec: str | None = None
    brand: str | None = None
    """What its source's word stands for."""
    category: str | None = None
    ours: str | None = None
    """The category of ours that is written down for its source's one."""
    live: bool = True
    resells: bool = True
    granted: bool = True
    """Whether its brand lets the leader have it there."""
    allowed: int | None = None
    """Units of the SKU that its source lets this order have of it; None is no limit."""
    limit: str = ""
    """The code that is told where `allowed` is too little."""
    renewed: int | None = None
    """How many it lets an order have where nothing was had before; None is no limit."""
    paused: bool = False
    lapsed: bool = False
    """Its supplier's papers have expired."""
    price_until: datetime | None = None
    priced_at: datetime | None = None
    """When its source last stated the price."""
    moq: int = 1
    multiple: int = 1
    freight: Mapping[str, Any] | None = None
    weight_g: int | None = None
    not_delivered_to: tuple[str, ...] = ()
    stock: Level | None = None
    shown: int | None = None
    """Units that readers are shown; more can be taken at a higher risk of a refusal."""
    unknown_stock: str = "sell"
    min_retail: Decimal | None = None
    max_retail: Decimal | None = None
    ships_within_hours: int | None = None
    cutoff: str | None = None
    presale_ship_by: date | None = None
    supplier_id: int | None = None
    """The party behind the source, where there is one."""
    word: Word | None = None
    reserved_in: str | None = None
    """The region for which its stock was read under a lock; None where nothing locks it."""
    ruling: Ruling | None = None
    """The operator's own rule for it, where there is one."""

    @property
    def as_of(self) -> datetime | None:
        """Since when what is known of it is not confirmed; None where it never was."""
        if self.word is not None and self.word.code is None:
            return self.word.at
        told = [self.priced_at, self.stock.as_of if self.stock else None]
        return min((moment for moment in told if moment is not None), default=None)

    @property
    def last(self) -> bool:
        """Whether it serves only what nothing else can."""
        return self.ruling is not None and self.ruling.then == "last"

    @property
    def goods(self) -> Goods:
        """What rules may look at."""
        return Goods(self.source, self.brand, self.category, self.ours)

    @property
    def left(self) -> int | None:
        """Units that may be taken; None is no known limit."""
        return self.stock.quantity if self.stock else None

    @property
    def unstated(self) -> bool:
        """Whether nothing is known of its stock."""
        return self.left is None and (self.stock is None or self.stock.state == "unknown")

    def most(self, wanted: int) -> int:
        """The largest number of units up to `wanted` that this offer sells in one line."""
        reach = wanted if self.left is None else min(wanted, self.left)
        units = reach - reach % self.multiple
        return units if units >= self.moq else 0

    def amounts(self, wanted: int) -> Iterable[int]:
        """Every number of units up to `wanted` that it sells in one line, the largest first."""
        least = -(-max(self.moq, 1) // self.multiple) * self.multiple
        most = self.most(wanted)
        return range(most, least - 1, -self.multiple) if most else ()


@dataclass(frozen=True)
class Take:
    """Units of one line bought as one offer."""

    key: int
    supply: Supply
    units: int

    @cached_property
    def cost(self) -> int:
        """Fen for the goods, at the source's price."""
        assert self.supply.cost is not None  # noqa: S101 - only offers with a price are taken
        return line_amount(self.supply.cost, self.units)

    @cached_property
    def weighed(self) -> int:
        """Fen that the goods are weighed as against other offers."""
        ruling = self.supply.ruling
        return self.cost if ruling is None else ruling.weighed(self.cost, self.units)

    @cached_property
    def piece(self) -> Piece:
        """What a parcel's freight depends on."""
        return Piece(self.supply.freight, self.units, self.supply.weight_g, self.cost)

    @property
    def risky(self) -> bool:
        """Whether more is taken than readers are shown."""
        return self.supply.shown is not None and self.units > self.supply.shown


Choice = tuple[Take, ...]
"""One way to buy something."""
