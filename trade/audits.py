"""Who did what that matters: written with what was done, read by operators."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from kit.ids import outside
from trade.models import Audit
from trade.paging import newest


def note(
    session: Session,
    actor: str,
    action: str,
    subject: str,
    detail: Mapping[str, Any] | None = None,
    *,
    party_id: int | None = None,
) -> None:
    """`actor` (a token or member) did `action` to `subject`; `party_id` is whom it concerns."""
    session.add(
        Audit(
            party_id=party_id,
            actor=actor,
            action=action,
            subject=subject,
            detail=None if detail is None else dict(detail),
        )
    )


def page(
    session: Session, *, subject: str | None = None, limit: int = 50, before: int | None = None
) -> tuple[list[dict[str, Any]], int | None]:
    """What was done, the newest first, and the id before which the next page starts."""
    found = select(Audit)
    if subject is not None:
        found = found.where(Audit.subject == subject)
    rows, following = newest(session, found, Audit.id, limit=limit, before=before)
    views = [
        {
            "id": outside("aud", row.id),
            "party": row.party_id and outside("pty", row.party_id),
            "actor": row.actor,
            "action": row.action,
            "subject": row.subject,
            "detail": row.detail,
            "at": row.at,
        }
        for row in rows
    ]
    return views, following
