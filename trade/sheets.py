"""The sheet a supplier works from: open purchases as XLSX, every cell text, so that nothing in it
is ever a formula and no waybill number is rounded."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from connectors.model import ShipTo
from kit.ids import outside
from trade import address_requests, places, recipients
from trade.desk import Desk
from trade.models import Claim, ClaimLine, Purchase, PurchaseLine
from trade.parcels.shipping import RECALLED, REPLACES
from trade.purchases import Supplier, lines_of, lock, take_over
from trade.refusal import open_units
from trade.workbooks import workbook

COLUMNS = (
    ("采购单号", 18),
    ("订单号", 20),
    ("收件人", 10),
    ("电话", 16),
    ("地址", 50),
    ("商品编码", 16),
    ("商品名称", 36),
    ("规格", 20),
    ("数量", 6),
    ("备注", 20),
    ("快递公司", 12),
    ("快递单号", 22),
)
"""Header and width; the last two are for the supplier to fill in."""

AGAIN = {"reissue": "【补发】", "exchange": "【换货】"}
"""The note of goods that go out in the place of others."""
KEPT = {"reissue": "【补发已取消，请勿发货】", "exchange": "【换货已取消，请勿发货】"}
"""The note of goods that were to go out so, and are not to any more."""

READDRESSED = "【买家申请改地址，请先确认】"
"""The note of a purchase that another address is asked for: its row has the former one."""


class Written(NamedTuple):
    """A sheet as XLSX, and how many purchases and claims are in it."""

    content: bytes
    purchases: int
    claims: int


SHOWN = ("submitted", "accepted", "partly_shipped")


def export(
    session: Session, desk: Desk, supplier: Supplier, now: datetime, *, limit: int = 5000
) -> Written:
    """Every purchase that waits to be sent, oldest first, then what is sent again for claims, or is
    not to be any more though a sheet says so, as an XLSX file.

    Recipients are opened for it, each opening logged. Where the source's terms say
    `accept = "on_export"`, what is exported is accepted by it. Runs in system scope.
    """
    rows = session.execute(
        select(Purchase.order_id, Purchase.id)
        .where(Purchase.source == supplier.source, Purchase.state.in_(SHOWN))
        .order_by(Purchase.order_id, Purchase.id)
        .limit(limit)
    ).all()
    if desk.terms(supplier.source).accept == "on_export":
        for order_id, purchase_id in rows:
            found = lock(session, order_id, purchase_id)
            if found.purchase.state == "submitted":
                take_over(session, found, now)
    session.flush()
    claims = session.scalars(
        select(Claim.id)
        .join(Purchase, Purchase.id == Claim.purchase_id)
        .where(Purchase.source == supplier.source, REPLACES | RECALLED)
        .order_by(Claim.id)
        .limit(limit - len(rows))
    ).all()
    bought = [purchase_id for _, purchase_id in rows]
    return written(session, desk, supplier, bought, claims)


def written(
    session: Session,
    desk: Desk,
    supplier: Supplier,
    purchase_ids: Sequence[int],
    claim_ids: Sequence[int],
) -> Written:
    """What is still to be sent of these purchases, in this order, then for these claims, as an XLSX
    file; recipients are opened for it, each opening logged. Whoever was forgotten is left out."""
    first = _first(session, desk, supplier, purchase_ids)
    again = _again(session, desk, supplier, claim_ids)
    content = workbook("待发货", COLUMNS, first + again)
    return Written(content, len({row[0] for row in first}), len({row[0] for row in again}))


def _again(
    session: Session, desk: Desk, supplier: Supplier, claim_ids: Sequence[int]
) -> list[list[str]]:
    """Rows of goods that go out in the place of others, under the claims' own ids."""
    found = session.execute(
        select(Claim, ClaimLine, Purchase, PurchaseLine)
        .join(Purchase, Purchase.id == Claim.purchase_id)
        .join(ClaimLine, ClaimLine.claim_id == Claim.id)
        .join(PurchaseLine, PurchaseLine.id == ClaimLine.purchase_line_id)
        .where(Claim.id.in_(claim_ids))
        .order_by(Claim.id, PurchaseLine.line)
    ).all()
    to = {purchase.recipient_id for _, _, purchase, _ in found}
    people = recipients.reveal_many(session, desk.keyring, to, supplier.party_id, "export")
    return [
        [
            outside("clm", claim.id),
            *_row(purchase, people[purchase.recipient_id], line, asked.quantity)[1:-3],
            (AGAIN if claim.recall is None else KEPT)[claim.kind],
            "",
            "",
        ]
        for claim, asked, purchase, line in found
        if purchase.recipient_id in people
    ]


def _first(
    session: Session, desk: Desk, supplier: Supplier, purchase_ids: Sequence[int]
) -> list[list[str]]:
    """Rows of purchases, as far as they have not left."""
    lines = lines_of(session, purchase_ids)
    found = {
        purchase.id: purchase
        for purchase in session.scalars(select(Purchase).where(Purchase.id.in_(purchase_ids)))
        if purchase.state in SHOWN and open_units(lines[purchase.id])
    }
    to = {purchase.recipient_id for purchase in found.values()}
    people = recipients.reveal_many(session, desk.keyring, to, supplier.party_id, "export")
    asked = address_requests.at_door(session, list(found))
    return [
        _row(purchase, people[purchase.recipient_id], line, units, asked=purchase_id in asked)
        for purchase_id in purchase_ids
        if (purchase := found.get(purchase_id)) and purchase.recipient_id in people
        for line, units in open_units(lines[purchase_id])
    ]


def _row(
    purchase: Purchase, to: ShipTo, line: PurchaseLine, units: int, *, asked: bool = False
) -> list[str]:
    note = f"{READDRESSED if asked else ''}{purchase.note or ''}"
    if purchase.cancel_reason is not None:
        note = f"【买家申请取消，请先确认】{note}"
    return [
        purchase.our_ref,
        purchase.order_reference,
        to.name,
        to.mobile,
        places.whole(to.region, to.address),
        line.external_id,
        line.title,
        line.spec or "",
        str(units),
        note,
        "",
        "",
    ]
