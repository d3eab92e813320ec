"""What a supplier has sold, in groups: units, its own amounts, and what it gave back.

A sale counts on the day in Shanghai on which its purchase came to be; what was cancelled is no
sale, and what is given back later counts against the same day. Amounts are the supplier's own
price of goods, without freight: of the leader nothing is told, neither who it was nor its price.
Runs in system scope.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog.matching.wordings import SHOWN_OF
from connectors.regions import names
from kit.clock import SHANGHAI
from kit.errors import invalid
from kit.ids import outside
from kit.money import yuan
from trade.states import UNKNOWN_TO_SUPPLIER

DAYS = 30
"""So many days are told of where nobody says which."""
MOST_DAYS = 731

_DAY = "(p.created_at AT TIME ZONE 'Asia/Shanghai')"
_REGION = "left(r.region, 2)"
DIMENSIONS = {
    "day": f"to_char({_DAY}, 'YYYY-MM-DD')",
    "month": f"to_char({_DAY}, 'YYYY-MM')",
    "sku": "l.external_id",
    "brand": SHOWN_OF,
    "category": "o.category",
    "region": f"CASE WHEN {_REGION} = '' THEN NULL ELSE {_REGION} || '0000' END",
}
"""What sales may be grouped by, and the SQL of it."""

_TIMES = ("day", "month")


@dataclass(frozen=True)
class Span:
    """Moments from `since` until before `until`."""

    since: datetime
    until: datetime


def span(since: date | datetime | None, until: date | datetime | None, now: datetime) -> Span:
    """What is asked for: days are Shanghai's, and a day named as the end belongs to it.

    Raises Problem 422 for an end before the beginning, or for more than two years.
    """
    try:
        end = now if until is None else _begins(until, 1)
        begin = _begins(_day(end) - timedelta(DAYS - 1) if since is None else since, 0)
        fits = begin < end <= begin + timedelta(days=MOST_DAYS)
    except OverflowError:  # a day at the end of time
        fits = False
    if fits:
        return Span(begin, end)
    raise invalid("to", f"name up to {MOST_DAYS} days, the first one first")


def page(
    session: Session,
    source: str,
    asked: Span,
    by: Sequence[str],
    *,
    limit: int = 50,
    after: int = 0,
) -> tuple[list[dict[str, Any]], int | None, dict[str, Any]]:
    """Groups in the order of their time, the largest amount first; where the next page starts; and
    the sum of all groups. `by` are words of DIMENSIONS, each once."""
    named = {
        "source": source,
        "since": asked.since,
        "until": asked.until,
        "unknown": sorted(UNKNOWN_TO_SUPPLIER),
        "limit": limit + 1,
        "after": after,
    }
    rows = session.execute(text(_statement(by)), named).all()
    total = session.execute(text(_statement(())), named | {"after": 0}).one_or_none()
    items = [_keys(row, by) | _figures(row) for row in rows[:limit]]
    return items, after + limit if len(rows) > limit else None, _figures(total)


def _begins(moment: date | datetime, later: int) -> datetime:
    if isinstance(moment, datetime):
        return moment
    return datetime.combine(moment + timedelta(days=later), time(), SHANGHAI)


def _day(end: datetime) -> date:
    return (end - timedelta(microseconds=1)).astimezone(SHANGHAI).date()


def _statement(by: Sequence[str]) -> str:
    keys = [f'{DIMENSIONS[one]} AS "{one}"' for one in by]
    if "sku" in by:  # its newest name, and ours
        keys += ["max(l.title) AS title", "max(o.sku_id) AS sku_id"]
    first = [f'"{one}"' for one in by if one in _TIMES]
    order = [*first, "amount DESC", *(f'"{one}"' for one in by if one not in _TIMES)]
    group = f"GROUP BY {', '.join(DIMENSIONS[one] for one in by)}" if by else ""
    return f"""
        SELECT {"".join(f"{key}, " for key in keys)}
               count(DISTINCT p.id) FILTER (WHERE l.cancelled < l.quantity) AS purchases,
               sum(l.quantity - l.cancelled) AS units,
               sum(l.cost - l.cost * l.cancelled / l.quantity) AS amount,
               sum(l.shipped) AS shipped, sum(l.returned) AS returned,
               sum(l.credited) AS refunds
        FROM purchases p JOIN purchase_lines l ON l.purchase_id = p.id
        JOIN recipients r ON r.id = p.recipient_id JOIN offers o ON o.id = l.offer_id
        WHERE p.source = :source AND p.created_at >= :since AND p.created_at < :until
          AND p.state <> ALL(:unknown)
        {group} HAVING sum(l.quantity - l.cancelled) > 0
        ORDER BY {", ".join(order)} LIMIT :limit OFFSET :after
    """  # noqa: S608 - our own words


def _keys(row: Any, by: Sequence[str]) -> dict[str, Any]:
    keys: dict[str, Any] = {}
    for one in by:
        keys[one] = getattr(row, one)
    if "sku" in by:
        keys |= {"sku": outside("sku", row.sku_id), "external_id": row.sku, "title": row.title}
    if "region" in by:
        keys["region_name"] = names(row.region)[0] if row.region else None
    return keys


def _figures(row: Any) -> dict[str, Any]:
    def figure(name: str) -> int:
        return int(getattr(row, name) or 0) if row is not None else 0

    counts = {name: figure(name) for name in ("purchases", "units", "shipped", "returned")}
    return counts | {"amount": yuan(figure("amount")), "refunds": yuan(figure("refunds"))}
