"""Claims as their leader and their supplier see them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select, tuple_
from sqlalchemy.orm import Session

from kit.errors import Problem
from kit.ids import inside, outside
from kit.money import yuan
from trade.models import Claim, ClaimLine, OrderLine, Purchase, PurchaseLine
from trade.order_views import claim_view
from trade.purchases import Supplier

Page = tuple[list[dict[str, Any]], tuple[datetime, int] | None]


def leader_page(
    session: Session,
    party_id: int,
    *,
    status: str | None = None,
    updated_after: datetime | None = None,
    limit: int = 50,
    after: tuple[datetime, int] | None = None,
) -> Page:
    """A leader's claims from the oldest change on, and where the next page starts."""
    found = _from(select(Claim).where(Claim.party_id == party_id), status, updated_after, after)
    rows = session.scalars(found.limit(limit + 1)).all()
    return _leader_views(session, rows[:limit]), _next(rows, limit)


def leader_get(session: Session, party_id: int, claim: str) -> dict[str, Any]:
    """One claim of a leader. Raises Problem 404."""
    row = session.get(Claim, inside("clm", claim), populate_existing=True)
    if row is None or row.party_id != party_id:
        raise Problem(404, "not_found", f"there is no claim {claim!r}")
    return _leader_views(session, [row])[0]


def supplier_page(
    session: Session,
    supplier: Supplier,
    *,
    status: str | None = None,
    updated_after: datetime | None = None,
    limit: int = 50,
    after: tuple[datetime, int] | None = None,
) -> Page:
    """Claims on a supplier's purchases, the oldest change first, and where the next page starts."""
    own = select(Purchase.id).where(Purchase.source == supplier.source)
    found = _from(select(Claim).where(Claim.purchase_id.in_(own)), status, updated_after, after)
    rows = session.scalars(found.limit(limit + 1)).all()
    return _supplier_views(session, rows[:limit]), _next(rows, limit)


def supplier_get(session: Session, supplier: Supplier, claim: str) -> dict[str, Any]:
    """One claim on a supplier's purchase. Raises Problem 404."""
    own = select(Purchase.id).where(Purchase.source == supplier.source)
    row = session.scalar(
        select(Claim).where(Claim.id == inside("clm", claim), Claim.purchase_id.in_(own))
    )
    if row is None:
        raise Problem(404, "not_found", f"there is no claim {claim!r} for you")
    return _supplier_views(session, [row])[0]


def _from(
    found: Select[Any],
    status: str | None,
    updated_after: datetime | None,
    after: tuple[datetime, int] | None,
) -> Select[Any]:
    if status is not None:
        found = found.where(Claim.state == status)
    if updated_after is not None:
        found = found.where(Claim.updated_at > updated_after)
    if after is not None:
        found = found.where(tuple_(Claim.updated_at, Claim.id) > tuple_(*after))
    return found.order_by(Claim.updated_at, Claim.id)


def _next(rows: Sequence[Claim], limit: int) -> tuple[datetime, int] | None:
    return (rows[limit - 1].updated_at, rows[limit - 1].id) if len(rows) > limit else None


def _leader_views(session: Session, claims: Sequence[Claim]) -> list[dict[str, Any]]:
    lines = _lines(session, claims)
    wanted = [line.order_line_id for line in lines]
    skus = session.execute(select(OrderLine.id, OrderLine.sku_id).where(OrderLine.id.in_(wanted)))
    names = {line_id: outside("sku", sku_id) for line_id, sku_id in skus}
    return [
        claim_view(claim, [line for line in lines if line.claim_id == claim.id], names)
        for claim in claims
    ]


def _supplier_views(session: Session, claims: Sequence[Claim]) -> list[dict[str, Any]]:
    lines = _lines(session, claims)
    wanted = [line.purchase_line_id for line in lines]
    bought = {
        line.id: line
        for line in session.scalars(select(PurchaseLine).where(PurchaseLine.id.in_(wanted)))
    }
    return [
        {
            "id": outside("clm", claim.id),
            "purchase": outside("pur", claim.purchase_id),
            "kind": claim.kind,
            "status": claim.state,
            "reason": claim.reason,
            "evidence": claim.evidence,
            "answer": claim.answer,
            "lines": [
                {
                    "line": bought[line.purchase_line_id].line,
                    "external_id": bought[line.purchase_line_id].external_id,
                    "title": bought[line.purchase_line_id].title,
                    "quantity": line.quantity,
                    "amount": yuan(line.asked),
                    "refunded": yuan(line.refunded),
                    "credited": yuan(line.credited),
                }
                for line in lines
                if line.claim_id == claim.id
            ],
            "created_at": claim.created_at,
            "updated_at": claim.updated_at,
        }
        for claim in claims
    ]


def _lines(session: Session, claims: Sequence[Claim]) -> Sequence[ClaimLine]:
    return session.scalars(
        select(ClaimLine)
        .where(ClaimLine.claim_id.in_([claim.id for claim in claims]))
        .order_by(ClaimLine.claim_id, ClaimLine.purchase_line_id)
    ).all()
