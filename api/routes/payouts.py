"""Money that leaves: payees, payouts, and the sheets that the bank and the tax office get."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from sqlalchemy.orm import Session
from starlette.responses import Response

from api import replies, uploads
from api.callers import Caller, Writer, allow, allow_write
from api.replies import Reply
from api.shapes.base import Cursor, IdPath, Limit, Listed
from api.shapes.money import FailedIn, PaidIn, PayeeIn, PayeeOut, PayoutIn, PayoutOut, ReturnedIn
from kit import clock
from kit.faults import form
from kit.ids import inside
from kit.money import fen
from trade import audits
from trade.settling import payees, payout_sheets, payouts
from trade.settling.payees import Account

router = APIRouter(prefix="/v1", tags=["money"])

Reads = Annotated[Caller, Depends(allow("wallet:read"))]
Writes = Annotated[Writer, Depends(allow_write("wallet:write"))]
Operates = Annotated[Writer, Depends(allow_write("payouts:write"))]
Sheets = Annotated[Caller, Depends(allow("payouts:write"))]
Status = Literal["requested", "approved", "paid", "failed", "returned"]
_QUARTER = form(r"^20[0-9]{2}Q[1-4]$", "give a quarter, such as 2026Q3")


@router.get("/payee", response_model=PayeeOut, summary="To whom you are paid out")
def payee(caller: Reads) -> Response:
    """With its numbers masked."""
    with caller.own() as session:
        return replies.answer(payees.get(session, caller.party_id))


@router.put("/payee", response_model=PayeeOut, summary="State to whom you are paid out")
def put_payee(caller: Writes, asked: PayeeIn) -> Response:
    """Payouts asked for before keep the former one. Without one you count as a person."""

    def work(session: Session) -> Reply:
        stated = Account(asked.name, asked.number, asked.bank, asked.account)
        keyring, party = caller.office.terms.desk.keyring, caller.party_id
        told = payees.put(session, keyring, party, asked.kind, stated, clock.now())
        audits.note(session, caller.actor, "payee.put", "payee", {}, party_id=party)
        return Reply(200, told)

    return caller.do(work, own=True)


@router.post("/payouts", response_model=PayoutOut, status_code=201, summary="Ask for your money")
def ask(caller: Writes, asked: PayoutIn) -> Response:
    """Held from now on. What you earned goes first, less tax; then what you had paid in."""

    def work(session: Session) -> Reply:
        rule = caller.office.terms.desk.person_rule
        told = payouts.ask(session, rule, caller.party_id, fen(asked.amount), clock.now())
        return Reply(201, told)

    return caller.do(work)


@router.get("/payouts", response_model=Listed[PayoutOut], summary="Payouts")
def page(
    caller: Reads,
    status: Status | None = None,
    party: Annotated[str | None, Query(max_length=64, description="For operators only.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Your own, or for operators everybody's; from the oldest change on."""
    after = replies.moment_cursor(cursor)
    whose = caller.whose(party)
    with caller.seeing() as session:
        return replies.page(*payouts.page(session, whose, status=status, limit=limit, after=after))


@router.get(
    "/payouts/export.xlsx",
    response_class=Response,
    responses=uploads.given(uploads.XLSX, "The sheet."),
    summary="Approved payouts, as a sheet for the bank",
)
def export(
    caller: Sheets,
    only: Annotated[
        Literal["new"] | None, Query(description="Only what stood in no sheet before.")
    ] = None,
) -> Response:
    """Every one that is not confirmed yet; confirm each with the bank's reference.

    From now on these cannot be changed. What stood in a sheet before says so in its remark.
    """
    with caller.system() as session:
        keyring = caller.office.terms.desk.keyring
        content = payout_sheets.for_bank(session, keyring, clock.now(), new=only == "new")
        audits.note(session, caller.actor, "payouts.export", "payouts")
    return uploads.download(content, uploads.XLSX, "payouts.xlsx")


@router.get(
    "/payouts/income.xlsx",
    response_class=Response,
    responses=uploads.given(uploads.XLSX, "The sheet."),
    summary="Who earned how much in a quarter",
)
def income(
    caller: Sheets,
    quarter: Annotated[str, Query(pattern=_QUARTER, examples=["2026Q3"])],
) -> Response:
    """By payouts that were confirmed in it, for the quarterly report to the tax office."""
    year, _, number = quarter.partition("Q")
    with caller.system() as session:
        keyring = caller.office.terms.desk.keyring
        content = payout_sheets.incomes(session, keyring, int(year), int(number))
        audits.note(session, caller.actor, "payouts.income", quarter)
    return uploads.download(content, uploads.XLSX, f"income-{quarter}.xlsx")


@router.post("/payouts/{payout_id}/approve", response_model=PayoutOut, summary="Agree to a payout")
def approve(caller: Operates, payout_id: IdPath) -> Response:
    """Fixes the tax. Nobody approves his own."""

    def work(session: Session) -> Reply:
        rule = caller.office.terms.desk.person_rule
        told = payouts.approve(session, rule, payout_id, caller.party_id, clock.now())
        return _noted(session, caller, "payout.approve", told)

    return caller.do(work)


@router.post("/payouts/{payout_id}/paid", response_model=PayoutOut, summary="The bank has paid")
def paid(caller: Operates, payout_id: IdPath, asked: PaidIn) -> Response:
    """Posted, once; again with the same bank reference changes nothing."""

    def work(session: Session) -> Reply:
        told = payouts.paid(session, payout_id, asked.bank_reference, caller.party_id, clock.now())
        return _noted(session, caller, "payout.paid", told)

    return caller.do(work)


@router.post("/payouts/{payout_id}/failed", response_model=PayoutOut, summary="It is not paid out")
def failed(caller: Operates, payout_id: IdPath, asked: FailedIn) -> Response:
    """All goes back where it came from; again changes nothing."""

    def work(session: Session) -> Reply:
        told = payouts.failed(session, payout_id, asked.reason, clock.now())
        return _noted(session, caller, "payout.failed", told)

    return caller.do(work)


@router.post(
    "/payouts/{payout_id}/returned", response_model=PayoutOut, summary="The bank sent it back"
)
def returned(caller: Operates, payout_id: IdPath, asked: ReturnedIn) -> Response:
    """After it was paid: its party has all of it again; again with the same reference changes
    nothing."""

    def work(session: Session) -> Reply:
        said = asked.bank_reference, asked.reason
        told = payouts.returned(session, payout_id, *said, caller.party_id, clock.now())
        return _noted(session, caller, "payout.returned", told)

    return caller.do(work)


def _noted(session: Session, caller: Writer, action: str, told: dict[str, Any]) -> Reply:
    party = inside("pty", told["party"])
    detail = {"net": told["net"], "tax": told["tax"], "bank_reference": told["bank_reference"]}
    if told["returned_at"] is not None:
        detail["return_reference"] = told["return_reference"]
    audits.note(session, caller.actor, action, told["id"], detail, party_id=party)
    return Reply(200, told)
