"""From what a leader asks for to prices, parcels and a routed plan: quotes and orders alike."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy.orm import Session

from catalog import bundles, corridors, selling
from catalog.corridors import PricePolicy
from catalog.pricing import PriceList
from catalog.shelf import Reader
from connectors.model import ShipTo
from kit.ids import outside
from kit.money import line_amount
from trade import limits, live_answers, pricing, selections, supplies, wanted
from trade.bundling import PLACES, Made, PartLine, apart, shared, together
from trade.desk import Desk
from trade.live_answers import Answer
from trade.promise import ships_by
from trade.routing import routing
from trade.routing.routing import Demand, Plan, PlannedPurchase, Supply, Take
from trade.wanted import MESSAGES as MESSAGES
from trade.wanted import MOST_LINES as MOST_LINES
from trade.wanted import MOST_UNITS as MOST_UNITS
from trade.wanted import LineRequest as LineRequest
from trade.wanted import Resolved as Resolved
from trade.wanted import Unsellable as Unsellable


@dataclass(frozen=True)
class PricedLine:
    """A line that can be bought. `unit_price` is the mean where several offers serve it."""

    line: Resolved
    unit_price: Decimal
    amount: int
    parts: tuple[PartLine, ...] = ()
    """Of a bundle that is sold by its parts."""


@dataclass(frozen=True)
class Draft:
    """What can be bought now, at what price; amounts in fen."""

    lines: tuple[PricedLine, ...]
    plan: Plan
    supplies: Mapping[int, tuple[Supply, ...]]
    unsellable: tuple[Unsellable, ...]
    rules: Mapping[int, selections.Rule]
    """The leader's own rules for retail prices, by SKU."""
    policies: Sequence[PricePolicy]
    """What brands allow as retail prices of these SKUs."""

    @property
    def freight(self) -> int:
        """Fen for the delivery of all parcels."""
        return sum(purchase.freight for purchase in self.plan.purchases)

    @property
    def total(self) -> int:
        """Fen for goods and freight."""
        return self.freight + sum(line.amount for line in self.lines)


def load(
    session: Session,
    desk: Desk,
    party_id: int,
    requested: Sequence[LineRequest],
    to: ShipTo,
    now: datetime,
    *,
    lock: bool = False,
) -> "Loaded":
    """What the lines can be bought from for delivery to `to`; `lock` keeps stated stock as it is.

    Its mobile, where there is one, counts for the limits that brands set; without an address the
    whole district is meant.

    Raises Problem 422 for lines that are malformed or name one SKU twice.
    """
    wanted.check(requested)
    found, unknown = wanted.resolve(session, party_id, requested)
    skus = [line.sku_id for line in found]
    also = [
        pricing.question(party_id),
        selections.question(party_id, skus),
        bundles.question(skus),
        corridors.question(skus, now),
    ]
    if desk.asks:
        about, kept = {"skus": skus}, desk.answers_count
        asked = live_answers.question(desk.keyring, supplies.IDS, about, to, now, kept)
        also.append(asked)
    offers, rest = supplies.load_with(session, desk, skus, to.region, also, lock=lock)
    payer, chosen, made, allowed, *heard = rest
    reader = pricing.answered(session, payer[0], desk, party_id, now)
    counts = reader.grants.closed  # where no source uses grants, nobody's orders are counted
    mobiles = limits.keyed(desk.keyring, to.mobile) if to.mobile and counts else ()
    asks = limits.Asking(party_id, reader.grants, to.region, mobiles)
    offers = limits.applied(session, offers, asks, now, lock=lock)
    bought = Bought(offers, bundles.answered(made), to.region, now)
    terms = Terms(reader, selections.answered(chosen), corridors.answered(session, allowed))
    answers = live_answers.read(heard[0], to) if heard else []
    return Loaded(tuple(found), tuple(unknown), bought, terms, tuple(answers))


class Bought(NamedTuple):
    """What lines are bought from: offers, and what bundles are made of."""

    offers: Sequence[Supply]
    made: Made
    region: str
    now: datetime


class Terms(NamedTuple):
    """Under what terms lines are sold on: what the leader pays, the leader's own rules for retail
    prices by SKU, and what brands allow as retail prices."""

    reader: Reader
    rules: Mapping[int, selections.Rule]
    policies: Sequence[PricePolicy]


@dataclass(frozen=True)
class Loaded:
    """Lines as they were asked for, and all that is known of what they may be bought from;
    `answers` is what sources said live a short time ago."""

    found: tuple[Resolved, ...]
    unknown: tuple[Unsellable, ...]
    bought: Bought
    terms: Terms
    answers: tuple[Answer, ...]

    @property
    def wanted(self) -> dict[int, int]:
        """Units by SKU that lines ask for, as a whole or in bundles."""
        units: Counter[int] = Counter()
        for line in self.found:
            units[line.sku_id] += line.quantity
            for part, count in self.bought.made.get(line.sku_id, ()):
                units[part] += count * line.quantity
        return dict(units)

    def latest(self) -> Draft:
        """The lines over the offers that were read, as sources last spoke of them. Pure."""
        return self.draft(live_answers.applied(self.bought.offers, self.wanted, self.answers))

    def without(self, offers: Collection[int]) -> "Loaded":
        """What is known but for these offers. Pure."""
        left = [one for one in self.bought.offers if one.offer_id not in offers]
        return replace(self, bought=self.bought._replace(offers=left))

    def draft(self, offers: Sequence[Supply]) -> Draft:
        """The lines over these offers instead of those that were read. Pure."""
        return drafted(self.found, self.unknown, self.bought._replace(offers=offers), self.terms)


def drafted(
    found: Sequence[Resolved], unknown: Sequence[Unsellable], bought: Bought, terms: Terms
) -> Draft:
    """Lines that were found, over what they are bought from, under these terms. Pure."""
    by_sku: dict[int, tuple[Supply, ...]] = {}
    for offer in bought.offers:
        by_sku[offer.sku_id] = (*by_sku.get(offer.sku_id, ()), offer)
    parts = {
        line.index: apart(line.index, line.quantity, made)
        for line in found
        if (made := bought.made.get(line.sku_id)) and not _sold_whole(by_sku.get(line.sku_id, ()))
    }
    plan, codes = _routed(found, parts, bought)
    barred = _Barred(by_sku, terms.policies, bought.region, bought.now)
    if shut := [line for line in found if line.index not in codes and barred.bars(line.sku_id)]:
        plan, codes = _routed([line for line in found if line not in shut], parts, bought)
    refused = [
        _refused(line, codes[line.index], parts.get(line.index, ()), by_sku, bought.now)
        for line in found
        if line.index in codes
    ]
    refused += [barred.told(line) for line in shut]
    refusals = {one.index for one in refused}
    priced = [
        bundled(line, parts[line.index], plan, terms.reader.prices)
        if line.index in parts
        else priced_line(line, plan.takes(line.index), terms.reader.prices)
        for line in found
        if line.index not in refusals
    ]
    unsellable = sorted([*unknown, *refused], key=lambda line: line.index)
    return Draft(tuple(priced), plan, by_sku, tuple(unsellable), terms.rules, terms.policies)


class _Barred(NamedTuple):
    """Goods of which brands allow no retail price at all, for some offers by SKU."""

    offers: Mapping[int, Sequence[Supply]]
    policies: Sequence[PricePolicy]
    region: str
    now: datetime

    def bars(self, sku_id: int) -> bool:
        """Whether the lowest price that is allowed lies above the highest."""
        found = open_to(self.offers.get(sku_id, ()))
        allowed = corridors.corridor(found, self.policies, self.region, self.now)
        return corridors.allows_none(allowed)

    def told(self, line: Resolved) -> Unsellable:
        """A line for such goods, and until when they are barred."""
        found = open_to(self.offers.get(line.sku_id, ()))
        asked = (found, self.policies, self.region, self.now, corridors.allows_none)
        name = outside("sku", line.sku_id)
        return Unsellable(line.index, name, "corridor_empty", corridors.ends(*asked))


def open_to(offers: Iterable[Supply]) -> list[Supply]:
    """The offers whose limits of retail prices count: those that are there for the leader."""
    return [one for one in offers if one.live and one.granted and one.resells]


def _refused(
    line: Resolved,
    code: str,
    parts: Sequence[PartLine],
    by_sku: Mapping[int, Sequence[Supply]],
    now: datetime,
) -> Unsellable:
    """Why a line cannot be bought, and until when as far as that is known."""
    if line.sku_id not in by_sku and not parts:
        code = "unknown_sku"
    units = {part.sku_id: part.demand.quantity for part in parts} or {line.sku_id: line.quantity}
    offers = {sku: by_sku.get(sku, ()) for sku in units}
    if code in ("limit_per_day", "limit_per_recipient"):
        ends = _renewed(code, offers, units, now)
    else:
        ends = until(code, (offer for some in offers.values() for offer in some), now)
    return Unsellable(line.index, outside("sku", line.sku_id), code, ends)


def _renewed(
    code: str,
    offers: Mapping[int, Iterable[Supply]],
    units: Mapping[int, int],
    now: datetime,
) -> datetime | None:
    """When the limit of a day lets somebody have so many; None: on no day."""
    for sku, some in offers.items():
        limited = [one for one in some if one.limit == code]
        if limited and all((one.renewed or 0) < units[sku] for one in limited):
            return None
    return selling.end_of_day(now)


def until(code: str, offers: Iterable[Supply], now: datetime) -> datetime | None:
    """The earliest moment known today at which the rule behind a refusal ends."""
    if code != "ruled_out":
        return None
    rulings = [one.ruling for one in offers if one.ruling and one.ruling.then == "never"]
    return min((one.until for one in rulings if one.until is not None), default=None)


def _sold_whole(own: Sequence[Supply]) -> bool:
    """Whether a bundle has a live offer of its own, which then sells it."""
    return any(offer.live and offer.cost is not None for offer in own)


def _routed(
    found: Sequence[Resolved], parts: Mapping[int, Sequence[PartLine]], bought: Bought
) -> tuple[Plan, dict[int, str]]:
    """A plan for what can be bought whole, and why each other line cannot.

    A bundle of which one part fails is not bought in part, and what is left of its parts is there
    for the other lines: bundles that fail by themselves go first, then the last of the others.
    """
    demands = [
        demand
        for line in found
        for demand in (
            [part.demand for part in parts[line.index]]
            if line.index in parts
            else [Demand(line.index, line.sku_id, line.quantity)]
        )
    ]
    codes: dict[int, str] = {}
    while True:
        plan = routing.route(demands, bought.offers, bought.region, bought.now)
        fresh = {key % PLACES: code for key, code in reversed(list(plan.unsellable.items()))}
        broken = fresh.keys() & parts.keys()
        if not broken:
            return plan, codes | fresh
        crowded = shared(demands)
        alone = {key % PLACES for key in plan.unsellable if key not in crowded} & broken
        gone = alone or {max(broken)}
        codes |= {index: fresh[index] for index in gone}
        demands = [demand for demand in demands if demand.key % PLACES not in gone]


def repriced(priced: PricedLine, plan: Plan, pays: PriceList) -> PricedLine:
    """What a line of a plan costs whoever has this price list."""
    line = priced.line
    if priced.parts:
        return bundled(line, priced.parts, plan, pays)
    return priced_line(line, plan.takes(line.index), pays)


def bundled(line: Resolved, parts: Sequence[PartLine], plan: Plan, pays: PriceList) -> PricedLine:
    """The same for a bundle, over its parts."""
    takes = {
        part.key: [(_price(t.supply, pays), t) for t in plan.takes(part.key)] for part in parts
    }
    price, amount, shared = together(parts, takes, line.quantity)
    return PricedLine(line, price, amount, tuple(shared))


def promise(purchase: PlannedPurchase, now: datetime) -> datetime | None:
    """When the parcel leaves at the latest; None where the source promises nothing."""
    moments = [
        ships_by(
            now,
            within_hours=take.supply.ships_within_hours,
            cutoff=take.supply.cutoff,
            presale_ship_by=take.supply.presale_ship_by,
        )
        for take in purchase.takes
    ]
    known = [moment for moment in moments if moment is not None]
    return max(known) if len(known) == len(moments) else None


def priced_line(line: Resolved, takes: Sequence[Take], pays: PriceList) -> PricedLine:
    """What a line costs whoever has this price list, from the offers that it is taken from."""
    prices = [_price(take.supply, pays) for take in takes]
    amount = sum(line_amount(p, take.units) for p, take in zip(prices, takes, strict=True))
    if len(set(prices)) == 1:
        return PricedLine(line, prices[0], amount)
    return PricedLine(line, mean(amount, line.quantity), amount)


def mean(amount: int, quantity: int) -> Decimal:
    """The unit price in CNY of a line's amount in fen."""
    return (Decimal(amount) / 100 / quantity).quantize(Decimal("0.0001"))


def _price(supply: Supply, pays: PriceList) -> Decimal:
    assert supply.cost is not None  # noqa: S101 - only offers with a price are taken
    return pays.price(supply.cost, supply.goods)
