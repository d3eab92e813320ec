"""A party's own money."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from sqlalchemy.orm import Session
from starlette.responses import Response

from api import replies
from api.callers import Caller, Writer, allow, allow_write
from api.replies import Reply
from api.shapes.base import Cursor, IdPath, Limit, Listed, Moment, NumberCursor
from api.shapes.office import (
    DepositRequestIn,
    DepositRequestOut,
    EarningsOut,
    EntryOut,
    RefuseRequestIn,
    WalletOut,
)
from kit import clock
from kit.ids import inside
from kit.money import fen
from trade import audits, wallets

router = APIRouter(prefix="/v1", tags=["money"])

Reads = Annotated[Caller, Depends(allow("wallet:read"))]
Writes = Annotated[Writer, Depends(allow_write("wallet:write"))]
Operates = Annotated[Writer, Depends(allow_write("parties:write"))]


@router.get("/wallet", response_model=WalletOut, summary="What you can spend")
def wallet(caller: Reads) -> Response:
    """`held` is what your open orders hold; it is not in `balance`."""
    with caller.own() as session:
        return replies.answer(wallets.wallet(session, caller.party_id))


@router.get("/wallet/earnings", response_model=EarningsOut, summary="What you earned")
def earnings(caller: Reads) -> Response:
    """Payouts take `payable` first."""
    with caller.own() as session:
        return replies.answer(wallets.earnings(session, caller.party_id))


@router.get("/wallet/entries", response_model=Listed[EntryOut], summary="How it came to that")
def entries(
    caller: Reads,
    since: Annotated[Moment | None, Query(alias="from")] = None,
    until: Annotated[Moment | None, Query(alias="to")] = None,
    limit: Limit = 50,
    cursor: NumberCursor = None,
) -> Response:
    """What came into and left the wallet, the oldest first."""
    after = replies.number_cursor(cursor)
    with caller.own() as session:
        return replies.page(
            *wallets.entries(
                session, caller.party_id, limit=limit, after=after, since=since, until=until
            )
        )


@router.post(
    "/deposit-requests",
    response_model=DepositRequestOut,
    status_code=201,
    summary="Say that you have paid in",
)
def ask(caller: Writes, asked: DepositRequestIn) -> Response:
    """An operator looks at the bank and confirms."""

    def work(session: Session) -> Reply:
        told = wallets.ask_deposit(
            session, caller.party_id, fen(asked.amount), asked.proof, clock.now()
        )
        return Reply(201, told)

    return caller.do(work, own=True)


@router.get(
    "/deposit-requests", response_model=Listed[DepositRequestOut], summary="Deposit requests"
)
def requests(
    caller: Reads,
    status: Literal["open", "confirmed", "refused"] | None = None,
    party: Annotated[str | None, Query(max_length=64, description="For operators only.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Your own, or for operators everybody's; from the oldest change on."""
    after = replies.moment_cursor(cursor)
    whose = caller.whose(party)
    with caller.seeing() as session:
        return replies.page(
            *wallets.requests(session, whose, status=status, limit=limit, after=after)
        )


@router.post(
    "/deposit-requests/{request_id}/confirm",
    response_model=DepositRequestOut,
    summary="The money has arrived",
)
def confirm(caller: Operates, request_id: IdPath) -> Response:
    """Into the wallet, once; again changes nothing."""

    def work(session: Session) -> Reply:
        told = wallets.confirm(session, request_id, clock.now())
        _note(session, caller, "deposit_request.confirm", told)
        return Reply(200, told)

    return caller.do(work)


@router.post(
    "/deposit-requests/{request_id}/refuse",
    response_model=DepositRequestOut,
    summary="The money has not arrived",
)
def refuse(caller: Operates, request_id: IdPath, asked: RefuseRequestIn) -> Response:
    """With a reason for its party; again changes nothing."""

    def work(session: Session) -> Reply:
        told = wallets.refuse(session, request_id, asked.reason, clock.now())
        _note(session, caller, "deposit_request.refuse", told)
        return Reply(200, told)

    return caller.do(work)


def _note(session: Session, caller: Writer, action: str, told: dict[str, str]) -> None:
    party = inside("pty", told["party"])
    audits.note(
        session, caller.actor, action, told["id"], {"amount": told["amount"]}, party_id=party
    )
