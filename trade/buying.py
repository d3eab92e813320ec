"""Writing down what a plan decided: purchases, their lines, their stock, and the wake-ups."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from catalog import stock
from catalog.stock import Want
from kit.errors import Problem
from kit.ids import outside
from kit.outbox import say
from trade.models import Order, Party, Purchase, PurchaseLine
from trade.planning import promise
from trade.routing import PlannedPurchase, Take

SUBMIT = "purchases.submit"
"""The outbox topic that wakes the submit drain; its key is the source."""


def buy(
    session: Session,
    order: Order,
    planned: Sequence[PlannedPurchase],
    freights: Sequence[int],
    line_ids: Mapping[int, int],
    region: str,
    now: datetime,
) -> None:
    """Write the planned purchases of a locked or new order, ready to be submitted.

    `freights` are the fen that the leader pays for each, `line_ids` the order lines by plan key.
    Raises Problem 409 `out_of_stock` when stock went since it was planned; it must be planned under
    `stock.lock` to be sure.
    """
    takes = [take for purchase in planned for take in purchase.takes]
    ids = new_ids(session, purchases=len(planned), purchase_lines=len(takes))
    take_ids = iter(ids["purchase_lines"])
    suppliers = _suppliers(session, {purchase.source for purchase in planned})
    wants = []
    for purchase_id, purchase, freight in zip(ids["purchases"], planned, freights, strict=True):
        row = _purchase(order, purchase_id, purchase, freight, now)
        row.supplier_id = suppliers.get(purchase.source)
        session.add(row)
        for number, take in enumerate(purchase.takes, start=1):
            line = _line(row, next(take_ids), number, line_ids[take.key], take)
            session.add(line)
            wants.append(Want(reservation(line.id), line.offer_id, line.quantity))
    if stock.reserve(session, wants, region):
        raise Problem(409, "out_of_stock", "the goods were sold a moment ago; order again")
    for source in sorted({purchase.source for purchase in planned}):
        say(session, SUBMIT, source)


def reservation(purchase_line_id: int) -> str:
    """The reference under which a purchase line's units are reserved."""
    return f"purchase_line:{purchase_line_id}"


def new_ids(session: Session, **counts: int) -> dict[str, list[int]]:
    """Ids of rows about to be written, by table, so that they can name one another in one flush."""
    drawn = session.execute(
        text("""
            SELECT t, nextval(pg_get_serial_sequence(t, 'id')) AS id
            FROM unnest(CAST(:tables AS text[]), CAST(:counts AS int[])) AS x (t, n),
                 generate_series(1, n)
        """),
        {"tables": list(counts), "counts": list(counts.values())},
    )
    ids: dict[str, list[int]] = {table: [] for table in counts}
    for table, row_id in drawn:
        ids[table].append(row_id)
    return ids


def _suppliers(session: Session, sources: Iterable[str]) -> dict[str, int]:
    rows = session.execute(
        select(Party.source, Party.id)
        .where(Party.source.in_(sorted(sources)), Party.role == "brand", Party.active)
        .order_by(Party.id.desc())
    )
    return {source: party_id for source, party_id in rows if source is not None}


def _purchase(
    order: Order, purchase_id: int, planned: PlannedPurchase, freight: int, now: datetime
) -> Purchase:
    return Purchase(
        id=purchase_id,
        order_id=order.id,
        party_id=order.party_id,
        source=planned.source,
        seller=planned.seller,
        our_ref=outside("pur", purchase_id),
        order_reference=order.reference,
        recipient_id=order.recipient_id,
        state="ready",
        due_at=now,
        attempts=0,
        external_refs=[],
        note=order.buyer_note,
        freight_price=freight,
        freight_cost=planned.freight,
        ship_by=promise(planned, now),
        created_at=now,
        updated_at=now,
    )


def _line(
    purchase: Purchase, line_id: int, number: int, order_line_id: int, take: Take
) -> PurchaseLine:
    assert take.supply.cost is not None  # noqa: S101 - only offers with a price are taken
    return PurchaseLine(
        id=line_id,
        purchase_id=purchase.id,
        supplier_id=purchase.supplier_id,
        order_line_id=order_line_id,
        line=number,
        offer_id=take.supply.offer_id,
        external_id=take.supply.external_id,
        title=take.supply.title,
        spec=take.supply.spec,
        quantity=take.units,
        unit_cost=take.supply.cost,
        cost=take.cost,
    )
