"""Sheets to suppliers as people see them, and what a person does about one that was not sent."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from kit.errors import Problem
from kit.ids import inside, outside
from kit.outbox import say
from trade.cutoff_sheets import ERASED, SHEETS
from trade.models import SupplierSheet
from trade.paging import newest
from trade.purchases import Supplier


def page(
    session: Session, supplier: Supplier, *, limit: int = 50, before: int | None = None
) -> tuple[list[dict[str, Any]], int | None]:
    """The sheets of a source that hold something, the newest first, and where to go on."""
    found = select(SupplierSheet).where(
        SupplierSheet.source == supplier.source, SupplierSheet.state != "empty"
    )
    rows, following = newest(session, found, SupplierSheet.id, limit=limit, before=before)
    return [view(row) for row in rows], following


def view(row: SupplierSheet) -> dict[str, Any]:
    """What is told of a sheet."""
    shown = {"made": "waiting", "sending": "waiting", "done": "sent"}
    return {
        "id": outside("sht", row.id),
        "cutoff_at": row.cutoff_at,
        "status": shown.get(row.state, row.state),
        "purchases": row.purchases,
        "replacements": row.replacements,
        "may_have_left": row.may_have_left,
        "attempts": row.attempts,
        "failure": row.failure,
        "sent_at": row.sent_at,
    }


def send_again(session: Session, supplier: Supplier, sheet: str, now: datetime) -> dict[str, Any]:
    """Try a sheet that failed anew: what may have left as it was. Raises Problem 404, 409
    `wrong_state`."""
    row = session.get(SupplierSheet, inside("sht", sheet), with_for_update=True)
    if row is None or row.source != supplier.source:
        raise Problem(404, "not_found", f"there is no sheet {sheet!r} for you")
    if row.state != "failed":
        state = view(row)["status"]
        raise Problem(409, "wrong_state", f"a sheet that is {state} needs no other attempt")
    if row.may_have_left and not row.body:
        raise Problem(409, "sheet_erased", f"{ERASED}, and say sent when it has what is in it")
    row.state, row.attempts, row.due_at = "made", 0, now
    say(session, SHEETS, row.source)
    session.flush()
    return view(row)


def found_sent(session: Session, sheet_id: int, now: datetime) -> None:
    """A person knows that the supplier has a sheet which failed: it counts as sent. System scope.

    Raises Problem 409 `wrong_state`.
    """
    row = session.get_one(SupplierSheet, sheet_id, with_for_update=True, populate_existing=True)
    if row.state != "failed":
        raise Problem(409, "wrong_state", f"this sheet is {view(row)['status']}")
    row.state, row.sent_at, row.due_at, row.may_have_left = "sent", now, now, True
    say(session, SHEETS, row.source)
