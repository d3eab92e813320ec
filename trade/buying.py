"""Writing down what a plan decided: purchases, their lines, their stock, and the wake-ups."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from catalog import stock
from catalog.stock import Want
from kit.errors import Problem
from kit.ids import outside
from kit.outbox import Outbox
from kit.statements import Query, insert, send
from trade.models import Order, Ordered, Purchase, PurchaseLine
from trade.planning import promise
from trade.routing.routing import PlannedPurchase, Take

_ELSEWHERE = """
    UPDATE purchases p SET recipient_id = r.recipient_id FROM address_requests r
    WHERE r.order_id = %(order)s AND r.state = 'asked' AND p.order_id = %(order)s
      AND p.state = 'ready' AND p.recipient_id <> r.recipient_id
"""
"""What nobody sends yet goes to the address that others are asked to send to."""
SUBMIT = "purchases.submit"
"""The outbox topic that wakes the submit drain; its key is the source."""


def buy(
    session: Session,
    order: Order,
    planned: Sequence[PlannedPurchase],
    freights: Sequence[int],
    line_ids: Mapping[int, int],
    now: datetime,
) -> list[int]:
    """Write the planned purchases of a locked order, ready to be submitted; returns their ids.

    `freights` are the fen that the leader pays for each, `line_ids` the order lines by plan key.
    Raises Problem 409 `out_of_stock` when stock went since it was planned, ValueError when it was
    not locked.
    """
    ids = new_ids(session, **counts(planned))
    bought = writes(order, planned, freights, line_ids, ids, now)
    send(session, *bought, (_ELSEWHERE, {"order": order.id}))
    return ids["purchases"]


def counts(planned: Sequence[PlannedPurchase]) -> dict[str, int]:
    """How many new ids `writes` needs, by table."""
    return {
        "purchases": len(planned),
        "purchase_lines": sum(len(purchase.takes) for purchase in planned),
    }


def writes(
    order: Ordered,
    planned: Sequence[PlannedPurchase],
    freights: Sequence[int],
    line_ids: Mapping[int, int],
    ids: Mapping[str, Sequence[int]],
    now: datetime,
) -> list[Query]:
    """What `buy` sends: purchases, their lines, the reservations of their units, the wake-ups."""
    take_ids = iter(ids["purchase_lines"])
    purchases, lines, wants = [], [], []
    for purchase_id, purchase, freight in zip(ids["purchases"], planned, freights, strict=True):
        purchases.append(_purchase(order, purchase_id, purchase, freight, now))
        for number, take in enumerate(purchase.takes, start=1):
            line_id = next(take_ids)
            lines.append(_line(purchase_id, line_id, number, line_ids[take.key], take))
            wants.append(Want(reservation(line_id), take.supply.offer_id, take.units))
    wakes = [{"topic": SUBMIT, "key": one} for one in sorted({p.source for p in planned})]
    return [
        insert(Purchase, purchases),
        insert(PurchaseLine, lines),
        stock.taking(wants, _region(planned, wants)),
        insert(Outbox, wakes),
    ]


def _region(planned: Sequence[PlannedPurchase], wants: Iterable[Want]) -> str:
    """Where the goods go, after one more look that what is wanted is there and locked."""
    supplies = {t.supply.offer_id: t.supply for purchase in planned for t in purchase.takes}
    levels = {offer: supply.stock for offer, supply in supplies.items() if supply.stock is not None}
    if stock.shortages(wants, levels):
        raise Problem(409, "out_of_stock", "the goods were sold a moment ago; order again")
    [region] = {supply.reserved_in for supply in supplies.values()}
    if region is None:
        raise ValueError("goods are bought only as planned under a lock of their stock")
    return region


def reservation(purchase_line_id: int) -> str:
    """The reference under which a purchase line's units are reserved."""
    return f"purchase_line:{purchase_line_id}"


def new_ids(session: Session, **counts: int) -> dict[str, list[int]]:
    """Ids of rows about to be written, by table, so that they can name one another."""
    [drawn] = send(
        session,
        (
            """
            SELECT t, nextval(pg_get_serial_sequence(t, 'id')) AS id
            FROM unnest(%s::text[], %s::int[]) AS x (t, n), generate_series(1, n)
            """,
            [list(counts), list(counts.values())],
        ),
    )
    ids: dict[str, list[int]] = {table: [] for table in counts}
    for table, row_id in drawn:
        ids[table].append(row_id)
    return ids


def _purchase(
    order: Ordered, purchase_id: int, planned: PlannedPurchase, freight: int, now: datetime
) -> dict[str, Any]:
    return {
        "id": purchase_id,
        "order_id": order.id,
        "party_id": order.party_id,
        "supplier_id": planned.takes[0].supply.supplier_id,
        "source": planned.source,
        "seller": planned.seller,
        "our_ref": outside("pur", purchase_id),
        "order_reference": order.reference,
        "recipient_id": order.recipient_id,
        "state": "ready",
        "due_at": now,
        "note": order.buyer_note,
        "freight_price": freight,
        "freight_cost": planned.freight,
        "ship_by": promise(planned, now),
        "created_at": now,
        "updated_at": now,
    }


def _line(
    purchase_id: int, line_id: int, number: int, order_line_id: int, take: Take
) -> dict[str, Any]:
    supply = take.supply
    return {
        "id": line_id,
        "purchase_id": purchase_id,
        "supplier_id": supply.supplier_id,
        "order_line_id": order_line_id,
        "line": number,
        "offer_id": supply.offer_id,
        "external_id": supply.external_id,
        "title": supply.title,
        "spec": supply.spec,
        "quantity": take.units,
        "unit_cost": supply.cost,
        "cost": take.cost,
    }
