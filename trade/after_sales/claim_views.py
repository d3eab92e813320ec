"""Claims as their leader and their supplier see them.

A leader sees no source, seller or cost, nor who bears a refund; of the supplier only where goods go
back to, which no return can do without. A supplier sees amounts of its own price, and nothing of
what the leader paid; operators see both.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from kit.errors import Problem
from kit.ids import inside, outside
from kit.money import yuan
from trade.after_sales.claim_answers import opened_address
from trade.after_sales.claim_deadlines import Then, returns_of, upcoming
from trade.desk import Desk
from trade.models import Claim, ClaimLine, ClaimMove, OrderLine, Parcel, Purchase, PurchaseLine
from trade.paging import Cursor, changed
from trade.purchases import Supplier

Page = tuple[list[dict[str, Any]], tuple[datetime, int] | None]


def claim_view(
    claim: Claim, lines: Sequence[ClaimLine], names: dict[int, str], parcels: Sequence[Parcel]
) -> dict[str, Any]:
    """A claim as its leader sees it; `names` are outside SKU ids by order line, `parcels` those
    that came in the place of others."""
    return {
        "id": outside("clm", claim.id),
        "order": outside("ord", claim.order_id),
        "kind": claim.kind,
        "cause": claim.cause,
        "status": claim.state,
        "reason": claim.reason,
        "evidence": claim.evidence,
        "answer": claim.answer,
        "approved": _approved(claim, claim.approved),
        "freight_refunded": yuan(claim.freight_refunded),
        "postage": _postage(claim, "refunded", claim.postage_refunded),
        "sent_back": _waybill(claim.back_carrier, claim.back_number),
        "reissued": _parcel(next((p for p in parcels if p.claim_id == claim.id), None)),
        "due_at": claim.due_at,
        "escalated_at": claim.escalated_at,
        "lines": [
            {
                "sku": names[line.order_line_id],
                "quantity": line.quantity,
                "amount": yuan(line.asked),
                "refunded": yuan(line.refunded),
            }
            for line in lines
        ],
        "created_at": claim.created_at,
        "updated_at": claim.updated_at,
    }


def _approved(claim: Claim, fen: int | None) -> str | None:
    """What is agreed to of a claim; what was, and came to nothing, is history."""
    return None if fen is None or claim.state in ("refused", "cancelled") else yuan(fen)


def _postage(claim: Claim, name: str, given: int) -> dict[str, str] | None:
    """What sending goods back has cost, and what was `given` for it, where it was asked for."""
    return {"asked": yuan(claim.postage), name: yuan(given)} if claim.postage else None


def _waybill(carrier: str | None, number: str | None) -> dict[str, Any] | None:
    """A waybill, where there is one."""
    return None if number is None else {"carrier": carrier, "tracking_number": number}


def _parcel(parcel: Parcel | None) -> dict[str, Any] | None:
    """The waybill of a parcel, where there is one."""
    return None if parcel is None else _waybill(parcel.carrier, parcel.tracking_number)


def leader_page(
    session: Session,
    desk: Desk,
    party_id: int,
    *,
    status: str | None = None,
    updated_after: datetime | None = None,
    limit: int = 50,
    after: tuple[datetime, int] | None = None,
) -> Page:
    """A leader's claims from the oldest change on, and where the next page starts."""
    own = select(Claim).where(Claim.party_id == party_id)
    rows, following = _page(session, own, status, updated_after, limit, after)
    return _leader_views(session, desk, rows), following


def leader_get(session: Session, desk: Desk, party_id: int, claim: str) -> dict[str, Any]:
    """One claim of a leader. Raises Problem 404."""
    row = session.get(Claim, inside("clm", claim), populate_existing=True)
    if row is None or row.party_id != party_id:
        raise Problem(404, "not_found", f"there is no claim {claim!r}")
    return _leader_views(session, desk, [row])[0]


def supplier_page(
    session: Session,
    desk: Desk,
    supplier: Supplier,
    *,
    status: str | None = None,
    updated_after: datetime | None = None,
    limit: int = 50,
    after: tuple[datetime, int] | None = None,
    operates: bool = False,
) -> Page:
    """Claims on a supplier's purchases, the oldest change first, and where the next page starts;
    who `operates` sees the leader's side as well."""
    own = select(Purchase.id).where(Purchase.source == supplier.source)
    claimed = select(Claim).where(Claim.purchase_id.in_(own))
    rows, following = _page(session, claimed, status, updated_after, limit, after)
    views = _supplier_views(session, desk, rows)
    return _with_leaders(session, rows, views) if operates else views, following


def supplier_get(
    session: Session, desk: Desk, supplier: Supplier, claim: str, *, operates: bool = False
) -> dict[str, Any]:
    """One claim on a supplier's purchase, for an operator with the leader's side. Raises Problem
    404."""
    own = select(Purchase.id).where(Purchase.source == supplier.source)
    row = session.scalar(
        select(Claim).where(Claim.id == inside("clm", claim), Claim.purchase_id.in_(own))
    )
    if row is None:
        raise Problem(404, "not_found", f"there is no claim {claim!r} for you")
    views = _supplier_views(session, desk, [row])
    return (_with_leaders(session, [row], views) if operates else views)[0]


def _page(
    session: Session,
    found: Select[Claim],
    status: str | None,
    updated_after: datetime | None,
    limit: int,
    after: Cursor | None,
) -> tuple[Sequence[Claim], Cursor | None]:
    if status is not None:
        found = found.where(Claim.state == status)
    key = (Claim.updated_at, Claim.id)
    return changed(session, found, *key, limit=limit, after=after, updated_after=updated_after)


def _leader_views(session: Session, desk: Desk, claims: Sequence[Claim]) -> list[dict[str, Any]]:
    lines = _lines(session, claims)
    wanted = [line.order_line_id for line in lines]
    skus = session.execute(select(OrderLine.id, OrderLine.sku_id).where(OrderLine.id.in_(wanted)))
    names = {line_id: outside("sku", sku_id) for line_id, sku_id in skus}
    sent = _sent(session, claims)
    return [
        claim_view(
            claim,
            [line for line in lines if line.claim_id == claim.id],
            names,
            [sent[claim.id]] if claim.id in sent else [],
        )
        | {"return_to": opened_address(desk, claim)}
        for claim in claims
    ]


def _supplier_views(session: Session, desk: Desk, claims: Sequence[Claim]) -> list[dict[str, Any]]:
    lines = _lines(session, claims)
    bought = {row.id: row for row in _bought(session, [line.purchase_line_id for line in lines])}
    moves, sent = _moves(session, claims), _sent(session, claims)
    then = _upcoming(session, desk, claims, lines)
    return [
        {
            "id": outside("clm", claim.id),
            "purchase": outside("pur", claim.purchase_id),
            "kind": claim.kind,
            "cause": claim.cause,
            "status": claim.state,
            "reason": claim.reason,
            "evidence": claim.evidence,
            "answer": claim.answer,
            "approved": _approved(claim, claim.approved_cost),
            "bearer": claim.bearer,
            "freight_credited": yuan(claim.freight_credited),
            "postage": _postage(claim, "credited", claim.postage_credited),
            "return_to": opened_address(desk, claim),
            "sent_back": _waybill(claim.back_carrier, claim.back_number),
            "reissued": _parcel(sent.get(claim.id)),
            "recall": "sent" if claim.recall == "seen" else claim.recall,
            "due_at": claim.due_at,
            "then": then[claim.id],
            "lines": [
                _line(bought[line.purchase_line_id], line)
                for line in lines
                if line.claim_id == claim.id
            ],
            "timeline": [
                {"kind": move.event, "at": move.at} for move in moves if move.claim_id == claim.id
            ],
            "created_at": claim.created_at,
            "updated_at": claim.updated_at,
        }
        for claim in claims
    ]


def _with_leaders(
    session: Session, claims: Sequence[Claim], views: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The suppliers' views with what the leaders asked for and got."""
    lines = _lines(session, claims)
    found = []
    for claim, view in zip(claims, views, strict=True):
        own = [line for line in lines if line.claim_id == claim.id]
        side = {
            "asked": yuan(sum(line.asked for line in own)),
            "approved": _approved(claim, claim.approved),
            "refunded": yuan(sum(line.refunded for line in own)),
            "advanced": yuan(claim.advanced),
            "freight_refunded": yuan(claim.freight_refunded),
        }
        found.append(view | {"leader": side})
    return found


def _upcoming(
    session: Session, desk: Desk, claims: Sequence[Claim], lines: Sequence[ClaimLine]
) -> dict[int, Then | None]:
    """What happens at the deadline of each."""
    bought = [claim.purchase_id for claim in claims]
    found = session.execute(select(Purchase.id, Purchase.source).where(Purchase.id.in_(bought)))
    sources = {row.id: row.source for row in found}
    returns = returns_of(session)
    return {
        claim.id: upcoming(
            desk,
            claim,
            sources[claim.purchase_id],
            sum(line.asked for line in lines if line.claim_id == claim.id),
            returns,
        )
        for claim in claims
    }


def _line(bought: PurchaseLine, line: ClaimLine) -> dict[str, Any]:
    return {
        "line": bought.line,
        "external_id": bought.external_id,
        "title": bought.title,
        "quantity": line.quantity,
        "amount": yuan(line.asked_cost),
        "credited": yuan(line.credited),
    }


def _bought(session: Session, ids: Sequence[int]) -> Sequence[PurchaseLine]:
    return session.scalars(select(PurchaseLine).where(PurchaseLine.id.in_(ids))).all()


def _moves(session: Session, claims: Sequence[Claim]) -> Sequence[ClaimMove]:
    found = select(ClaimMove).where(ClaimMove.claim_id.in_([claim.id for claim in claims]))
    return session.scalars(found.order_by(ClaimMove.id)).all()


def _sent(session: Session, claims: Sequence[Claim]) -> dict[int, Parcel]:
    """Parcels in the place of others, by claim."""
    found = select(Parcel).where(Parcel.claim_id.in_([claim.id for claim in claims]))
    rows = session.scalars(found.execution_options(populate_existing=True))
    return {row.claim_id: row for row in rows if row.claim_id is not None}


def _lines(session: Session, claims: Sequence[Claim]) -> Sequence[ClaimLine]:
    return session.scalars(
        select(ClaimLine)
        .where(ClaimLine.claim_id.in_([claim.id for claim in claims]))
        .order_by(ClaimLine.claim_id, ClaimLine.purchase_line_id)
    ).all()
