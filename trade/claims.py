"""Refund-only claims: a leader asks, the supplier approves or refuses, the money goes back once.

What may be asked is what was paid for units that were shipped, less what was paid back or is being
asked for already. The supplier's share returns in the same proportion. All in system scope.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from kit.errors import FieldError, Problem
from kit.ids import inside
from kit.money import split, yuan
from trade import books, events
from trade.desk import Desk
from trade.models import (
    Claim,
    ClaimLine,
    Order,
    OrderLine,
    Parcel,
    Party,
    Purchase,
    PurchaseLine,
)
from trade.purchases import Supplier, lock
from trade.states import tell


@dataclass(frozen=True)
class ClaimedLine:
    """`quantity` units of a SKU of the order; `amount` in fen, None is all that was paid."""

    sku: str
    quantity: int
    amount: int | None = None


@dataclass(frozen=True)
class ClaimRequest:
    """What a leader asks for."""

    kind: str
    lines: tuple[ClaimedLine, ...]
    reason: str
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Part:
    """Units of one purchase line under a claim, and the fen asked for them."""

    line: PurchaseLine
    units: int
    asked: int


def open_claim(
    session: Session,
    desk: Desk,
    party_id: int,
    order_id: int,
    request: ClaimRequest,
    now: datetime,
) -> list[int]:
    """Open a claim for each parcel sender concerned; returns their ids, mostly one.

    Raises Problem 404; 422 `not_offered` for other kinds than refund, or an unknown SKU; 409
    `not_shipped`, `too_late`, `already_refunded` or `amount_too_high`.
    """
    if request.kind != "refund":
        raise Problem(
            422,
            "not_offered",
            f"kind: {request.kind!r} is not offered yet; ask for a refund, or ask your operator",
        )
    order = session.get(Order, order_id, with_for_update=True, populate_existing=True)
    if order is None or order.party_id != party_id:
        raise Problem(404, "not_found", "there is no such order")
    parts: dict[int, list[_Part]] = {}
    for index, asked in enumerate(request.lines):
        for part in _parts(session, order, index, asked):
            parts.setdefault(part.line.purchase_id, []).append(part)
    if not parts:
        raise _invalid("lines", "name at least one line")
    _check_window(session, desk, list(parts), now)
    claims = [
        _write(session, order, purchase, found, request, now)
        for purchase, found in sorted(parts.items())
    ]
    order.updated_at = now
    tell(session, order, "claim_opened", now)
    return claims


def approve(
    session: Session, supplier: Supplier, claim: str, amount: int | None, now: datetime
) -> None:
    """Pay back `amount` fen (None: all that was asked) and take the supplier's share back.

    Again changes nothing. Raises Problem 404, 409 `wrong_state`, 422 for more than was asked.
    """
    row, order, purchase_lines, source = _for_supplier(session, supplier, claim)
    if row.state == "approved":
        return
    _check_open(row)
    lines = _lines(session, row.id)
    asked = sum(line.asked for line in lines)
    paid = asked if amount is None else amount
    if not 0 < paid <= asked:
        raise _invalid("amount", f"approve between 0.01 and {yuan(asked)}")
    credited = 0
    for line, share in zip(lines, split(paid, [x.asked for x in lines]), strict=True):
        bought = purchase_lines[line.purchase_line_id]
        credit = _credit(bought, share)
        bought.refunded += share
        bought.credited += credit
        line.refunded, line.credited = share, credit
        session.get_one(OrderLine, line.order_line_id, populate_existing=True).refunded += share
        credited += credit
    _answer(session, row, "approved", None, now)
    books.refund(session, order, source, row.id, paid, credited)
    order.updated_at = now
    tell(session, order, "refunded", now, {"amount": yuan(paid)})


def refuse(
    session: Session,
    supplier: Supplier,
    claim: str,
    reason: str,
    evidence: Sequence[str],
    now: datetime,
) -> None:
    """Decline with a reason for the leader; again changes nothing. Raises Problem 404, 409."""
    row, order, _, source = _for_supplier(session, supplier, claim)
    if row.state == "refused":
        return
    _check_open(row)
    told = [_blind(session, item, row, source) for item in evidence]
    row.evidence = [*row.evidence, *({"by": "supplier", "item": item} for item in told)]
    _answer(session, row, "refused", _blind(session, reason, row, source), now)
    order.updated_at = now
    tell(session, order, "claim_refused", now)


def cancel(session: Session, party_id: int, claim: str, now: datetime) -> None:
    """The leader withdraws. Again changes nothing. Raises Problem 404, 409 `wrong_state`."""
    order_id = session.scalar(
        select(Claim.order_id).where(Claim.id == inside("clm", claim), Claim.party_id == party_id)
    )
    if order_id is None:
        raise _unknown(claim)
    order = session.get_one(Order, order_id, with_for_update=True, populate_existing=True)
    row = session.get_one(Claim, inside("clm", claim), populate_existing=True)
    if row.state == "cancelled":
        return
    _check_open(row)
    _answer(session, row, "cancelled", None, now)
    order.updated_at = now
    tell(session, order, "claim_cancelled", now)


def _parts(session: Session, order: Order, index: int, asked: ClaimedLine) -> list[_Part]:
    """The purchase lines whose shipped units serve this line of the claim."""
    field = f"lines.{index}"
    found = (
        session.execute(
            select(PurchaseLine)
            .join(OrderLine, OrderLine.id == PurchaseLine.order_line_id)
            .where(OrderLine.order_id == order.id, OrderLine.sku_id == inside("sku", asked.sku))
            .order_by(PurchaseLine.id)
            .execution_options(populate_existing=True)
        )
        .scalars()
        .all()
    )
    if not found or asked.quantity < 1:
        raise _invalid(f"{field}.sku", f"no {asked.quantity} of {asked.sku} in this order")
    wanted, chosen = asked.quantity, []
    for line in found:
        pending = _pending(session, line.id)
        units = min(wanted, line.shipped - sum(claim.quantity for claim in pending))
        if units > 0:
            most = _refundable(line, units, pending)
            chosen.append((line, units, most))
            wanted -= units
    if wanted:
        raise Problem(
            409,
            "not_shipped",
            f"{field}: only {asked.quantity - wanted} units are shipped and not under a claim",
        )
    return _asked(field, asked, chosen)


def _asked(
    field: str, asked: ClaimedLine, chosen: list[tuple[PurchaseLine, int, int]]
) -> list[_Part]:
    most = sum(limit for _, _, limit in chosen)
    if most == 0:
        raise Problem(409, "already_refunded", f"{field}: this was paid back already")
    amount = most if asked.amount is None else asked.amount
    if not 0 < amount <= most:
        raise Problem(
            409,
            "amount_too_high",
            f"{field}: at most {yuan(most)} was paid for these units and not paid back yet",
            errors=[FieldError(f"{field}.amount", "amount_too_high", f"at most {yuan(most)}")],
        )
    shares = split(amount, [limit for _, _, limit in chosen])
    return [
        _Part(line, units, share)
        for (line, units, _), share in zip(chosen, shares, strict=True)
        if share
    ]


def _refundable(line: PurchaseLine, units: int, pending: Sequence[ClaimLine]) -> int:
    """Fen paid for `units` more of the shipped ones, less what went back or is being asked for."""
    left = line.captured - line.refunded - sum(claim.asked for claim in pending)
    return min(left, -(-line.captured * units // line.shipped))


def _credit(line: PurchaseLine, share: int) -> int:
    """The supplier's part of a refund: what is owed falls as what was paid falls, to the fen."""
    due = line.owed * (line.refunded + share) // line.captured
    return max(due - line.credited, 0)


def _pending(session: Session, purchase_line_id: int) -> Sequence[ClaimLine]:
    return session.scalars(
        select(ClaimLine)
        .join(Claim, Claim.id == ClaimLine.claim_id)
        .where(ClaimLine.purchase_line_id == purchase_line_id, Claim.state == "open")
    ).all()


def _check_window(session: Session, desk: Desk, purchase_ids: list[int], now: datetime) -> None:
    shipped = session.scalars(select(Parcel.shipped_at).where(Parcel.purchase_id.in_(purchase_ids)))
    if now > max(shipped) + timedelta(days=desk.return_days):
        raise Problem(
            409,
            "too_late",
            f"claims are taken for {desk.return_days} days after shipping; ask your operator",
        )


def _write(
    session: Session,
    order: Order,
    purchase_id: int,
    parts: list[_Part],
    request: ClaimRequest,
    now: datetime,
) -> int:
    purchase = session.get_one(Purchase, purchase_id)
    owners = {"party_id": order.party_id, "supplier_id": purchase.supplier_id}
    claim = Claim(
        order_id=order.id,
        purchase_id=purchase_id,
        kind=request.kind,
        state="open",
        reason=request.reason,
        evidence=[{"by": "leader", "item": item} for item in request.evidence],
        created_at=now,
        updated_at=now,
        **owners,
    )
    session.add(claim)
    session.flush()
    events.of_claim(session, claim, "opened", now)
    for part in parts:
        session.add(
            ClaimLine(
                claim_id=claim.id,
                purchase_line_id=part.line.id,
                order_line_id=part.line.order_line_id,
                quantity=part.units,
                asked=part.asked,
                **owners,
            )
        )
    return claim.id


def _for_supplier(
    session: Session, supplier: Supplier, claim: str
) -> tuple[Claim, Order, dict[int, PurchaseLine], str]:
    found = session.execute(
        select(Claim.id, Claim.order_id, Claim.purchase_id)
        .join(Purchase, Purchase.id == Claim.purchase_id)
        .where(Claim.id == inside("clm", claim), Purchase.source == supplier.source)
    ).one_or_none()
    if found is None:
        raise _unknown(claim)
    locked = lock(session, found.order_id, found.purchase_id)
    row = session.get_one(Claim, found.id, populate_existing=True)
    lines = {line.id: line for line in locked.lines.values()}
    return row, locked.order, lines, locked.purchase.source


def _lines(session: Session, claim_id: int) -> Sequence[ClaimLine]:
    return session.scalars(
        select(ClaimLine).where(ClaimLine.claim_id == claim_id).order_by(ClaimLine.purchase_line_id)
    ).all()


def _check_open(row: Claim) -> None:
    if row.state != "open":
        raise Problem(409, "wrong_state", f"this claim is {row.state} already")


def _answer(session: Session, row: Claim, state: str, answer: str | None, now: datetime) -> None:
    row.state, row.answer, row.updated_at = state, answer, now
    events.of_claim(session, row, state, now)


def _blind(session: Session, words: str, row: Claim, source: str) -> str:
    """The supplier's words without the names by which a leader could find it."""
    purchase = session.get_one(Purchase, row.purchase_id)
    party = session.get(Party, row.supplier_id) if row.supplier_id else None
    for name in (source, purchase.seller, party.name if party else None):
        if name:
            words = words.replace(name, "供应商")
    return words


def _invalid(field: str, message: str) -> Problem:
    error = FieldError(field, "invalid", message)
    return Problem(422, "invalid", f"{field}: {message}", errors=[error])


def _unknown(claim: str) -> Problem:
    return Problem(404, "not_found", f"there is no claim {claim!r}")
