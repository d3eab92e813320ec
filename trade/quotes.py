"""A quote: prices, freight, parcels and promises for some lines to one address, for some minutes.

What the leader was told is signed and kept; what it rests on (offers, costs) is kept beside it
behind the wall. Runs in system scope, because quoting writes what no leader may see.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
from sqlalchemy.orm import Session

from connectors.model import ShipTo
from kit.errors import Problem
from kit.ids import inside, outside
from trade import plan_views, planning, recipients
from trade.desk import Desk
from trade.models import Quote, QuotePlan, Recipient
from trade.planning import LineRequest
from trade.sharing import share_orders, shares


@dataclass(frozen=True)
class Promised:
    """What a quote that is still good allows: per SKU (quantity, unit price), the total in fen."""

    quote_id: int
    lines: dict[int, tuple[int, Decimal]]
    total: int
    region: str


def quote(
    session: Session,
    desk: Desk,
    party_id: int,
    lines: Sequence[LineRequest],
    ship_to: ShipTo,
    now: datetime,
    *,
    share: str | None = None,
) -> dict[str, Any]:
    """Price the lines for `ship_to`, under a `share` as its helper pays; lines that cannot be
    bought are listed under `unsellable`.

    Raises Problem 422 for malformed lines, and what `shares.under` and `share_orders` raise.
    """
    under = shares.under(session, party_id, share, now) if share else None
    found = planning.draft(
        session, desk, party_id, lines, ship_to.region, now, mobile=ship_to.mobile
    )
    if under is not None:
        found, _ = share_orders.shared(session, desk, found, under, now)
    content = plan_views.told(found, now)
    row = Quote(
        party_id=party_id,
        recipient_id=recipients.seal(session, desk.keyring, party_id, ship_to, "quote"),
        content=content,
        total=found.total,
        signature="",
        expires_at=now + timedelta(minutes=desk.quote_minutes),
        created_at=now,
    )
    row.signature = desk.keyring.sign(_message(row), "quote")
    session.add(row)
    session.flush()
    session.add(QuotePlan(quote_id=row.id, plan=plan_views.record(found.plan)))
    return view(row)


def get(session: Session, party_id: int, quote_id: str) -> dict[str, Any]:
    """A quote that was made before. Raises Problem 404."""
    return view(_own(session, party_id, quote_id))


def promised(session: Session, desk: Desk, party_id: int, quote_id: str, now: datetime) -> Promised:
    """What the quote allows. Raises Problem 404, 409 `quote_expired` or `quote_altered`."""
    row = _own(session, party_id, quote_id)
    if not desk.keyring.verify(_message(row), row.signature, "quote"):
        raise Problem(409, "quote_altered", "this quote is not as we signed it; ask for a new one")
    if row.expires_at <= now:
        raise Problem(
            409,
            "quote_expired",
            f"this quote was good until {row.expires_at:%Y-%m-%d %H:%M:%S} UTC;"
            " ask for a new one under /v1/quotes and order with it",
        )
    recipient = session.get_one(Recipient, row.recipient_id)
    lines = {
        inside("sku", line["sku"]): (line["quantity"], Decimal(line["unit_price"]))
        for line in row.content["lines"]
    }
    return Promised(row.id, lines, row.total, recipient.region)


def view(row: Quote) -> dict[str, Any]:
    """What the leader is told."""
    return {
        "id": outside("quo", row.id),
        "expires_at": row.expires_at,
        **row.content,
        "signature": row.signature,
    }


def _own(session: Session, party_id: int, quote_id: str) -> Quote:
    row = session.get(Quote, inside("quo", quote_id))
    if row is None or row.party_id != party_id:
        raise Problem(404, "not_found", f"there is no quote {quote_id!r}")
    return row


def _message(row: Quote) -> bytes:
    signed = [row.party_id, row.recipient_id, row.total, row.expires_at.timestamp(), row.content]
    return orjson.dumps(signed, option=orjson.OPT_SORT_KEYS)
