"""Statements: what moved a party's money, line by line, to confirm or to dispute."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query
from sqlalchemy.orm import Session
from starlette.responses import Response

from api import replies, uploads
from api.callers import Caller, Writer, allow, allow_write
from api.replies import Reply
from api.shapes.base import IdPath, Limit, Listed, NumberCursor
from api.shapes.statements import (
    AnswerIn,
    DisputeIn,
    PostingOut,
    StatementLineOut,
    StatementOut,
)
from kit import clock
from kit.errors import Problem
from kit.faults import form
from kit.ids import inside, outside
from trade import audits, parties
from trade.settling import statement_lines, statement_sheets, statements

router = APIRouter(prefix="/v1", tags=["money"])

Reads = Annotated[Caller, Depends(allow("statements:read"))]
Writes = Annotated[Writer, Depends(allow_write("statements:write"))]
Operates = Annotated[Writer, Depends(allow_write("payouts:write"))]
Party = Annotated[str | None, Query(max_length=64, description="Whose; for operators only.")]
_MONTH = form(r"^20[0-9]{2}-(0[1-9]|1[0-2])$", "give a month, such as 2026-11")
_PDF = "application/pdf"


@router.get("/statements", response_model=Listed[StatementOut], summary="Your statements")
def page(
    caller: Reads,
    period: Annotated[str | None, Query(pattern=_MONTH, examples=["2026-11"])] = None,
    status: Literal["issued", "confirmed", "disputed", "answered"] | None = None,
    party: Party = None,
    limit: Limit = 50,
    cursor: NumberCursor = None,
) -> Response:
    """The newest first. An operator has its own as well, of the house's result; `party=all` is
    everybody's."""
    before = replies.number_cursor(cursor)
    whose: int | None = caller.party_id
    if caller.operates and party is not None:
        whose = None if party == "all" else inside("pty", party)
    with caller.seeing() as session:
        return replies.page(
            *statements.page(
                session, whose, period=period, status=status, limit=limit, before=before
            )
        )


@router.post(
    "/parties/{party_id}/statements",
    response_model=StatementOut,
    status_code=201,
    summary="State a party's money now",
)
def issue(caller: Operates, party_id: IdPath) -> Response:
    """From the last statement until now, before the month is over. 409 where nothing moved."""
    number = inside("pty", party_id)

    def work(session: Session) -> Reply:
        parties.get(session, number)
        until = statements.quiet_until(session)
        made = statements.issue(session, number, until, clock.now())
        if made is None:
            raise Problem(409, "nothing_moved", "nothing has moved since its last statement")
        name = outside("stm", made)
        audits.note(session, caller.actor, "statement.issue", name, party_id=number)
        row = statements.find(session, number, name)
        return Reply(201, statements.view(session, row))

    return caller.do(work)


@router.get("/statements/{statement_id}", response_model=StatementOut, summary="A statement")
def get(caller: Reads, statement_id: IdPath) -> Response:
    """With its sums; its lines are under `/lines`."""
    with caller.seeing() as session:
        row = statements.find(session, _own(caller), statement_id)
        return replies.answer(statements.view(session, row))


@router.get(
    "/statements/{statement_id}/lines",
    response_model=Listed[StatementLineOut],
    summary="Its lines",
)
def lines(
    caller: Reads, statement_id: IdPath, limit: Limit = 50, cursor: NumberCursor = None
) -> Response:
    """In the order of their first postings."""
    after = replies.number_cursor(cursor)
    with caller.seeing() as session:
        row = statements.find(session, _own(caller), statement_id)
        return replies.page(*statement_lines.page(session, row, limit=limit, after=after))


@router.get(
    "/statements/{statement_id}/lines/{line}",
    response_model=Listed[PostingOut],
    summary="What explains a line",
)
def explain(
    caller: Reads,
    statement_id: IdPath,
    line: Annotated[int, Path(ge=1, le=2**31 - 1)],
    limit: Limit = 50,
    cursor: NumberCursor = None,
) -> Response:
    """The postings that it adds up."""
    after = replies.number_cursor(cursor)
    with caller.system() as session:
        row = statements.find(session, _own(caller), statement_id)
        house = parties.get(session, row.party_id).role == "operator"
        return replies.page(
            *statement_lines.explain(session, row, line, house=house, limit=limit, after=after)
        )


@router.get(
    "/statements/{statement_id}/statement.xlsx",
    response_class=Response,
    responses=uploads.given(uploads.XLSX, "The sheet."),
    summary="As a sheet",
)
def xlsx(caller: Reads, statement_id: IdPath) -> Response:
    """With every line."""
    with caller.seeing() as session:
        row = statements.find(session, _own(caller), statement_id)
        return uploads.download(
            statement_sheets.as_sheet(session, row), uploads.XLSX, f"{statement_id}.xlsx"
        )


@router.get(
    "/statements/{statement_id}/statement.pdf",
    response_class=Response,
    responses=uploads.given(_PDF, "The statement."),
    summary="On paper",
)
def pdf(caller: Reads, statement_id: IdPath) -> Response:
    """With its sums and up to 2,000 lines."""
    from trade.settling import statement_papers  # imported here: it takes 40 MB and 0.3 s

    with caller.seeing() as session:
        row = statements.find(session, _own(caller), statement_id)
        content = statement_papers.as_pdf(session, row)
    return uploads.download(content, _PDF, f"{statement_id}.pdf")


@router.post(
    "/statements/{statement_id}/confirm", response_model=StatementOut, summary="Agree to it"
)
def confirm(caller: Writes, statement_id: IdPath) -> Response:
    """Again changes nothing."""

    def work(session: Session) -> Reply:
        party = caller.party_id
        told = statements.confirm(session, party, statement_id, clock.now())
        audits.note(session, caller.actor, "statement.confirm", statement_id, party_id=party)
        return Reply(200, told)

    return caller.do(work, own=True)


@router.post(
    "/statements/{statement_id}/dispute", response_model=StatementOut, summary="Do not agree"
)
def dispute(caller: Writes, statement_id: IdPath, asked: DisputeIn) -> Response:
    """An operator looks into it; what was wrong is corrected in the next statement."""

    def work(session: Session) -> Reply:
        party = caller.party_id
        told = statements.dispute(session, party, statement_id, asked.reason, clock.now())
        detail = {"reason": asked.reason}
        audits.note(
            session, caller.actor, "statement.dispute", statement_id, detail, party_id=party
        )
        return Reply(200, told)

    return caller.do(work, own=True)


@router.post(
    "/statements/{statement_id}/answer", response_model=StatementOut, summary="Answer a dispute"
)
def answer(caller: Operates, statement_id: IdPath, asked: AnswerIn) -> Response:
    """Its party may confirm then, or dispute again."""

    def work(session: Session) -> Reply:
        told = statements.answer(session, statement_id, asked.answer, clock.now())
        party = inside("pty", told["party"])
        audits.note(session, caller.actor, "statement.answer", statement_id, party_id=party)
        return Reply(200, told)

    return caller.do(work)


def _own(caller: Caller) -> int | None:
    """Whose statements the caller may see; None is everybody's."""
    return None if caller.operates else caller.party_id
