"""A person's deletion request: what is known of a recipient is shredded, unless an order needs it.

A person is found by the keyed hash of the mobile number and named by the opened envelope, so that
somebody who shares the number keeps what is theirs. The region stays, which names nobody. What was
noted, said and shown for the person's orders goes with the envelope, and so do sheets of waybills
and of orders that name the person. All in system scope.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from kit.crypto import Keyring
from kit.errors import Problem
from kit.ids import outside
from kit.inbox import Inbox
from trade import recipients, shredding
from trade.after_sales.claim_states import OPEN
from trade.mentions import mentions
from trade.models import AddressRequest, Audit, Claim, Order, Purchase, Recipient
from trade.order_sheets import erasing
from trade.shredding import Shredded
from trade.states import UNFINISHED


@dataclass(frozen=True)
class Waiting:
    """An order that still needs the recipient, and why."""

    order: str
    reference: str
    status: str
    why: str


@dataclass
class Forgotten(Shredded):
    """What was done, what must wait, and how many other people have the same number."""

    others: int = 0
    waiting: list[Waiting] = field(default_factory=list)


def forget(session: Session, keyring: Keyring, name: str, mobile: str, now: datetime) -> Forgotten:
    """Shred what is known of `name` at `mobile`. Again finds what had to wait, or nothing."""
    done = Forgotten()
    gone: list[Recipient] = []
    for row in _found(session, keyring, mobile):
        opened = recipients.reveal(
            session, keyring, row.id, None, "deletion request", unsealing=True
        )
        if opened.name.strip() != name.strip():
            done.others += 1
        elif waits := _waits(session, row):
            done.waiting += waits
        else:
            gone.append(row)
    ids = [row.id for row in gone]
    asked = select(AddressRequest.purchase_id).where(
        AddressRequest.recipient_id.in_(ids) | AddressRequest.former_id.in_(ids)
    )
    theirs = Purchase.recipient_id.in_(ids) | Purchase.id.in_(asked)
    bought = select(Purchase.source).where(theirs).distinct()
    sources = session.scalars(bought).all()
    done = replace(done, **vars(shredding.shred(session, ids)))
    session.add_all([_noted(row, now) for row in gone])
    if not done.waiting:
        numbers = {number for number in _spellings(mobile) if number.isdecimal()}
        _erase_sheets(session, keyring, sources, numbers, now, done)
        done.sheets += erasing.erase(session, keyring, name, numbers, now)
    return done


def _found(session: Session, keyring: Keyring, mobile: str) -> Sequence[Recipient]:
    """Everybody with this number, however it was written and under whichever key it was hashed."""
    numbers = _spellings(mobile)
    hashes = [one for number in numbers for one in keyring.fingerprints(number, "mobile")]
    found = select(Recipient).where(Recipient.mobile_hash.in_(hashes))
    return session.scalars(found.order_by(Recipient.id).with_for_update()).all()


def _spellings(mobile: str) -> set[str]:
    digits = "".join(char for char in mobile if char.isdigit())
    bare = digits.removeprefix("86") if len(digits) == 13 else digits
    if not bare:
        raise Problem(422, "invalid", "mobile: write the number with its digits")
    return {mobile.strip(), digits, bare}


def _waits(session: Session, row: Recipient) -> list[Waiting]:
    bought = select(Purchase.order_id).where(Purchase.recipient_id == row.id)
    asked = select(AddressRequest.order_id).where(
        (AddressRequest.former_id == row.id)  # a sheet that has not gone out may name it
        | (AddressRequest.recipient_id == row.id) & (AddressRequest.state == "asked")
    )
    of_row = (Order.recipient_id == row.id) | Order.id.in_(bought) | Order.id.in_(asked)
    theirs = select(Order).where(of_row)
    waits = []
    for order in session.scalars(theirs.order_by(Order.id)).all():
        if why := _why(session, row, order):
            name = outside("ord", order.id)
            waits.append(Waiting(name, order.reference, order.status, why))
    return waits


def _why(session: Session, row: Recipient, order: Order) -> str | None:
    """Why what names people of this order may not be erased yet."""
    if row.hold is not None:
        return f"a legal hold is on it: {row.hold}"
    if order.status in UNFINISHED:
        return "goods are still to be sent to this address"
    is_open = select(Claim.id).where(Claim.order_id == order.id, Claim.state.in_(OPEN)).limit(1)
    return "a claim on this order is open" if session.scalar(is_open) else None


def _noted(row: Recipient, now: datetime) -> Audit:
    return Audit(
        party_id=row.party_id,
        actor="deletion request",
        action="recipient.forget",
        subject=f"recipient {row.id}",
        at=now,
    )


def _erase_sheets(
    session: Session,
    keyring: Keyring,
    sources: Iterable[str],
    numbers: Collection[str],
    now: datetime,
    done: Forgotten,
) -> None:
    """Empty the bodies of handled waybill sheets with these numbers, in rows without a waybill too;
    their digests stay."""
    for sender in (f"waybills:{source}" for source in sorted(sources)):
        sheets = session.scalars(select(Inbox).where(Inbox.sender == sender, Inbox.body != b""))
        for sheet in sheets:
            if not mentions(keyring.open(sheet.body, sender), numbers):
                continue
            letter = outside("ltr", sheet.id)
            if sheet.handled_at is None:
                why = "this supplier's sheet was not handled to its end: huopan replay"
                done.waiting.append(Waiting(letter, sender, "unhandled", why))
                continue
            sheet.body = b""
            done.sheets += 1
            session.add(
                Audit(
                    party_id=None,
                    actor="deletion request",
                    action="sheet.erase",
                    subject=f"inbox {sheet.id}",
                    at=now,
                )
            )
