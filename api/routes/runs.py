"""Operators: sources, their readings, and what a person decides about a held one."""

import csv
from io import StringIO
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from sqlalchemy.orm import Session
from starlette.responses import Response

from api import replies, uploads
from api.callers import Caller, Writer, allow, allow_write
from api.replies import Reply
from api.shapes.base import NO_NUL, IdPath, In, Limit, Listed, NumberCursor
from api.shapes.office import DiffOut, RunOut, SourceOut
from connectors.feed.rejects import inert
from kit import clock
from kit.ids import inside, outside
from sync import overview, runs, verdicts
from sync.models import Run
from trade import audits

router = APIRouter(prefix="/v1", tags=["operators"])

Reads = Annotated[Caller, Depends(allow("sources:read"))]
Writes = Annotated[Writer, Depends(allow_write("sources:write"))]


class ReleaseIn(In):
    """All of it; or without some kinds of harm; or only some external ids."""

    without: list[verdicts.Harmful] = []
    only: list[Annotated[str, Field(max_length=200, pattern=NO_NUL)]] | None = Field(
        None, min_length=1, max_length=10_000
    )


@router.get("/sources", response_model=Listed[SourceOut], summary="Every source")
def sources(caller: Reads) -> Response:
    """How each is doing, and how fresh its offers are (ages in seconds)."""
    with caller.system() as session:
        found = overview.overview(session, caller.office.terms.settings, clock.now())
    return replies.page([one.view() for one in found], None)


@router.get("/runs", response_model=Listed[RunOut], summary="Readings of sources")
def page(
    caller: Reads,
    source: Annotated[str | None, Query(max_length=64, pattern=NO_NUL)] = None,
    limit: Limit = 50,
    cursor: NumberCursor = None,
) -> Response:
    """The latest first."""
    before = replies.number_cursor(cursor)
    with caller.system() as session:
        found = runs.listed(session, source=source, before=before, limit=limit + 1)
    more = len(found) > limit
    return replies.page(
        [_view(one) for one in found[:limit]], found[limit - 1].id if more else None
    )


@router.get("/runs/{run_id}", response_model=RunOut, summary="One reading")
def get(caller: Reads, run_id: IdPath) -> Response:
    """What it read, changed and rejected, and why it is held."""
    with caller.system() as session:
        return replies.answer(_view(runs.named(session, inside("run", run_id))))


@router.get("/runs/{run_id}/diff", response_model=DiffOut, summary="What a held reading would do")
def diff(caller: Reads, run_id: IdPath) -> Response:
    """Up to 50 rows of each kind of harm, for whoever decides."""
    with caller.system() as session:
        found = runs.diff(session, inside("run", run_id))
    rows = [vars(one) for one in found.rows]
    return replies.answer({"planned": found.planned, "radius": found.radius, "rows": rows})


@router.get(
    "/runs/{run_id}/rejects.csv",
    response_class=Response,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
    summary="Rows that did not load",
)
def rejects(caller: Reads, run_id: IdPath) -> Response:
    """File, line, column, value and reason; UTF-8 with a mark, as spreadsheets like it."""
    with caller.system() as session:
        found = runs.rejects(session, inside("run", run_id))
    out = StringIO()
    rows = csv.writer(out)
    rows.writerow(["file", "line", "column", "value", "reason"])
    for one in found:
        texts = map(inert, (one.column, one.value, one.reason))
        rows.writerow([inert(one.file), one.line, *texts])
    content = out.getvalue().encode("utf-8-sig")
    return uploads.download(content, uploads.CSV, f"rejects-{run_id}.csv")


@router.post("/runs/{run_id}/release", response_model=RunOut, summary="Apply a held reading")
def release(caller: Writes, run_id: IdPath, asked: ReleaseIn | None = None) -> Response:
    """A worker applies it."""
    wanted = asked or ReleaseIn()

    def work(session: Session) -> Reply:
        number = inside("run", run_id)
        verdicts.release(session, number, without=wanted.without, only=wanted.only)
        said = {"without": wanted.without, "only": wanted.only}
        audits.note(session, caller.actor, "run.release", run_id, said)
        return Reply(200, _view(runs.named(session, number)))

    return caller.do(work)


@router.post("/runs/{run_id}/rollback", response_model=RunOut, summary="Take a reading back")
def rollback(caller: Writes, run_id: IdPath) -> Response:
    """Answers the new run that writes the former values; a held run is only discarded."""

    def work(session: Session) -> Reply:
        undone = verdicts.rollback(session, inside("run", run_id), clock.now())
        audits.note(session, caller.actor, "run.rollback", run_id)
        session.flush()
        return Reply(200, _view(runs.named(session, undone)))

    return caller.do(work)


def _view(run: Run) -> dict[str, Any]:
    return {
        "id": outside("run", run.id),
        "source": run.source,
        "kind": run.kind,
        "state": run.state,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "as_of": run.as_of,
        "seen": run.seen,
        "changed": run.changed,
        "rejected": run.rejected,
        "failure": run.failure,
        "notes": run.notes,
    }
