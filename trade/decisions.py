"""The decision record of an order, for operators: why this source, and why not the others."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalog.models import Offer
from kit.errors import Problem
from kit.ids import outside
from trade.models import Order, OrderPlan, Purchase, PurchaseMove


def of_order(session: Session, order_id: int) -> list[dict[str, Any]]:
    """Every decision about the order, the oldest first. System scope. Raises Problem 404."""
    if session.get(Order, order_id) is None:
        raise Problem(404, "not_found", "there is no such order")
    rows = session.scalars(
        select(OrderPlan).where(OrderPlan.order_id == order_id).order_by(OrderPlan.id)
    ).all()
    names = _names(session, [lost["offer"] for row in rows for lost in row.plan.get("lost", ())])
    return [
        {
            "at": row.at,
            "purchases": row.plan.get("purchases", []),
            "lost": [lost | names.get(lost["offer"], {}) for lost in row.plan.get("lost", ())],
            "unsellable": row.plan.get("unsellable", {}),
            "dearer": row.plan.get("dearer"),
        }
        for row in rows
    ]


def refusals(session: Session, order_id: int) -> list[dict[str, Any]]:
    """Who would not sell what was decided, when, and in which words; the oldest first."""
    rows = session.execute(
        select(
            PurchaseMove.at,
            PurchaseMove.detail,
            Purchase.id,
            Purchase.source,
            Purchase.seller,
            Purchase.failure,
        )
        .join(Purchase, Purchase.id == PurchaseMove.purchase_id)
        .where(Purchase.order_id == order_id, PurchaseMove.event == "refuse")
        .order_by(PurchaseMove.id)
    )
    return [
        {
            "at": row.at,
            "purchase": outside("pur", row.id),
            "source": row.source,
            "seller": row.seller,
            "code": (row.detail or {}).get("code"),
            "message": row.failure,
        }
        for row in rows
    ]


def _names(session: Session, offer_ids: list[int]) -> dict[int, dict[str, Any]]:
    rows = session.execute(
        select(Offer.id, Offer.source, Offer.seller, Offer.external_id).where(
            Offer.id.in_(sorted(set(offer_ids)))
        )
    )
    return {
        row.id: {"source": row.source, "seller": row.seller, "external_id": row.external_id}
        for row in rows
    }
