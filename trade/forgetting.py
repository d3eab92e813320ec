"""A person's deletion request: what is known of a recipient is shredded, unless an order needs it.

A person is found by the keyed hash of the mobile number and named by the opened envelope, so that
somebody who shares the number keeps what is theirs. The region stays, which names nobody. Sheets of
waybills and of orders that name the person are erased too. All in system scope.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from kit.crypto import Keyring
from kit.errors import Problem
from kit.ids import outside
from kit.inbox import Inbox
from trade import cutoff_sheets, recipients
from trade.after_sales.claim_states import OPEN
from trade.models import Audit, Claim, Order, Purchase, Recipient, Signup
from trade.order_sheets import erasing
from trade.parcels.waybill_sheets import read

NEEDED = ("pending", "processing", "held", "partly_shipped")
"""Statuses of orders that still have something to send."""


@dataclass(frozen=True)
class Waiting:
    """An order that still needs the recipient, and why."""

    order: str
    reference: str
    status: str
    why: str


@dataclass
class Forgotten:
    """What was done: envelopes and sheets erased, what must wait, and how many other people have
    the same number."""

    recipients: int = 0
    sheets: int = 0
    others: int = 0
    waiting: list[Waiting] = field(default_factory=list)


def forget(session: Session, keyring: Keyring, name: str, mobile: str, now: datetime) -> Forgotten:
    """Shred what is known of `name` at `mobile`. Again finds what had to wait, or nothing."""
    done = Forgotten()
    sources: set[str] = set()
    for row in _found(session, keyring, mobile):
        opened = recipients.reveal(session, keyring, row.id, None, "deletion request")
        if opened.name.strip() != name.strip():
            done.others += 1
            continue
        orders = session.scalars(select(Order).where(Order.recipient_id == row.id)).all()
        waits = [wait for order in orders if (wait := _wait(session, order)) is not None]
        if waits:
            done.waiting += waits
            continue
        bought = select(Purchase.source).where(Purchase.recipient_id == row.id).distinct()
        sources.update(session.scalars(bought))
        recipients.shred(row)
        session.execute(update(Signup).where(Signup.recipient_id == row.id).values(note=""))
        done.recipients += 1
        done.sheets += cutoff_sheets.erase(session, row.id)
        session.add(_noted(row, now))
    if not done.waiting:
        done.sheets += _erase_sheets(session, keyring, sources, mobile, now)
        numbers = {number for number in _spellings(mobile) if number.isdecimal()}
        done.sheets += erasing.erase(session, keyring, name, numbers, now)
    return done


def _found(session: Session, keyring: Keyring, mobile: str) -> Sequence[Recipient]:
    """Everybody with this number, however it was written and under whichever key it was hashed."""
    rings = [Keyring(key) for key in (keyring.current, *keyring.previous)]
    hashes = [ring.fingerprint(number, "mobile") for ring in rings for number in _spellings(mobile)]
    found = select(Recipient).where(or_(*(Recipient.mobile_hash == one for one in hashes)))
    return session.scalars(found.order_by(Recipient.id).with_for_update()).all()


def _spellings(mobile: str) -> set[str]:
    digits = "".join(char for char in mobile if char.isdigit())
    bare = digits.removeprefix("86") if len(digits) == 13 else digits
    if not bare:
        raise Problem(422, "invalid", "mobile: write the number with its digits")
    return {mobile.strip(), digits, bare}


def _wait(session: Session, order: Order) -> Waiting | None:
    if order.status in NEEDED:
        why = "goods are still to be sent to this address"
    elif session.scalar(
        select(Claim.id).where(Claim.order_id == order.id, Claim.state.in_(OPEN)).limit(1)
    ):
        why = "a claim on this order is open"
    else:
        return None
    return Waiting(outside("ord", order.id), order.reference, order.status, why)


def _noted(row: Recipient, now: datetime) -> Audit:
    return Audit(
        party_id=row.party_id,
        actor="deletion request",
        action="recipient.forget",
        subject=f"recipient {row.id}",
        at=now,
    )


def _erase_sheets(
    session: Session, keyring: Keyring, sources: Iterable[str], mobile: str, now: datetime
) -> int:
    """Empty the bodies of handled waybill sheets with this number; their digests stay."""
    numbers = _spellings(mobile)
    erased = 0
    for sender in (f"waybills:{source}" for source in sorted(sources)):
        sheets = session.scalars(
            select(Inbox).where(
                Inbox.sender == sender, Inbox.handled_at.is_not(None), Inbox.body != b""
            )
        )
        for sheet in sheets:
            rows = read(keyring.open(sheet.body, sender)).rows
            if any(_spellings(row.mobile) & numbers for row in rows if row.mobile.strip()):
                sheet.body = b""
                erased += 1
                session.add(
                    Audit(
                        party_id=None,
                        actor="deletion request",
                        action="sheet.erase",
                        subject=f"inbox {sheet.id}",
                        at=now,
                    )
                )
    return erased
