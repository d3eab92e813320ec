"""Answers to claims: agree, refuse, goods received, a new parcel; and the operator's advance.

Every answer may safely be repeated. All in system scope, under the lock of the claim's order.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from kit.errors import Problem, invalid
from kit.money import yuan
from trade.after_sales import (
    bearing,
    carriage,
    claim_cases,
    claim_money,
    evidence,
    platform_claims,
    recalls,
    replacements,
)
from trade.after_sales.bearing import Bearer, Outcome
from trade.after_sales.claim_cases import Case
from trade.after_sales.claim_states import move
from trade.after_sales.eligibility import GOES_BACK, PAID
from trade.desk import Desk
from trade.models import Claim, Purchase
from trade.parcels.shipping import waybill
from trade.purchases import Supplier
from trade.states import tell

_RETURN_TO = "return_to"
"""The context of a sealed return address."""


def approve(
    session: Session,
    desk: Desk,
    supplier: Supplier,
    claim: str,
    now: datetime,
    *,
    amount: int | None = None,
    return_to: str | None = None,
    house: bool = False,
) -> None:
    """Agree to `amount` fen (None: all that was asked). A refund is paid at once, a return when its
    goods are received. Again changes nothing.

    The supplier's `amount` is of its own price, and the leader gets the same part of hers. `house`:
    the operator agrees in the supplier's place and bears it, in fen that the leader gets.

    Raises Problem 404, 409 `wrong_state`, `nothing_asked` (an amount of a supplier of whom none is
    asked); 422 for more than was asked, or without an address to send goods to (the last one that
    this source gave counts).
    """
    case = claim_cases.of_supplier(session, supplier, claim)
    if case.claim.state in ("approved", "returning", "received", "refunded", "reissued"):
        return
    house = house or desk.terms(supplier.source).platform  # it agrees for itself, when it is asked
    agree(session, desk, case, now, amount=amount, return_to=return_to, house=house)


def agree(
    session: Session,
    desk: Desk,
    case: Case,
    now: datetime,
    *,
    amount: int | None = None,
    return_to: str | None = None,
    house: bool = False,
    outcome: Outcome = "agreed",
    platform: bool = False,
) -> None:
    """What `approve` does, of a locked claim. A `platform` pays later, and names an address only
    where it wants one."""
    row = case.claim
    if row.kind in PAID:
        row.approved, row.approved_cost = _agreed(case, amount, house=house)
    elif amount is not None:
        raise invalid("amount", f"an {row.kind} moves goods, not money")
    if platform:
        row.return_to = _seal(session, desk, case, return_to, platform=True) if return_to else None
    elif row.kind in GOES_BACK and row.cause != "intercept":
        row.return_to = _sealed(session, desk, case, return_to)
    row.bearer = "house" if house else None
    detail = {"outcome": outcome, "amount": row.approved}
    move(session, row, "approve", now, desk.claims, detail)
    _note(session, case, "claim_approved", now)
    if row.kind == "refund" and not platform:
        pay(session, desk, case, now, outcome=outcome)


def pay(
    session: Session,
    desk: Desk,
    case: Case,
    now: datetime,
    *,
    outcome: Outcome = "agreed",
    platform: bool = False,
) -> None:
    """Pay what was agreed; goods that came back are gone for good. What a `platform` gave back is
    booked already."""
    row = case.claim
    assert row.approved is not None and row.approved_cost is not None  # noqa: S101, PT018 - it was agreed to
    who = bearing.bearer(row.cause, outcome, platform=platform)
    if row.bearer == "house":
        who = "house"
    claim_money.pay(session, case, row.approved, row.approved_cost, who, booked=platform)
    if row.kind == "return":
        for line in case.lines:
            case.bought[line.purchase_line_id].returned += line.quantity
    move(session, row, "refund", now, desk.claims, {"amount": row.approved, "bearer": who})
    _note(session, case, "refunded", now, {"amount": yuan(row.approved)})
    if freight := carriage.freight_back(session, case, who):
        _note(session, case, "freight_refunded", now, {"amount": yuan(freight)})
    pay_postage(session, case, who, now)


def pay_postage(session: Session, case: Case, who: Bearer, now: datetime) -> None:
    """Goods are back, and `who` bears the claim: so it does what sending them has cost, once."""
    if postage := carriage.postage_back(session, case, who):
        _note(session, case, "postage_refunded", now, {"amount": yuan(postage)})


def refuse(
    session: Session,
    desk: Desk,
    supplier: Supplier,
    claim: str,
    reason: str,
    shown: Sequence[str],
    now: datetime,
    *,
    by: int | None = None,
) -> None:
    """Decline with a reason for the leader, also after goods came back that were not as they should
    be; again changes nothing. Of a claim that is over it says that goods which a sheet says to send
    are kept. `by` answers in the supplier's place, and handed the evidence in.

    Raises Problem 404, 409 `wrong_state`, 422 for evidence that was not handed in.
    """
    case = claim_cases.of_supplier(session, supplier, claim)
    row, own = case.claim, by is None or by == supplier.party_id
    if (own and recalls.agree(row, now)) or row.state == "refused":
        return
    evidence.show(session, row, supplier.party_id if by is None else by, shown, now)
    told = [claim_cases.blind(session, case, item) for item in shown]
    row.evidence = [*row.evidence, *({"by": "supplier", "item": item} for item in told)]
    _refused(session, desk, case, "refuse", claim_cases.blind(session, case, reason), now)
    if not own:
        recalls.ask(session, case, now)


def decline(session: Session, desk: Desk, case: Case, reason: str, now: datetime) -> None:
    """A platform gives nothing for a locked claim, also where it had agreed before; `reason` names
    nobody."""
    _refused(session, desk, case, "decline", reason, now)


def _refused(
    session: Session, desk: Desk, case: Case, event: str, reason: str, now: datetime
) -> None:
    row = case.claim
    move(session, row, event, now, desk.claims)
    row.answer = reason
    claim_money.unpaid(session, case, bearing.bearer(row.cause, "refused", platform=False))
    _note(session, case, "claim_refused", now)


def received(session: Session, desk: Desk, supplier: Supplier, claim: str, now: datetime) -> None:
    """The goods are back: a return is paid, an exchange waits for its new parcel. Again changes
    nothing. Raises Problem 404, 409 `wrong_kind`, `wrong_state`."""
    case = claim_cases.of_supplier(session, supplier, claim)
    if case.claim.kind not in GOES_BACK:
        raise Problem(409, "wrong_kind", f"for a {case.claim.kind} nothing comes back")
    if case.claim.state not in ("received", "refunded", "reissued"):
        take_in(session, desk, case, now)


def take_in(
    session: Session, desk: Desk, case: Case, now: datetime, outcome: Outcome = "agreed"
) -> None:
    """What `received` does, of a locked claim."""
    move(session, case.claim, "receive", now, desk.claims)
    _note(session, case, "goods_received", now)
    if case.claim.kind == "return":
        pay(session, desk, case, now, outcome=outcome)
    else:
        house = case.claim.bearer == "house" or desk.terms(case.purchase.source).platform
        pay_postage(session, case, "house" if house else "supplier", now)


def reissue(
    session: Session,
    desk: Desk,
    supplier: Supplier,
    claim: str,
    carrier: str,
    tracking_number: str,
    now: datetime,
) -> None:
    """A new parcel leaves in the place of the goods; it moves no money. The same number again
    changes nothing, another one takes its place.

    Raises Problem 404; 409 `wrong_kind`, or `wrong_state` while goods to be exchanged are not back;
    422 for an unknown carrier or an impossible number.
    """
    case = claim_cases.of_supplier(session, supplier, claim)
    row = case.claim
    if row.kind in PAID:
        raise Problem(409, "wrong_kind", f"a {row.kind} ends with money, not with a parcel")
    if platform_claims.sends_anew(session, row):
        if row.state == "returning":
            move(session, row, "receive", now, desk.claims)
    elif row.kind == "exchange" and row.state in ("open", "approved", "returning"):
        raise Problem(409, "wrong_state", "the goods are not back yet; say received first")
    replacements.send(session, desk, case, *waybill(carrier, tracking_number), now)


def advance(
    session: Session,
    desk: Desk,
    claim: str,
    supplier: Supplier,
    amount: int | None,
    now: datetime,
) -> None:
    """The operator pays the leader before there is an answer, within the stated limits.

    Raises Problem 404; 409 `wrong_kind`, `wrong_state`, `already_advanced`, `advance_limit`; 422.
    """
    case = claim_cases.of_supplier(session, supplier, claim)
    if case.claim.kind not in PAID:
        raise Problem(409, "wrong_kind", f"an {case.claim.kind} ends with a parcel, not with money")
    move(session, case.claim, "advance", now, desk.claims)
    paid = claim_money.advance(session, case, amount, desk.claims)
    _note(session, case, "refund_advanced", now, {"amount": yuan(paid)})


def return_address(session: Session, source: str) -> bytes | None:
    """The sealed address that goods of a source went back to last."""
    return session.scalar(
        select(Claim.return_to)
        .join(Purchase, Purchase.id == Claim.purchase_id)
        .where(Purchase.source == source, Claim.return_to.is_not(None))
        .order_by(Claim.id.desc())
        .limit(1)
    )


def opened_address(desk: Desk, row: Claim) -> str | None:
    """Where goods go back to, in clear."""
    if row.return_to is None:
        return None
    return desk.keyring.open(row.return_to, _RETURN_TO).decode()


def _agreed(case: Case, amount: int | None, *, house: bool) -> tuple[int, int]:
    """Fen for the leader, and fen of its own price that the supplier gives back for them."""
    if house:
        agreed, most = case.asked if amount is None else amount, case.asked
        found = agreed, 0
    else:
        agreed, most = case.asked_cost if amount is None else amount, case.asked_cost
        found = claim_money.at_price(case, agreed), agreed
    if amount is not None and not most:
        raise Problem(409, "nothing_asked", "nothing of your price is asked; leave amount out")
    if amount is not None and not 0 < amount <= most:
        raise invalid("amount", f"approve between 0.01 and {yuan(most)}")
    return found


def _sealed(session: Session, desk: Desk, case: Case, return_to: str | None) -> bytes:
    if return_to is not None and return_to.strip():
        return _seal(session, desk, case, return_to, platform=False)
    known = return_address(session, case.purchase.source)
    if known is None:
        raise invalid("return_to", "say where the goods go back to: name, telephone and address")
    return known


def _seal(session: Session, desk: Desk, case: Case, return_to: str, *, platform: bool) -> bytes:
    words = claim_cases.blind(session, case, return_to.strip(), platform=platform)
    return desk.keyring.seal(words.encode(), _RETURN_TO)


def _note(
    session: Session, case: Case, kind: str, now: datetime, detail: dict[str, Any] | None = None
) -> None:
    case.order.updated_at = now
    tell(session, case.order, kind, now, detail)
