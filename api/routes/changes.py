"""The change feed: what a reader polls instead of reading the catalogue again."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import Response

from api import present, replies
from api.callers import Caller, allow
from api.openapi import EXPIRED
from api.replies import NUMBER_CURSOR, SNAPSHOT_CURSOR
from api.shapes.catalog import ChangesOut, SnapshotOut
from catalog import reads
from kit import clock
from trade.models import Selection

router = APIRouter(prefix="/v1", tags=["catalogue"])


Scope = Annotated[
    Literal["selection", "all"], Query(description="Only your selections, or everything.")
]


@router.get("/changes", response_model=ChangesOut, responses=EXPIRED, summary="What changed since")
def changes(
    caller: Annotated[Caller, Depends(allow("catalog:read"))],
    after: Annotated[
        str,
        Query(
            pattern=NUMBER_CURSOR,
            description="`next` of the page before, or `seq` of a snapshot; 0 is the beginning.",
        ),
    ] = "0",
    scope: Scope = "all",
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> Response:
    """Changes in the order in which they were committed, none left out.

    Answers `next` always: keep it, and ask from there. 410 `cursor_expired` after 30 days, with
    the address of the `snapshot` to start from again.
    """
    with caller.own() as session:
        only = _picked(session, caller, scope)
        found = reads.changes(session, int(after), limit, caller.reader, clock.now(), sku_ids=only)
    items = [present.change(one) for one in found.items]
    return replies.answer({"items": items, "next": str(found.next), "more": found.more})


@router.get("/changes/snapshot", response_model=SnapshotOut, summary="Where to start from")
def snapshot(
    caller: Annotated[Caller, Depends(allow("catalog:read"))],
    cursor: Annotated[str | None, Query(pattern=SNAPSHOT_CURSOR)] = None,
    scope: Scope = "all",
    limit: Annotated[int, Query(ge=1, le=1000, description="SKUs a page.")] = 200,
) -> Response:
    """What is for sale as if each SKU had just been listed, by pages in the order of their ids.

    Take every page, then `GET /v1/changes?after=` the `seq` that all of them state: nothing is
    missed, whatever changed in between. What a page already shows may be told once more.
    """
    seq, after = (None, 0) if cursor is None else map(int, cursor.split("."))
    with caller.own() as session:
        only = _picked(session, caller, scope)
        found = reads.snapshot(
            session, caller.reader, clock.now(), limit, seq=seq, after=after, sku_ids=only
        )
    items = [present.change(one) for one in found.items]
    following = None if found.next is None else f"{found.seq}.{found.next}"
    return replies.answer({"items": items, "seq": str(found.seq), "next": following})


def _picked(session: Session, caller: Caller, scope: str) -> list[int] | None:
    """The only SKUs that are asked about; None: all."""
    if scope == "all":
        return None
    own = select(Selection.sku_id).where(Selection.party_id == caller.party_id)
    return list(session.scalars(own))
