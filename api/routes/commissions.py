"""Affiliate goods: a leader's link, and the commission for what was bought through it."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from api import replies
from api.callers import Caller, Writer, allow, allow_write
from api.replies import Reply
from api.shapes.base import IdPath, Limit, Listed, NumberCursor
from api.shapes.commissions import CommissionOut, LinkOut
from connectors.errors import NotAuthorised, Refused, SupplierError
from kit import log
from kit.errors import Problem
from trade.settling import commissions

router = APIRouter(prefix="/v1", tags=["money"])

_log = log.get(__name__)


@router.post("/selections/{sku}/link", response_model=LinkOut, summary="A link to affiliate goods")
def link(
    caller: Annotated[Writer, Depends(allow_write("selections:write"))], sku: IdPath
) -> Response:
    """For goods that a platform sells and ships itself; 409 `not_affiliate` for others."""

    def work() -> Reply:
        with caller.system() as session:
            source, item = commissions.offers(session, sku)[0]
        try:
            made = commissions.link(caller.office.source(source), item, caller.party_id)
        except (Refused, NotAuthorised, Problem) as error:  # whose words name the source
            _log.warning("A platform makes no link", source=source, item=item, why=str(error))
            message = "no link can be made for these goods; ask your operator"
            raise Problem(409, "no_link", message) from error
        except SupplierError as error:
            message = "the platform does not answer now; try again"
            raise Problem(503, "platform_away", message, retry_after=5) from error
        return Reply(200, vars(made))

    return caller.do_each(work)


@router.get("/commissions", response_model=Listed[CommissionOut], summary="What links have earned")
def page(
    caller: Annotated[Caller, Depends(allow("wallet:read"))],
    limit: Limit = 50,
    cursor: NumberCursor = None,
) -> Response:
    """The newest first: your own, or for operators everybody's. Expected ones earn nothing yet."""
    before = replies.number_cursor(cursor)
    if caller.operates:
        with caller.system() as session:
            return replies.page(*commissions.page(session, None, limit=limit, before=before))
    with caller.own() as session:
        return replies.page(*commissions.page(session, caller.party_id, limit=limit, before=before))
