"""What makes an order acceptable, and the rows that it becomes. Pure.

One order or many at once go through the same checks and become the same rows.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson

from connectors.model import ShipTo
from kit.crypto import CannotOpen, Keyring
from kit.errors import FieldError, Problem, invalid
from kit.money import price_text, yuan
from kit.statements import Query, insert
from trade import buying, recipients, towns
from trade.bundling import PartLine
from trade.desk import Desk
from trade.locating import completed
from trade.models import NewOrder, Order, OrderLine, OrderPlan, Recipient
from trade.plan_views import record as decided
from trade.planning import Draft, LineRequest, PricedLine, Unsellable
from trade.quotes import Promised
from trade.sharing import share_orders
from trade.sharing.shares import Under
from trade.states import telling

CONTEXT = "order content:{party_id}:{reference}"
"""What the sealed hash of an order's content is bound to."""
KEYED = 16
"""Bytes of a keyed hash, as an older Huopan kept it: known again under its own key only."""


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


@dataclass(frozen=True)
class Accepted:
    """An order that passed every check but the wallet's."""

    party_id: int
    request: OrderRequest
    draft: Draft
    retail: Mapping[int, Decimal | None]
    quote_id: int | None = None
    under: Under | None = None
    rests: share_orders.Rests = field(default_factory=dict)

    def needs(self) -> dict[str, int]:
        """How many new ids `write` takes, by table."""
        bought = self.draft.plan.purchases
        lines = sum(len(line.parts) or 1 for line in self.draft.lines)
        return {"recipients": 1, "orders": 1, "order_lines": lines, **buying.counts(bought)}

    def write(
        self, desk: Desk, ids: Mapping[str, Sequence[int]], now: datetime
    ) -> tuple[NewOrder, list[Query]]:
        """The order under these ids, and what writes it. Raises Problem 409 `out_of_stock`."""
        draft, request = self.draft, self.request
        person = recipients.sealed(desk.keyring, self.party_id, request.ship_to)
        order = NewOrder(
            id=ids["orders"][0],
            party_id=self.party_id,
            reference=request.reference,
            recipient_id=ids["recipients"][0],
            buyer_note=request.buyer_note,
            total=draft.total,
            created_at=now,
        )
        values = order._asdict() | {
            "content_hash": sealed(desk.keyring, self.party_id, request),
            "quote_id": self.quote_id,
            "share_id": self.under.share_id if self.under else None,
            "status": "pending",
            "freight": draft.freight,
            "held": draft.total,
            "updated_at": now,
        }
        lines = _lines(order, draft, self.retail, ids["order_lines"])
        line_ids = {line["line"] - 1: line["id"] for line in lines}
        bought = draft.plan.purchases
        freights = [buy.freight for buy in bought]
        plan = {"order_id": order.id, "plan": decided(draft.plan), "at": now}
        return order, [
            insert(Recipient, [{"id": order.recipient_id} | person]),
            insert(Order, [values]),
            insert(OrderLine, lines),
            *buying.writes(order, bought, freights, line_ids, ids, now),
            insert(OrderPlan, [plan]),
            *(share_orders.writes(order, self.under, self.rests, line_ids) if self.under else ()),
            *telling(order, "placed", now),
        ]


def check(request: OrderRequest) -> None:
    """Raises Problem 422 for what is malformed, or consents to no price."""
    if not 0 < len(request.reference) <= 64:
        raise invalid("reference", "give your own order number, at most 64 characters", "length")
    if request.quote is None and request.max_total is None:
        raise invalid(
            "max_total",
            "give a quote from /v1/quotes, or the most that this order may cost as max_total",
            "consent_missing",
        )


def content(request: OrderRequest) -> str:
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


def not_orderable(draft: Draft) -> Problem:
    """What is answered where some lines cannot be bought."""
    return Problem(
        409,
        "not_orderable",
        "some lines cannot be bought, so nothing was ordered; change or remove them",
        errors=[
            FieldError(f"lines.{line.index}", line.code, f"{line.message}{_until(line)}")
            for line in draft.unsellable
        ],
    )


def _until(line: Unsellable) -> str:
    return f" (this may change at {line.until:%Y-%m-%d %H:%M} UTC)" if line.until else ""


def check_price(draft: Draft, request: OrderRequest, promise: Promised | None) -> None:
    """Nothing is bought at a worse price than the leader agreed to. Raises Problem 409."""
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


def sealed(keyring: Keyring, party_id: int, request: OrderRequest) -> bytes:
    """What is kept of an order's content, to know it again under whatever key comes later."""
    context = CONTEXT.format(party_id=party_id, reference=request.reference)
    return keyring.seal(_digest(content(_kept(request))), context)


def same(keyring: Keyring, party_id: int, request: OrderRequest, kept: bytes) -> bool:
    """Whether the order that has this reference, of whose content this is kept, was the same.

    No, where that was erased, or where its key is gone before everything was under another one.
    """
    if len(kept) <= KEYED:
        prints = [keyring.fingerprints(one, "order") for one in _contents(request)]
        return any(kept in some for some in prints)
    context = CONTEXT.format(party_id=party_id, reference=request.reference)
    try:
        opened = keyring.open(kept, context)
    except CannotOpen:
        return False
    return any(hmac.compare_digest(opened, _digest(one)) for one in _contents(request))


def _kept(request: OrderRequest) -> OrderRequest:
    """With the region as it is kept: a town that the address names is in the address."""
    to = request.ship_to
    return replace(request, ship_to=replace(to, region=towns.stated(to.region, to.address)))


def _contents(request: OrderRequest) -> list[str]:
    """The content as it may have been kept: also with the region as it is now, or read to the
    district alone, as an older Huopan or one without the table of towns reads an address."""
    to = request.ship_to
    known = [_kept(request), request]
    county = replace(to, region=to.region[:6])
    if completed(county.region, to.address) in (county.region, to.region):
        known.append(replace(request, ship_to=county))
    return [content(one) for one in known]


def _digest(content: str) -> bytes:
    return hashlib.sha256(content.encode()).digest()


def reference_conflict(reference: str) -> Problem:
    """What is answered where another order has the reference."""
    return Problem(
        409,
        "reference_conflict",
        f"another order of yours has the reference {reference!r}; use a new reference",
        errors=[FieldError("reference", "reference_conflict", "already used")],
    )


def _check_same(draft: Draft, request: OrderRequest, promise: Promised) -> None:
    ordered = {line.line.sku_id: line.line.quantity for line in draft.lines}
    quoted = {sku_id: quantity for sku_id, (quantity, _) in promise.lines.items()}
    if ordered != quoted or request.ship_to.region[:6] != promise.region[:6]:
        raise Problem(
            409,
            "quote_mismatch",
            "the quote was for other lines or another region; ask for a quote for this order",
        )


def _lines(
    order: NewOrder, draft: Draft, retail: Mapping[int, Decimal | None], ids: Sequence[int]
) -> list[dict[str, Any]]:
    """The rows of the lines; a bundle's are its parts, whose line is the key of their demand."""
    rows: list[dict[str, Any]] = []
    for priced in draft.lines:
        line = priced.line
        common = {
            "party_id": order.party_id,
            "order_id": order.id,
            "code": line.code,
            "retail_price": retail[line.index],
            "unrouted": 0,
        }
        whole = {
            "line": line.index + 1,
            "sku_id": line.sku_id,
            "quantity": line.quantity,
            "unit_price": priced.unit_price,
            "amount": priced.amount,
            **dict.fromkeys(("bundle_line", "bundle_sku", "bundle_units")),
        }
        rows += [common | _part(priced, part) for part in priced.parts] or [common | whole]
    return [{"id": line_id} | row for line_id, row in zip(ids, rows, strict=True)]


def _part(priced: PricedLine, part: PartLine) -> dict[str, Any]:
    return {
        "line": part.key + 1,
        "sku_id": part.sku_id,
        "quantity": part.quantity,
        "unit_price": part.unit_price,
        "amount": part.amount,
        "bundle_line": priced.line.index + 1,
        "bundle_sku": priced.line.sku_id,
        "bundle_units": part.units,
    }
