"""The change feed: what a reader polls instead of reading the catalogue again."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from sqlalchemy import select
from starlette.responses import Response

from api import present, replies
from api.callers import Caller, allow
from api.shapes.catalog import ChangesOut
from catalog import reads
from kit import clock
from trade.models import Selection

router = APIRouter(prefix="/v1", tags=["catalogue"])


@router.get("/changes", response_model=ChangesOut, summary="What changed since")
def changes(
    caller: Annotated[Caller, Depends(allow("catalog:read"))],
    after: Annotated[
        str, Query(pattern=r"^[0-9]{1,18}$", description="`next` of the page before; 0 at first.")
    ] = "0",
    scope: Annotated[
        Literal["selection", "all"], Query(description="Only your selections, or everything.")
    ] = "all",
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> Response:
    """Changes in the order in which they were committed, none left out.

    Answers `next` always: keep it, and ask from there. 410 `cursor_expired` after 30 days.
    """
    with caller.own() as session:
        only = None
        if scope == "selection":
            own = select(Selection.sku_id).where(Selection.party_id == caller.party_id)
            only = list(session.scalars(own))
        found = reads.changes(session, int(after), limit, caller.reader, clock.now(), sku_ids=only)
    items = [present.change(one) for one in found.items]
    return replies.answer({"items": items, "next": str(found.next), "more": found.more})
