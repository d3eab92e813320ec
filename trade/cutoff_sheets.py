"""Sheets to suppliers at cut-off: make → write (a transaction each) → send (none open) → settle.

A sheet is made once for each cut-off, of what no sheet holds yet; a purchase can be in one only,
by its key, and so can the goods that are sent again for a claim. What may have arrived is sent
again byte for byte under the same name, never as another sheet; what has not left for certain is
written anew, see `SupplierSheet.body`. A sheet that could not be sent within its tries is a case
for a person.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import literal, select, text, union_all, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from connectors.errors import OutcomeUnknown, SupplierError
from connectors.model import Source
from connectors.trading import OutgoingSheet, TakesSheets
from kit import clock, log
from kit.crypto import Keyring
from kit.db import Database
from kit.errors import Problem
from kit.outbox import say
from trade import sheets
from trade.desk import Desk
from trade.models import AddressRequest, Claim, Purchase, SheetClaim, SheetPurchase, SupplierSheet
from trade.parcels.shipping import REPLACES
from trade.purchases import Supplier, lock, take_over
from trade.suppliers import supplier_of

SHEETS = "sheets.send"
"""The outbox topic that wakes the sender; its key is the source."""
CUTOFF = "16:00"
MOST = 5_000
"""Purchases of one sheet, and claims; what is beyond goes with the next one."""
LEASE = timedelta(minutes=5)
"""Well over the time that one attempt may take."""
WAITS = tuple(timedelta(minutes=m) for m in (1, 5, 15, 30, 60, 60, 120, 120, 240))
"""After each attempt that failed; after the last of them a person is told."""
KEPT = timedelta(days=90)
_AT_ONCE = 100
_TEXT = (
    "您好：\n\n附件是 {when} 截单的待发货采购单，共 {count} 单{again}。\n"
    "请发货后在最后两列填写快递公司、快递单号并回传。\n"
    "如收到两封同名邮件，是同一张表，请勿重复发货。\n"
)

ERASED = "somebody in it was erased since it may have arrived; ask its supplier"
"""Why a sheet can be sent no more: as it was it is gone, and another one could be a second."""

logger = log.get(__name__)


@dataclass(frozen=True)
class Claimed:
    """A sheet that is ours to send until the lease ends."""

    sheet_id: int
    source: str
    lease: str
    sheet: OutgoingSheet


def last_cutoff(cutoff: str | None, now: datetime) -> datetime:
    """The latest moment that was `cutoff` (like 16:00) in Shanghai."""
    hour, minute = map(int, (cutoff or CUTOFF).split(":"))
    here = now.astimezone(clock.SHANGHAI)
    moment = here.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return moment if moment <= here else moment - timedelta(days=1)


def make_due(session: Session, desk: Desk, now: datetime) -> int:
    """Make the sheet of every source whose cut-off has come and has none; returns how many hold
    something. Of a source with more than a sheet holds, the rest waits for the next cut-off."""
    made = 0
    for source, terms in sorted(desk.sources.items()):
        if terms.send_to:
            made += _make(session, desk, source, last_cutoff(terms.cutoff, now), now)
    return made


def _make(session: Session, desk: Desk, source: str, cutoff_at: datetime, now: datetime) -> bool:
    supplier = supplier_of(session, source)
    sheet_id = session.scalar(
        insert(SupplierSheet)
        .values(
            source=source,
            supplier_id=supplier.party_id,
            cutoff_at=cutoff_at,
            state="empty",
            purchases=0,
            body=b"",
            created_at=now,
        )
        .on_conflict_do_nothing()
        .returning(SupplierSheet.id)
    )
    if sheet_id is None:
        return False
    bought = _bought(session, supplier, sheet_id)
    again = _again(session, supplier, sheet_id)
    if not bought and not again:
        return False
    row = session.get_one(SupplierSheet, sheet_id, populate_existing=True)
    row.purchases, row.replacements = len(bought), len(again)
    row.state, row.due_at = "made", now
    say(session, SHEETS, source)
    session.flush()
    return True


_TAKE = text("""
    INSERT INTO sheet_purchases (purchase_id, sheet_id, supplier_id)
    SELECT id, :sheet, supplier_id FROM (
        SELECT p.id, p.supplier_id FROM purchases p
        WHERE p.source = :source AND p.state = 'submitted'
          AND NOT EXISTS (SELECT FROM sheet_purchases s WHERE s.purchase_id = p.id)
        ORDER BY p.order_id, p.id LIMIT :most FOR UPDATE OF p) waiting
    ON CONFLICT DO NOTHING RETURNING purchase_id
""")


def _bought(session: Session, supplier: Supplier, sheet_id: int) -> list[int]:
    """Purchases that the supplier was told of by nobody yet, now in this sheet."""
    asked = {"sheet": sheet_id, "source": supplier.source, "most": MOST}
    return sorted(session.scalars(_TAKE, asked))


def _again(session: Session, supplier: Supplier, sheet_id: int) -> list[int]:
    """Claims that wait for a parcel and that no sheet told of yet, now in this one."""
    waiting = (
        select(Claim.id, literal(sheet_id), Claim.supplier_id)
        .join(Purchase, Purchase.id == Claim.purchase_id)
        .where(
            Purchase.source == supplier.source,
            REPLACES,
            ~select(SheetClaim).where(SheetClaim.claim_id == Claim.id).exists(),
        )
        .order_by(Claim.order_id, Claim.id)
        .limit(MOST)
        .with_for_update(of=Claim)
    )
    columns = ["claim_id", "sheet_id", "supplier_id"]
    taken = insert(SheetClaim).from_select(columns, waiting).on_conflict_do_nothing()
    return sorted(session.scalars(taken.returning(SheetClaim.claim_id)))


def due(session: Session, now: datetime) -> list[str]:
    """Sources with a sheet to send, or to write down: the sweeper's question."""
    found = select(SupplierSheet.source).where(
        SupplierSheet.state.in_(("made", "sending", "sent")), SupplierSheet.due_at <= now
    )
    return list(session.scalars(found.distinct()))


def drain(
    db: Database, desk: Desk, source: str, opened: Callable[[str], Source], until: datetime
) -> None:
    """Send what is due of one source; may run any number of times at once, and be killed."""
    while clock.now() < until:
        with db.as_system() as session:
            claimed = claim(session, desk, source, clock.now())
        if claimed is None:
            break
        error = _talk(opened(source), claimed)
        with db.as_system() as session:
            settle(session, claimed, error, clock.now())
    while clock.now() < until and _taken_over(db, desk, source):
        continue


def claim(session: Session, desk: Desk, source: str, now: datetime) -> Claimed | None:
    """The oldest sheet that is due, written for this attempt; ours alone until its lease ends."""
    row = session.scalars(
        select(SupplierSheet)
        .where(
            SupplierSheet.source == source,
            SupplierSheet.state.in_(("made", "sending")),
            SupplierSheet.due_at <= now,
        )
        .order_by(SupplierSheet.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).one_or_none()
    if row is None:
        return None
    if row.state == "sending":  # whoever sent it has not come back
        row.may_have_left = True
    if row.may_have_left and not row.body:
        row.state, row.failure = "failed", ERASED
        return None
    if row.attempts > len(WAITS):  # every attempt ended with its worker
        row.state, row.failure = "failed", row.failure or "it broke off at every attempt"
        return None
    if not row.may_have_left and not _written(session, desk, row):
        row.state, row.body, row.failure = "empty", b"", None
        return None
    row.state, row.lease, row.due_at = "sending", uuid4().hex, now + LEASE
    row.attempts += 1
    session.flush()
    return Claimed(row.id, source, row.lease, _outgoing(desk.keyring, row))


def _written(session: Session, desk: Desk, row: SupplierSheet) -> bool:
    """Write a sheet with what is still to be sent of all that is in it; whether there is any."""
    bought = select(SheetPurchase.purchase_id).where(SheetPurchase.sheet_id == row.id)
    again = (
        select(SheetClaim.claim_id)
        .join(Claim, Claim.id == SheetClaim.claim_id)
        .where(SheetClaim.sheet_id == row.id, REPLACES)
    )
    whole = sheets.written(
        session,
        desk,
        supplier_of(session, row.source),
        session.scalars(bought.order_by(SheetPurchase.purchase_id)).all(),
        session.scalars(again).all(),
    )
    row.purchases, row.replacements = whole.purchases, whole.claims
    row.body = desk.keyring.seal(whole.content, _context(row))
    return whole.purchases + whole.claims > 0


def _outgoing(keyring: Keyring, row: SupplierSheet) -> OutgoingSheet:
    when = row.cutoff_at.astimezone(clock.SHANGHAI)
    said = f"{when:%Y-%m-%d %H:%M}"
    again = f"，补发换货 {row.replacements} 单" if row.replacements else ""
    return OutgoingSheet(
        reference=f"sheet-{row.id}-{row.created_at.timestamp():.0f}",
        name=f"huopan-{row.source}-{when:%Y%m%d-%H%M}.xlsx",
        subject=f"待发货 {said} {row.source} 共 {row.purchases} 单{again}",
        text=_TEXT.format(when=said, count=row.purchases, again=again),
        content=keyring.open(row.body, _context(row)),
        at=row.created_at,
    )


def _talk(source: Source, claimed: Claimed) -> SupplierError | None:
    if not isinstance(source, TakesSheets):
        raise Problem(409, "takes_no_sheets", f"source {claimed.source} is sent no sheets")
    try:
        source.deliver(claimed.sheet)
    except SupplierError as error:
        logger.warning("sheet_not_sent", sheet=claimed.sheet_id, code=error.code)
        return error
    return None


def settle(session: Session, claimed: Claimed, error: SupplierError | None, now: datetime) -> None:
    """Write down what came of an attempt, unless its lease was lost meanwhile."""
    row = session.get_one(SupplierSheet, claimed.sheet_id, with_for_update=True)
    if row.state != "sending" or row.lease != claimed.lease:
        return
    row.lease = None
    row.may_have_left |= error is None or isinstance(error, OutcomeUnknown)
    if error is None:
        row.state, row.sent_at, row.due_at, row.failure = "sent", now, now, None
        return
    row.failure = error.message[:500]
    if row.attempts > len(WAITS):
        row.state = "failed"
        return
    row.state = "sending" if isinstance(error, OutcomeUnknown) else "made"
    row.due_at = now + WAITS[row.attempts - 1]


def erase(session: Session, recipient_ids: Collection[int]) -> int:
    """Empty the sheets that name recipients who are erased; returns how many."""
    before = select(AddressRequest.purchase_id).where(AddressRequest.former_id.in_(recipient_ids))
    theirs = Purchase.recipient_id.in_(recipient_ids) | Purchase.id.in_(before)
    named = union_all(
        select(SheetPurchase.sheet_id)
        .join(Purchase, Purchase.id == SheetPurchase.purchase_id)
        .where(theirs),
        select(SheetClaim.sheet_id)
        .join(Claim, Claim.id == SheetClaim.claim_id)
        .join(Purchase, Purchase.id == Claim.purchase_id)
        .where(theirs),
    )
    emptied = session.execute(
        update(SupplierSheet)
        .where(SupplierSheet.id.in_(named), SupplierSheet.body != b"")
        .values(body=b"")
    )
    return int(emptied.rowcount)  # type: ignore[attr-defined]


def _taken_over(db: Database, desk: Desk, source: str) -> bool:
    """Some purchases of a sheet that was sent count as taken, where the terms say so; whether
    there may be more."""
    with db.as_system() as session:
        row = session.scalars(
            select(SupplierSheet)
            .where(SupplierSheet.source == source, SupplierSheet.state == "sent")
            .order_by(SupplierSheet.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        ).one_or_none()
        if row is None:
            return False
        waiting = session.execute(
            select(Purchase.order_id, Purchase.id)
            .join(SheetPurchase, SheetPurchase.purchase_id == Purchase.id)
            .where(SheetPurchase.sheet_id == row.id, Purchase.state == "submitted")
            .order_by(Purchase.order_id, Purchase.id)
            .limit(_AT_ONCE)
        ).all()
        if not waiting or desk.terms(source).accept != "on_export":
            row.state = "done"
            return True
        now = row.sent_at or clock.now()
        for order_id, purchase_id in waiting:
            found = lock(session, order_id, purchase_id)
            if found.purchase.state == "submitted":
                take_over(session, found, now)
        return True


def prune(session: Session, now: datetime, most: int = 100) -> int:
    """Empty sheets that were sent long ago; returns how many."""
    old = session.scalars(
        select(SupplierSheet)
        .where(SupplierSheet.body != b"", SupplierSheet.sent_at < now - KEPT)
        .limit(most)
        .with_for_update(skip_locked=True)
    ).all()
    for row in old:
        row.body = b""
    session.flush()
    return len(old)


def _context(row: SupplierSheet) -> str:
    return f"supplier sheet:{row.source}:{row.id}"
