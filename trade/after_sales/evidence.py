"""Pictures and documents that are shown for claims: sealed rows, seen by the claim's two sides.

Pictures are drawn anew, so that no place, device or name hides in them. A document is kept as it
is, so a leader never sees a supplier's: its letterhead would name it.
"""

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from connectors.errors import Unreadable
from connectors.pictures import Limits, drawn_anew
from kit.errors import Problem, invalid
from kit.ids import inside, outside
from trade.desk import Desk
from trade.models import Claim, Evidence, Order, Recipient

PREFIX = "evi"
PDF = "application/pdf"
MOST_WAITING = 50
"""So many pieces a party may hand in that no claim names yet."""
WAITS = timedelta(days=1)
KEPT = timedelta(days=3 * 365)

_CONTEXT = "evidence"
_LIMITS = Limits()
_drawing = threading.BoundedSemaphore(2)
"""Unpacked pictures are large: a process draws two at a time."""


@dataclass(frozen=True)
class Piece:
    """A piece of evidence as it is shown."""

    media_type: str
    content: bytes


def hand_in(session: Session, desk: Desk, party_id: int, content: bytes, now: datetime) -> Evidence:
    """Keep a picture or a PDF until a claim names it, for a day.

    Raises Problem 422 `unreadable`, or 409 `too_many` that no claim names yet.
    """
    waiting = select(func.count()).where(
        Evidence.party_id == party_id, Evidence.claim_ids == [], Evidence.expires_at > now
    )
    if (session.scalar(waiting) or 0) >= MOST_WAITING:
        raise Problem(409, "too_many", f"{MOST_WAITING} pieces wait for a claim; name them first")
    kind, shown = checked(content)
    row = Evidence(
        party_id=party_id,
        claim_ids=[],
        media_type=kind,
        size=len(shown),
        content=desk.keyring.seal(shown, _CONTEXT),
        created_at=now,
        expires_at=now + WAITS,
    )
    session.add(row)
    session.flush()
    return row


def show(
    session: Session, claim: Claim, party_id: int | None, items: Iterable[str], now: datetime
) -> None:
    """A claim names evidence: what was handed in by this party is kept with it, and seen by both
    sides; other words are words. Raises Problem 422 for what was not handed in, or is gone."""
    for index, item in enumerate(items):
        if not item.startswith(f"{PREFIX}_"):
            continue
        row = _find(session, item)
        if row is None or row.party_id != party_id or row.expires_at <= now:
            raise invalid(f"evidence.{index}", f"you have handed in no {item!r}", "unknown")
        row.claim_ids = [*row.claim_ids, claim.id]
        row.expires_at = max(row.expires_at, now + KEPT)


def read(
    session: Session, desk: Desk, party_id: int, item: str, *, operates: bool = False
) -> Piece:
    """A piece for whoever handed it in, the other side of its claim, or an operator.

    Runs in system scope. Raises Problem 404.
    """
    row = _find(session, item)
    if row is None or not (operates or _may_see(session, row, party_id)):
        raise Problem(404, "not_found", f"there is no evidence {item!r}")
    return Piece(row.media_type, desk.keyring.open(row.content, _CONTEXT))


def prune(session: Session, now: datetime) -> int:
    """Forget what no claim named in time, and what was kept long enough; returns how many. What
    belongs to an order under a legal hold stays."""
    held = (
        select(Claim.id)
        .join(Order, Order.id == Claim.order_id)
        .join(Recipient, Recipient.id == Order.recipient_id)
        .where(Claim.id == Evidence.claim_ids.any_(), Recipient.hold.is_not(None))
    )
    gone = session.execute(delete(Evidence).where(Evidence.expires_at <= now, ~held.exists()))
    return int(gone.rowcount)  # type: ignore[attr-defined]


def view(row: Evidence) -> dict[str, object]:
    """A piece as whoever handed it in is answered."""
    return {
        "id": outside(PREFIX, row.id),
        "media_type": row.media_type,
        "size": row.size,
        "expires_at": row.expires_at,
    }


def _find(session: Session, item: str) -> Evidence | None:
    try:
        return session.get(Evidence, inside(PREFIX, item), populate_existing=True)
    except Problem:
        return None


def _may_see(session: Session, row: Evidence, party_id: int) -> bool:
    if row.party_id == party_id:
        return True
    sides = session.execute(
        select(Claim.party_id, Claim.supplier_id).where(Claim.id.in_(row.claim_ids))
    ).all()
    if any(one.supplier_id == party_id for one in sides):
        return True
    return row.media_type != PDF and any(one.party_id == party_id for one in sides)


def checked(content: bytes, field: str = "file") -> tuple[str, bytes]:
    """What a piece is and how it is shown: a picture drawn anew, or a PDF. Raises Problem 422."""
    if content.startswith(b"%PDF-"):
        return PDF, content
    try:
        with _drawing:
            drawn = drawn_anew(content, _LIMITS)
    except Unreadable as error:
        raise invalid(field, "send a picture (JPEG, PNG, WebP, GIF, BMP) or a PDF") from error
    return drawn.kind, drawn.content
