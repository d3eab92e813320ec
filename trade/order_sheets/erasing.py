"""A person who wants to be forgotten leaves no leader's sheet behind."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from kit.crypto import Keyring
from kit.ids import outside
from trade.mentions import mentions
from trade.models import Audit, ImportedOrder, OrderImport
from trade.order_sheets import files

_UNPLACED = ("asked", "doubtful", "unsellable", "ready", "queued", "failed")


def erase(
    session: Session, keyring: Keyring, name: str, numbers: Collection[str], now: datetime
) -> int:
    """Erase every sheet that names this person at one of these numbers; returns how many.

    Orders of the person that were not placed are left out for good; the others of such a sheet
    stay, without the file that they came in.
    """
    erased = 0
    kept = select(OrderImport).where(OrderImport.expires_at.is_not(None)).order_by(OrderImport.id)
    for row in session.scalars(kept.with_for_update()):
        if not mentions(files.content(session, keyring, row), numbers, name):
            continue
        _leave_out(session, keyring, row, name, numbers)
        files.erase(session, row)
        erased += 1
        session.add(
            Audit(
                party_id=row.party_id,
                actor="deletion request",
                action="order_import.erase",
                subject=outside("imp", row.id),
                at=now,
            )
        )
    return erased


def _leave_out(
    session: Session, keyring: Keyring, row: OrderImport, name: str, numbers: Collection[str]
) -> None:
    orders = select(ImportedOrder).where(ImportedOrder.import_id == row.id)
    for order in session.scalars(orders):
        to, _ = files.person(keyring, row.id, order.sealed)
        digits = "".join(c for c in to.mobile if c.isdigit())
        if to.name.strip() != name.strip() or not any(number in digits for number in numbers):
            continue
        order.sealed = order.mobile_hash = b""
        if order.state in _UNPLACED:
            order.state = "failed"
            order.failure = {"code": "recipient_forgotten", "detail": "at the person's own request"}
    session.flush()
