"""Operators: what waits for a person, and who did what."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from sqlalchemy.orm import Session
from starlette.responses import Response

from api import replies, workbench
from api.callers import Caller, Writer, allow, allow_write
from api.replies import Reply
from api.shapes.base import NO_NUL, Cursor, IdPath, Limit, Listed, NumberCursor
from api.shapes.office import AuditOut
from api.shapes.workbench import (
    ActedOut,
    ActionIn,
    DeadLetterOut,
    ExceptionOut,
    ReplayedOut,
    ReplayIn,
)
from kit import clock
from kit.faults import form
from kit.ids import inside, outside
from kit.money import yuan
from trade import audits, exceptions, replaying
from trade.exceptions import Kind
from trade.replaying import Letter

router = APIRouter(prefix="/v1", tags=["operators"])

Reads = Annotated[Caller, Depends(allow("audit:read"))]
Acts = Annotated[Writer, Depends(allow_write("exceptions:write"))]
_ACTION = form(r"^[a-z_]+$", "name one of the exception's actions")
ActionPath = Annotated[str, Path(min_length=1, max_length=32, pattern=_ACTION)]


@router.get("/exceptions", response_model=Listed[ExceptionOut], summary="What waits for a person")
def waiting(
    caller: Reads, kind: Kind | None = None, limit: Limit = 200, cursor: Cursor = None
) -> Response:
    """The cases that wait longest, first, with what may safely be done about each."""
    desk = caller.office.terms.desk
    after = replies.moment_cursor(cursor)
    with caller.system() as session:
        found = exceptions.waiting(
            session, desk, clock.now(), kind=kind, limit=limit + 1, after=after
        )
    following = found[limit - 1]["place"] if len(found) > limit else None
    return replies.page([_case(one) for one in found[:limit]], following)


@router.post(
    "/exceptions/{exception_id}/{action}", response_model=ActedOut, summary="Do something about it"
)
def act(
    caller: Acts, exception_id: IdPath, action: ActionPath, asked: ActionIn | None = None
) -> Response:
    """One of its `actions`; again changes nothing. Each also needs the right of its own route."""

    def work(session: Session) -> Reply:
        now = clock.now()
        workbench.act(session, caller, exception_id, action, asked or ActionIn(), now)
        session.flush()
        kind, key = exceptions.inside_id(exception_id)
        desk = caller.office.terms.desk
        waits = bool(exceptions.waiting(session, desk, now, kind=kind, key=key))
        return Reply(200, {"id": exception_id, "action": action, "waits": waits})

    return caller.do(work)


@router.get("/dead-letters", response_model=Listed[DeadLetterOut], summary="What was not handled")
def dead_letters(caller: Reads, limit: Limit = 50, cursor: NumberCursor = None) -> Response:
    """Stored messages and sheets that nobody has handled to the end, the oldest first."""
    after = replies.number_cursor(cursor)
    with caller.system() as session:
        found = replaying.waiting(session, clock.now(), limit=limit + 1, after=after)
    last = inside("ltr", found[limit - 1].id) if len(found) > limit else None
    return replies.page([_letter(one) for one in found[:limit]], last)


@router.post(
    "/dead-letters/{letter_id}/replay", response_model=ReplayedOut, summary="Handle it again"
)
def replay(caller: Acts, letter_id: IdPath, asked: ReplayIn | None = None) -> Response:
    """Safe to repeat. What goes wrong is kept with the letter, and told as a problem."""
    dry = asked is not None and asked.dry_run
    db, desk = caller.office.db, caller.office.terms.desk

    def work() -> Reply:
        now = clock.now()
        with caller.system() as session:
            [letter] = replaying.waiting(session, now, [letter_id])
            if not dry:
                audits.note(session, caller.actor, "letter.replay", letter_id)
        if dry:
            result = replaying.preview(db, desk, letter, now)
        else:
            result = replaying.replay(db, desk, letter, now)
        return Reply(200, {"id": letter_id, "dry_run": dry, "result": result})

    return caller.do_each(work)


@router.get("/audit", response_model=Listed[AuditOut], summary="Who did what")
def audit(
    caller: Reads,
    subject: Annotated[
        str | None, Query(max_length=64, pattern=NO_NUL, description="The id it was done to.")
    ] = None,
    limit: Limit = 50,
    cursor: NumberCursor = None,
) -> Response:
    """The newest first."""
    before = replies.number_cursor(cursor)
    with caller.system() as session:
        return replies.page(*audits.page(session, subject=subject, limit=limit, before=before))


def _case(one: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": one["id"],
        "kind": one["kind"],
        "subject": outside(*one["about"]),
        "cause": {"code": one["code"], "message": one["cause"]},
        "detail": one["detail"],
        "money": None if one["money"] is None else yuan(one["money"]),
        "deadline": one["deadline"],
        "actions": one["actions"],
        "since": one["since"],
    }


def _letter(one: Letter) -> dict[str, Any]:
    return {
        "id": one.id,
        "topic": one.topic,
        "source": one.source,
        "received_at": one.received_at,
        "tries": one.tries,
        "error": one.error,
    }
