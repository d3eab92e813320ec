"""What a leader sees of an order: a pure function of rows that a leader's scope can read.

No source, seller, cost or purchase is among them; carrier and waybill are the one exception.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from connectors.model import ShipTo
from kit.crypto import Keyring
from kit.errors import Problem
from kit.ids import inside, outside
from kit.money import price_text, yuan
from trade import address_requests, audits, places, proposal_views, recipients
from trade.after_sales.claim_views import claim_view
from trade.models import (
    AddressRequest,
    Claim,
    ClaimLine,
    Order,
    OrderEvent,
    OrderLine,
    Parcel,
    ParcelEvent,
    ParcelLine,
    Proposal,
    Recipient,
)
from trade.paging import changed

_CANCELLING = text("SELECT line, units FROM units_cancelling(:orders)")


@dataclass(frozen=True)
class Rows:
    """Everything about one order that its leader may read."""

    order: Order
    lines: Sequence[OrderLine]
    recipient: Recipient
    parcels: Sequence[Parcel]
    parcel_lines: Sequence[ParcelLine]
    events: Sequence[OrderEvent]
    claims: Sequence[Claim]
    claim_lines: Sequence[ClaimLine]
    parcel_events: Sequence[ParcelEvent] = ()
    proposal: Proposal | None = None
    address_requests: Sequence[AddressRequest] = ()
    cancelling: Mapping[int, int] = field(default_factory=dict)
    """Units by line that a sender is asked to cancel."""


def get(session: Session, party_id: int, order: str) -> dict[str, Any]:
    """One order by its outside id. Raises Problem 404."""
    return by_id(session, party_id, inside("ord", order))


def by_id(session: Session, party_id: int, order_id: int) -> dict[str, Any]:
    """One order by the id that `place` returned. Raises Problem 404."""
    row = session.get(Order, order_id, populate_existing=True)
    if row is None or row.party_id != party_id:
        raise Problem(404, "not_found", "there is no such order")
    return _views(session, [row], news=True)[0]


def by_ids(
    session: Session, party_id: int, order_ids: Collection[int]
) -> dict[int, dict[str, Any]]:
    """Orders of the party by the ids that `place` returned."""
    found = select(Order).where(Order.id.in_(order_ids), Order.party_id == party_id)
    rows = session.scalars(found.execution_options(populate_existing=True)).all()
    return {row.id: view for row, view in zip(rows, _views(session, rows, news=True), strict=True)}


def reveal(session: Session, keyring: Keyring, party_id: int, order: str, purpose: str) -> ShipTo:
    """The recipient of one's own order in clear; the opening and its purpose are logged.

    Raises Problem 404, 403 `recipient_sealed`, 410, or 422 where no purpose is given.
    """
    _check_purpose(purpose)
    row = session.get(Order, inside("ord", order))
    if row is None or row.party_id != party_id:
        raise Problem(404, "not_found", "there is no such order")
    return recipients.reveal(session, keyring, row.recipient_id, party_id, purpose)


def unseal(
    session: Session, keyring: Keyring, operator: int, actor: str, order: str, purpose: str
) -> ShipTo:
    """A recipient whose details are sealed by age, for an operator; it stays sealed. System scope.

    The opening is logged, and is a row of the audit. Raises Problem 404, 410, 422, or 409
    `not_sealed` where its owner can open it.
    """
    _check_purpose(purpose)
    row = session.get(Order, inside("ord", order))
    if row is None:
        raise Problem(404, "not_found", "there is no such order")
    if recipients.can_be_opened(session.get_one(Recipient, row.recipient_id)):
        raise Problem(
            409, "not_sealed", "these details are not sealed: the order's party opens them"
        )
    to = recipients.reveal(session, keyring, row.recipient_id, operator, purpose, unsealing=True)
    detail = {"purpose": purpose}
    audits.note(session, actor, "recipient.unseal", order, detail, party_id=row.party_id)
    return to


def _check_purpose(purpose: str) -> None:
    if not purpose.strip():
        raise Problem(422, "invalid", "purpose: say what the recipient's details are needed for")


def page(
    session: Session,
    party_id: int,
    *,
    status: str | None = None,
    updated_after: datetime | None = None,
    placed_from: datetime | None = None,
    placed_to: datetime | None = None,
    limit: int = 50,
    after: tuple[datetime, int] | None = None,
) -> tuple[list[dict[str, Any]], tuple[datetime, int] | None]:
    """Orders from the oldest change on, and where the next page starts, or None at the end."""
    found = select(Order).where(Order.party_id == party_id)
    if status is not None:
        found = found.where(Order.status == status)
    if placed_from is not None:
        found = found.where(Order.created_at >= placed_from)
    if placed_to is not None:
        found = found.where(Order.created_at < placed_to)
    key = (Order.updated_at, Order.id)
    rows, following = changed(
        session, found, *key, limit=limit, after=after, updated_after=updated_after
    )
    return _views(session, rows), following


def view(rows: Rows) -> dict[str, Any]:
    """The order as JSON has it."""
    order = rows.order
    names = {line.id: outside("sku", line.sku_id) for line in rows.lines}
    lines = [_line(parts, rows.cancelling) for parts in _asked(rows.lines)]
    return {
        "id": outside("ord", order.id),
        "reference": order.reference,
        "status": order.status,
        "lines": lines,
        "cancelling": _cancelling(rows, sum(line["cancelling"] for line in lines)),
        "freight": yuan(order.freight),
        "total": yuan(order.total),
        "held": yuan(order.held),
        "proposal": proposal_views.told(order, rows.lines, rows.proposal),
        "ship_to": rows.recipient.mask | {"place": places.levels(rows.recipient.region)},
        "address_change": address_requests.told(rows.address_requests),
        "buyer_note": order.buyer_note,
        "parcels": [_parcel(parcel, rows, names) for parcel in rows.parcels],
        "timeline": [
            {"kind": event.kind, "detail": event.detail, "at": event.at} for event in rows.events
        ],
        "claims": [
            claim_view(
                claim, [x for x in rows.claim_lines if x.claim_id == claim.id], names, rows.parcels
            )
            for claim in rows.claims
        ],
        "created_at": order.created_at,
        "updated_at": order.updated_at,
    }


def _asked(rows: Sequence[OrderLine]) -> list[list[OrderLine]]:
    """The lines as they were ordered: alone, or all the parts of one bundle."""
    lines: dict[int, list[OrderLine]] = {}
    for row in rows:
        lines.setdefault(row.bundle_line or row.line, []).append(row)
    return [lines[number] for number in sorted(lines)]


def _cancelling(rows: Rows, units: int) -> dict[str, Any] | None:
    """What its senders are asked to cancel and have not answered, since it was asked last."""
    if not rows.cancelling:
        return None
    asked = [event.at for event in rows.events if event.kind == "cancel_asked"]
    return {"units": units, "asked_at": max(asked, default=None)}


def _line(rows: Sequence[OrderLine], asked: Mapping[int, int]) -> dict[str, Any]:
    """One line; a bundle counts as shipped when all of its parts are, and as cancelled alike."""
    first = rows[0]
    units = first.bundle_units or 1
    gone = [(row.cancelled, asked.get(row.id, 0), row.bundle_units or 1) for row in rows]
    cancelled = min(done // each for done, _, each in gone)
    told = {
        "line": first.bundle_line or first.line,
        "sku": outside("sku", first.bundle_sku or first.sku_id),
        "code": first.code,
        "quantity": first.quantity // units,
        "shipped": min(row.shipped // (row.bundle_units or 1) for row in rows),
        "delivered": min(row.delivered // (row.bundle_units or 1) for row in rows),
        "cancelled": cancelled,
        "cancelling": min((done + more) // each for done, more, each in gone) - cancelled,
        "refunded": yuan(sum(row.refunded for row in rows)),
        "unit_price": price_text(
            sum((row.unit_price * (row.bundle_units or 1) for row in rows), Decimal(0))
        ),
        "amount": yuan(sum(row.amount for row in rows)),
        "retail_price": None if first.retail_price is None else price_text(first.retail_price),
        "replaced": first.replaced,
        "replaces": first.replaces,
        "held_reason": next((row.held_reason for row in rows if row.held_reason), None),
    }
    if first.bundle_sku is None:
        return told
    return told | {"parts": [_part(row, asked.get(row.id, 0)) for row in rows]}


def _part(row: OrderLine, asked: int) -> dict[str, Any]:
    return {
        "sku": outside("sku", row.sku_id),
        "quantity": row.quantity,
        "shipped": row.shipped,
        "delivered": row.delivered,
        "cancelled": row.cancelled,
        "cancelling": asked,
        "refunded": yuan(row.refunded),
        "amount": yuan(row.amount),
    }


def _parcel(parcel: Parcel, rows: Rows, names: dict[int, str]) -> dict[str, Any]:
    news = [event for event in rows.parcel_events if event.parcel_id == parcel.id]
    units: dict[int, int] = {}
    for line in rows.parcel_lines:
        if line.parcel_id == parcel.id:
            units[line.order_line_id] = units.get(line.order_line_id, 0) + line.quantity
    return {
        "carrier": parcel.carrier,
        "tracking_number": parcel.tracking_number,
        "lines": [{"sku": names[line_id], "quantity": n} for line_id, n in units.items()],
        "claim": parcel.claim_id and outside("clm", parcel.claim_id),
        "status": parcel.state,
        "delivered_at": parcel.delivered_at,
        "events": [
            {
                "kind": "shipped",
                "at": min([parcel.shipped_at, *(x.at for x in news)]),
                "detail": None,
            },
            *({"kind": x.state, "at": x.at, "detail": {"text": x.text}} for x in news),
        ],
    }


def _views(
    session: Session, orders: Sequence[Order], *, news: bool = False
) -> list[dict[str, Any]]:
    """Lists leave out what carriers tell on the way."""
    ids = [order.id for order in orders]
    lines = _of(session, OrderLine, OrderLine.order_id, ids, OrderLine.line)
    parcels = _of(session, Parcel, Parcel.order_id, ids, Parcel.id)
    events = _of(session, OrderEvent, OrderEvent.order_id, ids, OrderEvent.id)
    claims = _of(session, Claim, Claim.order_id, ids, Claim.id)
    people = {
        row.id: row
        for row in _of(
            session, Recipient, Recipient.id, [o.recipient_id for o in orders], Recipient.id
        )
    }
    parcel_lines = _of(
        session, ParcelLine, ParcelLine.parcel_id, [p.id for p in parcels], ParcelLine.parcel_id
    )
    cancelling = _units_cancelling(session, events)
    asked = _of(session, AddressRequest, AddressRequest.order_id, ids, AddressRequest.id)
    held = [order.id for order in orders if order.status == "held"]
    proposals = _of(session, Proposal, Proposal.order_id, held, Proposal.order_id)
    told = [p.id for p in parcels] if news else []
    parcel_events = _of(session, ParcelEvent, ParcelEvent.parcel_id, told, ParcelEvent.at)
    claim_lines = _of(
        session, ClaimLine, ClaimLine.claim_id, [c.id for c in claims], ClaimLine.claim_id
    )
    return [
        view(
            Rows(
                order,
                [x for x in lines if x.order_id == order.id],
                people[order.recipient_id],
                [x for x in parcels if x.order_id == order.id],
                parcel_lines,
                [x for x in events if x.order_id == order.id],
                [x for x in claims if x.order_id == order.id],
                claim_lines,
                parcel_events,
                next((x for x in proposals if x.order_id == order.id), None),
                [x for x in asked if x.order_id == order.id],
                {
                    x.id: cancelling[x.id]
                    for x in lines
                    if x.id in cancelling and x.order_id == order.id
                },
            )
        )
        for order in orders
    ]


def _units_cancelling(session: Session, events: Sequence[OrderEvent]) -> dict[int, int]:
    """By line; asked only about orders of which anything was asked to be cancelled."""
    orders = {event.order_id for event in events if event.kind == "cancel_asked"}
    if not orders:
        return {}
    rows = session.execute(_CANCELLING, {"orders": sorted(orders)})
    return {row.line: int(row.units) for row in rows}


def _of(
    session: Session, table: Any, column: Any, ids: Collection[int], order: Any
) -> Sequence[Any]:
    if not ids:
        return []
    found = select(table).where(column.in_(ids)).order_by(order)
    return session.scalars(found.execution_options(populate_existing=True)).all()
