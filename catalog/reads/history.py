"""What a SKU has cost, as a reader sees it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from operator import mul

from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog import bundle_versions
from catalog.bundle_versions import PastBundles
from catalog.matching.tree import OURS
from catalog.matching.wordings import BRAND_OF
from catalog.pricing import Goods
from catalog.reads import memberships
from catalog.reads.hindsight import Hindsight
from catalog.reads.memberships import BEGINNING, Memberships
from catalog.shelf import Reader


@dataclass(frozen=True)
class Point:
    """From `at` on, the price was `price` CNY a unit; None: there was none.

    `source` and `external_id` are set for operators and buyers only, and then `price` is the cost;
    without them it is what the parts of a bundle cost together.
    """

    at: datetime
    mode: str
    price: Decimal | None
    source: str | None = None
    external_id: str | None = None


@dataclass(frozen=True)
class _Moment:
    """A price of an offer in a mode, None: it has none any more; or that the offer is there or not
    (`mode` listed or gone), or that it came to the SKU or left it (joined or left)."""

    at: datetime
    offer_id: int
    mode: str
    cost: Decimal | None
    source: str
    external_id: str
    goods: Goods

    def paid(self, reader: Reader) -> Decimal | None:
        """What `reader` pays, or that costs where it sees costs; None: its source does not serve
        it. Links to goods that a platform sells itself are not marked up."""
        if reader.prices.serves not in reader.policy(self.source).serves:
            return None
        if self.cost is None or self.mode == "affiliate" or reader.sees_sources:
            return self.cost
        return reader.prices.price(self.cost, self.goods)


_POINTS = text(f"""
    WITH o AS MATERIALIZED (
      SELECT id, source, external_id, {BRAND_OF} AS brand, category, state, seen_at,
        {OURS} AS ours FROM offers o
      WHERE o.id = ANY(:offers)
    ), told AS (
      SELECT c.at, c.offer_id, c.kind AS mode, CAST(NULL AS numeric) AS price, c.version
      FROM changes c WHERE c.offer_id IN (SELECT id FROM o) AND c.kind IN ('listed', 'gone')
        AND NOT coalesce(c.now ? 'moved_to', false)
    )
    SELECT h.at, h.offer_id, h.mode, h.price, o.source, o.external_id, o.brand, o.category, o.ours
    FROM (
      SELECT at, offer_id, mode, price, version FROM price_points
      WHERE offer_id IN (SELECT id FROM o)
      UNION ALL SELECT * FROM told
      UNION ALL SELECT seen_at, id, 'gone', NULL, NULL FROM o
        WHERE state <> 'live' AND NOT EXISTS (
          SELECT FROM told WHERE offer_id = o.id AND mode = 'gone')
    ) h JOIN o ON o.id = h.offer_id
    WHERE h.at <= :until
    ORDER BY h.at, h.version NULLS LAST, h.mode = 'listed', h.offer_id
""")  # noqa: S608 - a query of ours
"""That an offer went is told by the feed as long as it is kept, then by when it was last seen."""


def price_history(
    session: Session, sku_id: int, since: datetime, until: datetime, eyes: Hindsight
) -> list[Point]:
    """Prices of a SKU from `since` to `until`, oldest first, starting with the one that stood then.

    Leaders see the price of each mode that cost least of those listed then, marked up as they paid
    it then, and only where it changed; operators and buyers see what each source asked. An offer
    counts while it was under the SKU, or under the one that this was merged into, and while brands
    had opened it. While it was a bundle that nobody offered as a whole by the piece, its price is
    that of its parts. What an offer's brand and category are is of today.
    """
    known = memberships.of(session, sku_id)
    made = bundle_versions.ever(session, [sku_id, *(one.to_sku for one in known.moves)])
    goods = _Goods(
        _Offers(known),
        {part: _Offers(memberships.of(session, part)) for part in sorted(made.parts)},
        made,
    )
    moments = _moments(session, goods, until)
    turns = [turn for turn in eyes.turns if turn <= until]
    steps = _steps(moments, [*turns, *goods.turns(until)], eyes)
    if eyes.at(until).sees_sources:
        return _standing(_asked(steps, goods), since)
    before = [turn for turn in turns if turn <= since]
    return _standing(_lowest(steps, goods, before[-1] if before else BEGINNING), since)


@dataclass(frozen=True)
class _Step:
    """What happened at a moment, by the goods to which it did, and who saw it."""

    at: datetime
    happened: Sequence[tuple["_Offers", _Moment]]
    reader: Reader


_Moments = list[tuple["_Offers", _Moment]]


def _moments(session: Session, goods: "_Goods", until: datetime) -> _Moments:
    """What happened to the offers of all these goods, in its order."""
    wanted = {offer for one in goods.all for offer in one.known.now}
    rows = session.execute(_POINTS, {"offers": sorted(wanted), "until": until})
    told = [
        _Moment(
            r.at,
            r.offer_id,
            r.mode,
            r.price,
            r.source,
            r.external_id,
            Goods(r.source, r.brand, r.category, r.ours),
        )
        for r in rows
    ]
    found = [
        (one, moment)
        for one in goods.all
        for moment in _grouped([x for x in told if x.offer_id in one.known.now], one.known, until)
    ]
    return sorted(found, key=lambda each: each[1].at)


def _steps(moments: _Moments, turns: Iterable[datetime], eyes: Hindsight) -> Iterator[_Step]:
    """The moments and the turns of the reader and of the goods, in their order."""
    happened = {at: list(together) for at, together in groupby(moments, key=lambda one: one[1].at)}
    turning = set(turns)
    reader: Reader | None = None
    for at in sorted(happened.keys() | turning):
        if reader is None or at in turning:
            reader = eyes.at(at)
        yield _Step(at, happened.get(at, ()), reader)


def _grouped(moments: list[_Moment], known: Memberships, until: datetime) -> list[_Moment]:
    """The moments, with those at which offers came and left before what happened then."""
    offers = {one.offer_id: one for one in moments}
    turns = [
        replace(offers[offer], at=at, mode=mode, cost=None)
        for at, came, left in known.changes()
        for mode, moved in (("left", left), ("joined", came))
        for offer in sorted(moved & offers.keys())
        if at <= until
    ]
    return sorted((*turns, *moments), key=lambda one: one.at)


class _Offers:
    """What is asked for a SKU, moment by moment."""

    def __init__(self, known: Memberships) -> None:
        self.known = known
        self._costs: dict[int, dict[str, _Moment]] = defaultdict(dict)
        self._gone: set[int] = set()
        self._own: set[int] = set()

    def learn(self, moment: _Moment) -> list[_Moment]:
        """Take in what happened; the prices that count from then on and did not before."""
        offer = moment.offer_id
        match moment.mode:
            case "joined":
                self._own.add(offer)
                if offer not in self._gone:
                    return [replace(one, at=moment.at) for one in self._costs[offer].values()]
            case "left":
                self._own.discard(offer)
            case "gone":
                self._gone.add(offer)
            case "listed":
                self._gone.discard(offer)
            case mode:
                self._costs[offer][mode] = moment
                return [moment] if offer in self._own else []
        return []

    def there(self) -> list[Mapping[str, _Moment]]:
        """The prices of each offer that counts, by their modes."""
        counting = self._own - self._gone
        return [costs for offer, costs in self._costs.items() if offer in counting]

    def shut(self, step: _Step) -> set[int]:
        """The offers that brands do not let the reader see."""
        some = ((offer, next(iter(costs.values()), None)) for offer, costs in self._costs.items())
        return {offer for offer, one in some if one is not None and not self._opened(one, step)}

    def lowest(self, step: _Step) -> dict[str, Decimal]:
        """What the reader pays for the offer that costs least, by mode."""
        found: dict[str, tuple[Decimal, int, Decimal]] = {}
        for costs in self.there():
            for mode, one in costs.items():
                price = one.paid(step.reader) if self._opened(one, step) else None
                if price is not None and one.cost is not None:
                    asked = (one.cost, one.offer_id, price)
                    found[mode] = min(asked, found.get(mode, asked))
        return {mode: price for mode, (_, _, price) in found.items()}

    def by_piece(self) -> bool:
        """Whether somebody offers it so, to whomever."""
        priced = (costs.get("dropship") for costs in self.there())
        return any(one is not None and one.cost is not None for one in priced)

    def _opened(self, one: _Moment, step: _Step) -> bool:
        """Whether brands let the reader see the offer."""
        grants, at = step.reader.grants, step.at
        return not grants.restricts(one.source) or grants.allows(
            self.known.standing(at), one.goods, "", at
        )


@dataclass(frozen=True)
class _Goods:
    """A SKU, and the parts of which it was ever made, by their names."""

    own: _Offers
    parts: Mapping[int, _Offers]
    made: PastBundles

    @property
    def all(self) -> list[_Offers]:
        """The SKU and its parts."""
        return [self.own, *self.parts.values()]

    def turns(self, until: datetime) -> Iterator[datetime]:
        """When it came to be made of something else, or to stand for another SKU."""
        moved = (at for one in self.own.known.moves for at in (one.at, one.undone_at) if at)
        if self.parts:
            yield from (turn for turn in (*self.made.turns(), *moved) if turn <= until)

    def paid(self, step: _Step) -> dict[str, Decimal]:
        """What the reader pays, by mode."""
        return self.own.lowest(step) if (found := self.composed(step)) is None else found

    def composed(self, step: _Step) -> dict[str, Decimal] | None:
        """What its parts cost the reader; None: it is not sold by parts."""
        units = self.made.named(self.own.known.standing(step.at), step.at) if self.parts else {}
        if not units or self.own.by_piece():
            return None
        prices = [self.parts[part].lowest(step).get("dropship") for part in units]
        known = [price for price in prices if price is not None]
        if len(known) < len(units):
            return {}
        return {"dropship": sum(map(mul, units.values(), known), Decimal(0))}


def _asked(steps: Iterable[_Step], goods: _Goods) -> list[Point]:
    shut: set[int] = set()
    points = []
    before: Decimal | None = None
    for step in steps:
        told = {
            (one.offer_id, one.mode): one
            for offers, happened in step.happened
            for one in offers.learn(happened)
            if offers is goods.own
        }
        was_shut, shut = shut, goods.own.shut(step)
        for costs in goods.own.there():
            for mode, one in costs.items():
                if one.offer_id in was_shut:
                    told.setdefault((one.offer_id, mode), replace(one, at=step.at))
        points += [
            Point(one.at, one.mode, one.cost, one.source, one.external_id)
            for one in told.values()
            if one.offer_id not in shut
        ]
        together = (goods.composed(step) or {}).get("dropship")
        if together != before:
            points.append(Point(step.at, "dropship", together))
        before = together
    return points


def _lowest(steps: Iterable[_Step], goods: _Goods, since: datetime) -> list[Point]:
    """From `since` on; what the reader paid before is not known."""
    lowest: dict[str, Decimal] = {}
    points = []
    for step in steps:
        for offers, happened in step.happened:
            offers.learn(happened)
        if step.at < since:
            continue
        now = goods.paid(step)
        points += [
            Point(step.at, mode, now.get(mode))
            for mode in sorted(now.keys() | lowest.keys())
            if lowest.get(mode) != now.get(mode)
        ]
        lowest = now
    return points


def _standing(points: list[Point], since: datetime) -> list[Point]:
    """The points from `since` on, and before them the last earlier one of each mode and offer;
    prices only, not their ends."""
    earlier: dict[tuple[str, str | None, str | None], Point] = {}
    for point in points:
        if point.at < since:
            earlier[point.mode, point.source, point.external_id] = point
    told = [*earlier.values(), *(point for point in points if point.at >= since)]
    return [point for point in told if point.price is not None]
