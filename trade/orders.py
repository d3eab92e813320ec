"""Accepting an order.

`place` is one transaction: the reference is taken, the lines are routed over the offers, stated
stock is reserved, the money is held, and order and purchases are written. An order that cannot be
bought whole is refused with the reasons and leaves nothing behind. It runs in system scope.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson
from sqlalchemy.orm import Session

from catalog import corridors
from connectors.model import ShipTo
from kit.crypto import Keyring
from kit.errors import FieldError, Problem
from kit.money import price_text, yuan
from kit.statements import insert, send
from trade import (
    books,
    buying,
    planning,
    quotes,
    recipients,
    selections,
    share_orders,
    shares,
)
from trade.desk import Desk
from trade.models import Order, OrderLine, OrderPlan, Recipient
from trade.planning import Draft, LineRequest
from trade.quotes import Promised
from trade.states import telling


@dataclass(frozen=True)
class OrderRequest:
    """What a leader asks to be bought and sent; `quote` or `max_total` (fen) is the consent."""

    reference: str
    lines: tuple[LineRequest, ...]
    ship_to: ShipTo
    quote: str | None = None
    max_total: int | None = None
    share: str | None = None
    buyer_note: str | None = None


def place(
    session: Session, desk: Desk, party_id: int, request: OrderRequest, now: datetime
) -> tuple[int, bool]:
    """Accept the order; returns its id and whether it is new (False: the same was placed before).

    Raises Problem 422 (malformed, or neither quote nor max_total), 409 `reference_conflict`,
    `quote_expired`, `quote_mismatch`, `price_changed`, `not_orderable` (naming the lines),
    `outside_corridor`, what a share refuses, or what the ledger says of an empty wallet; then
    nothing may be committed.
    """
    _check(request)
    content = _content(request)
    before = _placed_before(session, desk, party_id, request.reference, content)
    if before is not None:
        return before, False
    promise = (
        quotes.promised(session, desk, party_id, request.quote, now) if request.quote else None
    )
    under = shares.under(session, party_id, request.share, now) if request.share else None
    lines_asked = share_orders.at_retail(request.lines, under) if under else request.lines
    region, mobile = request.ship_to.region, request.ship_to.mobile
    draft = planning.draft(
        session, desk, party_id, lines_asked, region, now, mobile=mobile, lock=True
    )
    if draft.unsellable:
        raise _not_orderable(draft)
    rests: share_orders.Rests = {}
    if under:
        draft, rests = share_orders.shared(session, desk, draft, under, now)
    _check_price(draft, request, promise)
    retail = _retail_prices(session, draft, region, now)
    bought = draft.plan.purchases
    ids = buying.new_ids(
        session, recipients=1, orders=1, order_lines=len(draft.lines), **buying.counts(bought)
    )
    person = recipients.sealed(desk.keyring, party_id, request.ship_to)
    values = _order(party_id, request, draft, now) | {
        "id": ids["orders"][0],
        "recipient_id": ids["recipients"][0],
        "content_hash": desk.keyring.fingerprint(content, "order"),
        "quote_id": promise.quote_id if promise else None,
        "share_id": under.share_id if under else None,
    }
    order = Order(**values)
    lines = _lines(order, draft, retail, ids["order_lines"])
    line_ids = {line["line"] - 1: line["id"] for line in lines}
    writes = [
        insert(Recipient, [{"id": order.recipient_id} | person]),
        insert(Order, [values]),
        insert(OrderLine, lines),
        *buying.writes(order, bought, [buy.freight for buy in bought], line_ids, ids, now),
        insert(OrderPlan, [{"order_id": order.id, "plan": planning.record(draft.plan), "at": now}]),
        *(share_orders.writes(order, under, rests, line_ids) if under else ()),
        *telling(order, "placed", now),
    ]
    books.hold(session, order, writes)
    return order.id, True


def _check(request: OrderRequest) -> None:
    if not 0 < len(request.reference) <= 64:
        raise _invalid("reference", "length", "give your own order number, at most 64 characters")
    if request.quote is None and request.max_total is None:
        raise _invalid(
            "max_total",
            "consent_missing",
            "give a quote from /v1/quotes, or the most that this order may cost as max_total",
        )


def _content(request: OrderRequest) -> str:
    """What makes two orders the same: goods, recipient and note, not the consent to a price."""
    to = request.ship_to
    lines = [
        [line.sku, line.code, line.quantity, line.retail_price and price_text(line.retail_price)]
        for line in request.lines
    ]
    whole: list[Any] = [lines, [to.name, to.mobile, to.region, to.address], request.buyer_note]
    if request.share is not None:
        whole.append([request.share])
    return orjson.dumps(whole).decode()


def _placed_before(
    session: Session, desk: Desk, party_id: int, reference: str, content: str
) -> int | None:
    """The order that has this reference already; twins queue here until the first commits."""
    asked = {"reference": reference, "party": party_id}
    _, found = send(
        session,
        ("SELECT pg_advisory_xact_lock(hashtextextended(%(reference)s, %(party)s))", asked),
        (
            "SELECT id, content_hash FROM orders"
            " WHERE party_id = %(party)s AND reference = %(reference)s",
            asked,
        ),
    )
    if not found:
        return None
    [row] = found
    keys = (desk.keyring.current, *desk.keyring.previous)
    if row.content_hash not in [Keyring(key).fingerprint(content, "order") for key in keys]:
        raise Problem(
            409,
            "reference_conflict",
            f"another order of yours has the reference {reference!r}; use a new reference",
            errors=[FieldError("reference", "reference_conflict", "already used")],
        )
    return int(row.id)


def _not_orderable(draft: Draft) -> Problem:
    return Problem(
        409,
        "not_orderable",
        "some lines cannot be bought, so nothing was ordered; change or remove them",
        errors=[
            FieldError(f"lines.{line.index}", line.code, line.message) for line in draft.unsellable
        ],
    )


def _check_price(draft: Draft, request: OrderRequest, promise: Promised | None) -> None:
    """Nothing is bought at a worse price than the leader agreed to."""
    worse: list[FieldError] = []
    if promise is not None:
        _check_same(draft, request, promise)
        for line in draft.lines:
            _, price = promise.lines[line.line.sku_id]
            if line.unit_price > price:
                message = f"now {price_text(line.unit_price)}, quoted {price_text(price)}"
                worse.append(FieldError(f"lines.{line.line.index}", "price_changed", message))
    limits = [request.max_total, promise.total if promise else None]
    most = min(limit for limit in limits if limit is not None)
    if draft.total > most:
        message = f"now {yuan(draft.total)}, agreed {yuan(most)}"
        worse.append(FieldError("total", "price_changed", message))
    if worse:
        raise Problem(
            409,
            "price_changed",
            "the order would cost more than you agreed to, so nothing was bought;"
            " ask for a new quote",
            errors=worse,
        )


def _check_same(draft: Draft, request: OrderRequest, promise: Promised) -> None:
    ordered = {line.line.sku_id: line.line.quantity for line in draft.lines}
    quoted = {sku_id: quantity for sku_id, (quantity, _) in promise.lines.items()}
    if ordered != quoted or request.ship_to.region != promise.region:
        raise Problem(
            409,
            "quote_mismatch",
            "the quote was for other lines or another region; ask for a quote for this order",
        )


def _retail_prices(
    session: Session, draft: Draft, region: str, now: datetime
) -> dict[int, Decimal | None]:
    """Each line's retail price, the order's own or the selection's, checked on the corridor."""
    policies = corridors.policies(session, [line.line.sku_id for line in draft.lines], now)
    prices: dict[int, Decimal | None] = {}
    faults = []
    for priced in draft.lines:
        line = priced.line
        retail = line.retail_price
        if retail is None and (rule := draft.rules.get(line.sku_id)):
            retail = rule.retail(priced.unit_price)
        open_to = [one for one in draft.supplies[line.sku_id] if one.live and one.granted]
        floor, ceiling = corridors.corridor(open_to, policies, region, now)
        if fault := selections.corridor_fault(retail, floor, ceiling):
            field = f"lines.{line.index}.retail_price"
            faults.append(FieldError(field, "outside_corridor", fault))
        prices[line.index] = retail
    if faults:
        raise Problem(
            409,
            "outside_corridor",
            "a retail price is outside what the brand allows, so nothing was ordered;"
            " change it in the line or in your selection",
            errors=faults,
        )
    return prices


def _order(party_id: int, request: OrderRequest, draft: Draft, now: datetime) -> dict[str, Any]:
    return {
        "party_id": party_id,
        "reference": request.reference,
        "buyer_note": request.buyer_note,
        "status": "pending",
        "freight": draft.freight,
        "total": draft.total,
        "held": draft.total,
        "created_at": now,
        "updated_at": now,
    }


def _lines(
    order: Order, draft: Draft, retail: dict[int, Decimal | None], ids: Sequence[int]
) -> list[dict[str, Any]]:
    return [
        {
            "id": line_id,
            "party_id": order.party_id,
            "order_id": order.id,
            "line": priced.line.index + 1,
            "sku_id": priced.line.sku_id,
            "code": priced.line.code,
            "quantity": priced.line.quantity,
            "unit_price": priced.unit_price,
            "amount": priced.amount,
            "retail_price": retail[priced.line.index],
            "unrouted": 0,
        }
        for line_id, priced in zip(ids, draft.lines, strict=True)
    ]


def _invalid(field: str, code: str, message: str) -> Problem:
    return Problem(422, "invalid", f"{field}: {message}", errors=[FieldError(field, code, message)])
