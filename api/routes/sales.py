"""Suppliers: what they have sold."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from starlette.responses import Response

from api import owners, replies
from api.callers import Caller, allow
from api.routes.purchases import Source
from api.shapes.base import Limit, Moment, NumberCursor
from api.shapes.supply import SalesOut
from kit import clock
from kit.faults import form
from trade import sales

router = APIRouter(prefix="/v1/sales", tags=["purchases"])

_WORD = f"({'|'.join(sales.DIMENSIONS)})"
When = Annotated[Moment | date, Field(union_mode="left_to_right")]
"""A midnight with its offset is a moment, not a day."""
GroupBy = Annotated[
    str,
    Query(
        pattern=form(
            rf"^{_WORD}(,{_WORD}){{0,2}}$",
            f"give up to three of {', '.join(sales.DIMENSIONS)}, divided by commas",
        ),
        description=f"Up to three of {', '.join(sales.DIMENSIONS)}, divided by commas.",
        examples=["day", "day,sku"],
    ),
]


@router.get("", response_model=SalesOut, summary="What you have sold")
def page(
    caller: Annotated[Caller, Depends(allow("purchases:read"))],
    since: Annotated[
        When | None, Query(alias="from", description="A day in Shanghai, or a moment.")
    ] = None,
    until: Annotated[
        When | None, Query(alias="to", description="The last day, or the moment after.")
    ] = None,
    group_by: GroupBy = "day",
    source: Source = None,
    limit: Limit = 50,
    cursor: NumberCursor = None,
) -> Response:
    """Units and goods at your own price, by the day on which purchases came to you; the last 30
    days unless asked otherwise. What was cancelled is no sale; `refunds` is what you gave back."""
    after = replies.number_cursor(cursor)
    by = list(dict.fromkeys(group_by.split(",")))
    asked = sales.span(since, until, clock.now())
    with caller.system() as session:
        door = owners.supplier(session, caller, source)
        items, following, total = sales.page(
            session, door.source, asked, by, limit=limit, after=after or 0
        )
    told = {"items": items, "next": None if following is None else str(following)}
    return replies.answer(told | {"total": total, "from": asked.since, "to": asked.until})
