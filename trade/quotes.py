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

from catalog.matching.redirects import current
from connectors.model import ShipTo
from kit import clock
from kit.errors import Problem
from kit.ids import inside, outside
from trade import asking, plan_views, planning, recipients, retail_prices
from trade.asking import Found, Platforms
from trade.desk import Desk
from trade.models import Quote, QuotePlan, Recipient
from trade.planning import LineRequest, Loaded
from trade.sharing import share_orders, shares


@dataclass(frozen=True)
class Promised:
    """What a quote that is still good allows: per SKU (quantity, unit price), the total in fen."""

    quote_id: int
    lines: dict[int, tuple[int, Decimal]]
    total: int
    region: str


@dataclass(frozen=True)
class Quoting:
    """Who asks what lines would cost for which address; under a `share` as its helper pays."""

    party_id: int
    lines: Sequence[LineRequest]
    ship_to: ShipTo
    share: str | None = None

    def load(self, session: Session, desk: Desk) -> Loaded:
        """What is known of the lines. Raises Problem 422 for malformed ones."""
        now = clock.now()
        return planning.load(session, desk, self.party_id, self.lines, self.ship_to, now)


def tell(platforms: Platforms, quoting: Quoting) -> dict[str, Any]:
    """A quote that rests on what platforms say now, as far as they say it in time: claim → talk →
    write. Where there is nobody to ask it is one transaction.

    Raises Problem 503 `busy` where only asking could sell a line and no talk is free, and what
    `quote` raises.
    """
    db, desk = platforms.db, platforms.desk
    with db.as_system() as session:
        known = quoting.load(session, desk)
        if not asking.wanting(desk, known, Found()):
            return quote(session, desk, quoting, clock.now(), known)
    found = platforms.ask([known], quoting.ship_to)
    with db.as_system() as session:
        return quote(session, desk, quoting, clock.now(), found=found)


def quote(
    session: Session,
    desk: Desk,
    quoting: Quoting,
    now: datetime,
    known: Loaded | None = None,
    found: Found | None = None,
) -> dict[str, Any]:
    """Price the lines by what is `known` and written down; lines that cannot be bought are listed
    under `unsellable`.

    Raises Problem 422 for malformed lines, what `shares.under` and `share_orders` raise, and 409
    `outside_corridor` for a share at whose price no order would be taken.
    """
    party_id, ship_to = quoting.party_id, quoting.ship_to
    under = shares.under(session, party_id, quoting.share, now) if quoting.share else None
    known = known or quoting.load(session, desk)
    draft = known.latest()
    if found is not None:
        asking.check_heard(draft, found)
    if under is not None:
        draft, _ = share_orders.shared(session, desk, draft, under, now)
        retail_prices.checked(draft, ship_to.region, now, under.retail_price)
    content = plan_views.told(draft, now)
    row = Quote(
        party_id=party_id,
        recipient_id=recipients.seal(session, desk.keyring, party_id, ship_to, "quote"),
        content=content,
        total=draft.total,
        signature="",
        expires_at=now + timedelta(minutes=desk.quote_minutes),
        created_at=now,
    )
    row.signature = desk.keyring.sign(_message(row), "quote")
    session.add(row)
    session.flush()
    session.add(QuotePlan(quote_id=row.id, plan=plan_views.record(draft.plan)))
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
    quoted = {inside("sku", line["sku"]): line for line in row.content["lines"]}
    led = current(session, quoted)
    lines = {
        led[sku]: (line["quantity"], Decimal(line["unit_price"])) for sku, line in quoted.items()
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
