"""What other price rules would do: on goods as they are, and on orders as they were."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog import bundles, deals, grants, pricebook, shelf
from catalog.deals import Deal
from catalog.grants import OPEN, Grants
from catalog.matching.wordings import BRAND_OF
from catalog.pricebook import Pricebook
from catalog.pricing import NOBODY, Buyer, Goods, PriceList, Rule, price_list
from catalog.readers import Readership
from catalog.shelf import Reader
from kit.errors import invalid
from kit.ids import outside
from kit.money import line_amount, portion, split
from trade import pricing, standings
from trade.models import Party

MOST_ORDERED = 200_000
"""Lines of purchases that a replay looks at; the latest of the period count."""


@dataclass(frozen=True)
class Trial:
    """One SKU: what its deal costs, what is paid now and would be paid, and by which rule."""

    sku_id: int
    title: str
    cost: Decimal
    now: Decimal
    then: Decimal
    rule: int | None


@dataclass(frozen=True)
class Earned:
    """Fen over the order lines of a period: what the house earned, and what it would have.

    Units that were cancelled count for neither, nor does what the sharer of a share earns. A bundle
    is one line. `dearer`, `cheaper` and `below_cost` are lines.
    """

    lines: int
    earned: int
    would_have: int
    dearer: int
    cheaper: int
    below_cost: int


_TITLES = text("""
    SELECT s.id, p.title FROM skus s JOIN products p ON p.id = s.product_id WHERE s.id = ANY(:ids)
""")
_SAMPLE = text("SELECT id FROM skus WHERE id % :step = 0 ORDER BY id DESC LIMIT :limit")
_PARTIES = text("SELECT id FROM parties WHERE id = ANY(:ids)")
_SIZE = text("SELECT max(id) FROM skus")
_ORDERED = text(f"""
    SELECT l.order_id, coalesce(l.bundle_line, l.line) AS whole, l.id AS line,
           l.bundle_line IS NOT NULL AS bundled, l.quantity,
           coalesce(w.party_id, b.party_id) AS payer,
           l.amount - coalesce(e.amount, 0) AS paid, p.unit_cost,
           p.quantity - p.cancelled AS units,
           o.source, {BRAND_OF} AS brand, o.category, m.ours, b.created_at
    FROM orders b
    JOIN order_lines l ON l.order_id = b.id
    JOIN purchase_lines p ON p.order_line_id = l.id
    JOIN offers o ON o.id = p.offer_id
    LEFT JOIN earnings e ON e.order_line_id = l.id
    LEFT JOIN shares s ON s.id = b.share_id
    LEFT JOIN shares w ON w.id = coalesce(s.parent_id, s.id)
    LEFT JOIN category_mappings m ON m.source = o.source AND m.theirs = o.category
    WHERE b.created_at >= :since AND b.created_at < :until AND p.quantity > p.cancelled
    ORDER BY b.id DESC, coalesce(l.bundle_line, l.line), l.id, p.id LIMIT :limit
""")  # noqa: S608 - a query of ours
"""What units of a line were bought, and who pays the house for them: of a share its sharer, out of
what her helper pays."""


def check_parties(session: Session, rules: Sequence[Rule]) -> None:
    """Raises Problem 422 for a rule that names a party which is not there. System scope."""
    named = {x for rule in rules for x in (rule.party, rule.group) if x is not None}
    there = set(session.scalars(_PARTIES, {"ids": list(named)})) if named else named
    for place, rule in enumerate(rules):
        for field, party in (("party", rule.party), ("group", rule.group)):
            if party is not None and party not in there:
                name = outside("pty", party)
                raise invalid(f"rules.{place}.{field}", f"there is no party {name!r}", "unknown")


def sample(session: Session, limit: int) -> list[int]:
    """SKUs spread over the whole catalogue."""
    most = session.execute(_SIZE).scalar() or 0
    step = max(most // max(limit, 1), 1)
    return list(session.scalars(_SAMPLE, {"step": step, "limit": limit}))


@dataclass(frozen=True)
class Reading:
    """Who reads prices, by the goods of `now`, and by those of the rules to be tried that hold `at`
    a moment; the default is a leader whom no rule names."""

    now: datetime
    at: datetime
    role: str = "leader"
    who: Buyer = NOBODY
    grants: Grants = OPEN


def reading(session: Session, party: int, by: Reading) -> Reading:
    """As `by`, in the eyes of a party. System scope. Raises Problem 422."""
    row = session.get(Party, party)
    if row is None:
        raise invalid("party", f"there is no party {outside('pty', party)!r}", "unknown")
    opened = OPEN if row.role == "operator" else grants.of(session, party, own=row.source)
    return replace(by, role=row.role, who=pricing.buyer(session, party), grants=opened)


def preview(
    session: Session,
    readership: Readership,
    rules: Sequence[Rule],
    sku_ids: Iterable[int],
    reading: Reading,
) -> list[Trial]:
    """What somebody pays for these SKUs and would pay under `rules`; what is not for sale is left
    out.

    What a bundle costs is the sum over its parts, each by a rule of its own.
    """
    now = reading.now
    ids = sorted(set(sku_ids))
    titles = {row.id: row.title for row in session.execute(_TITLES, {"ids": ids})}
    other = replace(readership, book=Pricebook(0, tuple(pricebook.meant(session, rules))))
    reader, then = (
        replace(one.reader(reading.role, reading.who, moment), grants=reading.grants)
        for one, moment in ((readership, now), (other, reading.at))
    )
    found: dict[int, list[Deal]] = {}
    for deal in deals.of_skus(session, ids):
        found.setdefault(deal.sku_id, []).append(deal)
    parts = bundles.parts(session, ids)
    trials = []
    for sku_id in ids:
        own = found.get(sku_id, [])
        sold_by = bundles.made_of(own, parts.get(sku_id, ()))
        tried = [_tried(part.by_piece, reader, then, now, part.units) for part in sold_by]
        tried = tried or [_tried(own, reader, then, now)]
        known = [one for one in tried if one is not None]
        if len(known) == len(tried):
            rule = None if sold_by else known[0].rule
            each = zip(*(one.paid for one in known), strict=True)
            cost, paid, would = (sum(prices, Decimal(0)) for prices in each)
            trials.append(Trial(sku_id, titles[sku_id], cost, paid, would, rule))
    return trials


class _Tried(NamedTuple):
    """What units of a SKU cost, what is paid for them, and would be; and by which rule."""

    paid: tuple[Decimal, Decimal, Decimal]
    rule: int | None


def _tried(
    own: Sequence[Deal], reader: Reader, then: Reader, now: datetime, units: int = 1
) -> _Tried | None:
    """What `reader` pays and `then` would; None: it is not for sale."""
    seen = shelf.visible(own, reader, now)
    before, after = (shelf.deciding(seen, one, now=now) for one in (reader, then))
    if before is None or after is None:
        return None
    rule = then.prices.rule(after.cost, after.goods) if after.mode != "affiliate" else None
    each = after.cost, shelf.paid(before, reader), shelf.paid(after, then)
    cost, paid, would = (units * price for price in each)
    return _Tried((cost, paid, would), rule.id if rule else None)


def replay(
    session: Session, base: PriceList, rules: Sequence[Rule], since: datetime, until: datetime
) -> Earned:
    """What the orders placed in [since, until) earned, and would have under `rules`.

    Costs are those of their purchases; prices are asked at each order's own time, for its leader as
    that stood then. Brands and categories are those of today. Runs in system scope.
    """
    rules = pricebook.meant(session, rules)
    limits = {"since": since, "until": until, "limit": MOST_ORDERED}
    rows = session.execute(_ORDERED, limits).all()
    stood = standings.of(session, {row.payer for row in rows})
    earned = would_have = dearer = cheaper = below = count = 0
    for _, found in groupby(rows, key=lambda row: (row.order_id, row.whole)):
        lines = [list(some) for _, some in groupby(found, key=lambda row: row.line)]
        first = lines[0][0]
        buyer = stood.buyer(first.payer, first.created_at)
        pays = price_list(base, rules, buyer, first.created_at)
        was = sum(_bought(some[0].paid, some) for some in lines)
        cost = sum(line_amount(row.unit_cost, row.units) for some in lines for row in some)
        then = sum(map(_bought, _amounts(lines, pays), lines))
        count += 1
        earned += was - cost
        would_have += then - cost
        dearer += then > was
        cheaper += then < was
        below += then < cost
    return Earned(count, earned, would_have, dearer, cheaper, below)


def _bought(amount: int, bought: Sequence[Any]) -> int:
    """What of a line's amount falls on the units that were bought and not cancelled."""
    return portion(amount, 0, sum(row.units for row in bought), bought[0].quantity)


def _amounts(lines: Sequence[Sequence[Any]], pays: PriceList) -> list[int]:
    """What the lines would have come to, one or those of a bundle, rounded as an order's are."""
    exact = []
    for bought in lines:
        costs = [pays.price(row.unit_cost, _goods(row)) * row.units for row in bought]
        if len(costs) > 1 and not bought[0].bundled:  # each source's units are rounded apart
            costs = [Decimal(line_amount(cost, 1)) / 100 for cost in costs]
        units = sum(row.units for row in bought)
        exact.append(sum(costs, Decimal(0)) * bought[0].quantity / units)
    weights = [line_amount(one, 1) for one in exact]
    return split(line_amount(sum(exact, Decimal(0)), 1), weights) if any(weights) else weights


def _goods(row: Any) -> Goods:
    return Goods(row.source, row.brand, row.category, row.ours)
