"""What an event of the feed says, and what readers who may not know the sources learn. Pure.

`was` and `now` of a row in `changes`, by kind (prices are decimal text, CNY a unit; an absent key
is not offered or not stated):

listed   now: {"price": {…}, "stock": {…}}: the offer came, or came back
gone     was: the same: its source took it off, or it was absent from a complete listing
price    {"dropship": "9.5000", "bulk": "8.0000"}
stock    {"state": "in_stock", "quantity": 5}; null: nothing is stated any more
product  the fields of the offer that changed
rule     now: {"affects": {"match": {"merge": [sku, sku]}}}: the first leads on to the second; or
         {"split": […]}: what was one is two. For everybody, and without saying whose offers moved

Other changed rules are rows of their own (`catalog.rule_changes`) and become items of the same
kind: now: {"affects": {"pricing" | "level" | "corridor" | "grant" | "brand" | …: {"goods": […]}}}.

An offer that moves to another SKU is gone here (now: {"moved_to": sku, "by": "split"}, or by a
merge) and listed there.

A leader sees SKUs, not offers: an event becomes an item only if it changes the SKU in the
leader's eyes, and then it tells what the leader saw before and sees after.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from catalog import shelf
from catalog.corridors import Corridor
from catalog.deals import Deal
from catalog.pricing import Goods
from catalog.rule_changes import Ruling
from catalog.shelf import Reader
from catalog.stock import Level


@dataclass(frozen=True)
class Event:
    """A numbered row of the feed, with what pricing needs to know of its offer."""

    seq: int
    kind: str
    sku_id: int
    offer_id: int
    source: str
    external_id: str
    brand: str | None
    """What its source's word stands for."""
    category: str | None
    was: dict[str, Any] | None
    now: dict[str, Any] | None
    at: datetime
    ours: str | None = None
    """The category of ours that is written down for its source's one."""

    @property
    def goods(self) -> Goods:
        """What rules may look at."""
        return Goods(self.source, self.brand, self.category, self.ours)


@dataclass(frozen=True)
class Item:
    """One change as a reader sees it. `source` and `external_id` are None for leaders.

    `sku_id` is None for a changed rule that affects more than one SKU.

    For leaders `was` and `now` hold `price` (Decimal, what the leader pays) and `stock`
    ({state, quantity}), each only if it differs.
    """

    seq: int
    kind: str
    sku_id: int | None
    was: dict[str, Any] | None
    now: dict[str, Any] | None
    at: datetime
    source: str | None = None
    external_id: str | None = None


@dataclass(frozen=True)
class Told:
    """An offer as far as events have told."""

    listed: bool = False
    price: Mapping[str, str] = field(default_factory=dict)
    stock: Mapping[str, Any] | None = None
    retail: Corridor = (None, None)
    """The retail prices that its source allows, as the two below where somebody asks for them."""
    beyond: tuple[str, ...] = ()
    """Where it is not delivered to."""


class Later(NamedTuple):
    """The first event of its kind after some point: its offer's version, and what `was`."""

    version: int
    was: Mapping[str, Any] | None


class Replay:
    """Follows the offers of SKUs event by event, and tells what changed in a reader's eyes."""

    def __init__(self, reader: Reader, offers: Iterable[tuple[Event, Told]]) -> None:
        """`offers` are those of the SKUs as they were told before the first event asked."""
        self._reader = reader
        self._offers: dict[int, dict[int, tuple[Event, Told]]] = {}
        for said, offer in offers:
            self._offers.setdefault(said.sku_id, {})[said.offer_id] = (said, offer)

    def item(self, event: Event) -> Item | None:
        """What the reader learns of `event`; None: nothing that it may or can see."""
        if event.kind == "rule":
            return Item(event.seq, event.kind, event.sku_id, None, event.now, event.at)
        before = self.seen(event.sku_id, event.at)
        self._learn(event)
        after = self.seen(event.sku_id, event.at)
        if before == after or (not after and _led_on(event)):
            return None
        differs = {name for name in ("price", "stock") if before.get(name) != after.get(name)}
        return Item(
            seq=event.seq,
            kind=_kind(before, after),
            sku_id=event.sku_id,
            was={name: before[name] for name in sorted(differs)} if before else None,
            now={name: after[name] for name in sorted(differs)} if after else None,
            at=event.at,
        )

    def _learn(self, event: Event) -> None:
        offers = self._offers.setdefault(event.sku_id, {})
        _, offer = offers.get(event.offer_id, (event, Told()))
        offers[event.offer_id] = (event, told(offer, event))

    def seen(self, sku_id: int, at: datetime) -> dict[str, Any]:
        """Price and stock of a SKU in the reader's eyes; empty: it is not for sale."""
        deals = [
            deal
            for said, offer in self._offers.get(sku_id, {}).values()
            for deal in deals_of(said, offer)
        ]
        best = shelf.deciding(shelf.visible(deals, self._reader, at), self._reader)
        if best is None:
            return {}
        stock = shelf.stated(best.level)
        return {
            "price": shelf.paid(best, self._reader),
            "stock": {"state": stock.state, "quantity": stock.quantity},
        }


def in_full(event: Event) -> Item:
    """The event as operators and buyers see it."""
    return Item(
        event.seq,
        event.kind,
        event.sku_id,
        event.was,
        event.now,
        event.at,
        event.source,
        event.external_id,
    )


def of_ruling(
    ruling: Ruling, reader: Reader, held: Iterable[tuple[int, Goods]] | None
) -> Item | None:
    """What the reader learns of a changed rule, in its own words; None: it is not concerned.

    `held` are the only goods that the reader asks about, each as one source offers it; rules made
    for the reader itself concern it whatever they are for. None: all goods.
    """
    operates = reader.role == "operator"
    shut = reader.grants.shut()
    goods = None if held is None else list(held)
    said = []
    for reach in ruling.reach:
        unseen = reach.source in shut and ruling.kind != "grant"
        if unseen or not (operates or reach.is_for(reader.buyer)):
            continue
        own = reach.personal and not operates
        if goods is None or own or any(reach.touches(*one) for one in goods):
            told = reach.told(source=reader.sees_sources, readers=operates)
            said += [told] if told not in said else []
    return _ruled(ruling, said)


def of_own_ruling(ruling: Ruling, source: str) -> Item | None:
    """What a source learns of a changed rule: those that brands or operators set for its goods."""
    if ruling.kind not in ("corridor", "grant"):
        return None
    own = [one for one in ruling.reach if one.source in (None, source)]
    return _ruled(ruling, [one.told(source=False, readers=True) for one in own])


def _ruled(ruling: Ruling, goods: list[dict[str, Any]]) -> Item | None:
    if not goods:
        return None
    affects = {ruling.kind: {"goods": goods}}
    return Item(ruling.seq, "rule", None, None, {"affects": affects}, ruling.at)


def told(offer: Told, event: Event) -> Told:
    """The offer after one more event."""
    now = event.now or {}
    match event.kind:
        case "listed":
            return Told(listed=True, price=now.get("price") or {}, stock=now.get("stock"))
        case "gone":
            return replace(offer, listed=False)
        case "price":
            return replace(offer, price=now)
        case "stock":
            return replace(offer, stock=event.now)
        case _:
            return offer


def untold(offer: Told, later: Mapping[str, Later]) -> Told | None:
    """The offer before the first later event of each kind, by kind; None: not known there yet.

    While an offer is not listed nothing is told of it: what it had then is never asked.
    """
    if not later:
        return offer
    if min(later, key=lambda kind: later[kind].version) == "listed":
        return None
    gone = later.get("gone")
    parted = {} if gone is None else gone.was or {}

    def before(kind: str, now: Any) -> Any:
        first = later.get(kind)
        if first is not None and (gone is None or first.version < gone.version):
            return first.was
        return parted.get(kind, now)

    price, stock = before("price", offer.price), before("stock", offer.stock)
    return replace(offer, listed=True, price=price or {}, stock=stock)


def _led_on(event: Event) -> bool:
    """Whether its SKU was merged into another: of that a row of kind `rule` tells."""
    now = event.now or {}
    return "moved_to" in now and now.get("by") != "split"


def _kind(before: dict[str, Any], after: dict[str, Any]) -> str:
    if not before:
        return "listed"
    if not after:
        return "gone"
    return "price" if before["price"] != after["price"] else "stock"


def deals_of(said: Event, offer: Told) -> list[Deal]:
    """The deals that an offer makes as far as it was told; `said` is its last event."""
    if not offer.listed:
        return []
    return [_deal(said, mode, cost, offer) for mode, cost in offer.price.items()]


def _deal(said: Event, mode: str, cost: str, offer: Told) -> Deal:
    stock = offer.stock
    level = Level(stock["state"], stock.get("quantity"), said.at) if stock else None
    return Deal(
        product_id=0,
        sku_id=said.sku_id,
        offer_id=said.offer_id,
        source=said.source,
        external_id=said.external_id,
        seller=None,
        brand=said.brand,
        category=said.category,
        state="live",
        tax_rate=None,
        tax_code=None,
        invoice=None,
        min_retail=offer.retail[0],
        max_retail=offer.retail[1],
        not_delivered_to=list(offer.beyond),
        mode=mode,
        cost=Decimal(cost),
        tiers=None,
        valid_until=None,
        price_as_of=said.at,
        moq=1,
        multiple=1,
        freight=None,
        ships_within_hours=None,
        cutoff=None,
        presale_ship_by=None,
        level=level,
        ours=said.ours,
    )
