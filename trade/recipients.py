"""Recipients as sealed envelopes; each opening, by a person or for a platform, is logged with its
purpose."""

from collections.abc import Collection
from typing import Any, Literal

import orjson
from sqlalchemy.orm import Session

from connectors.model import ShipTo
from kit.crypto import Keyring
from kit.errors import Problem
from kit.statements import insert, send
from trade import towns
from trade.models import Recipient, RecipientOpening

_CONTEXT = "recipient"

Use = Literal["order", "quote", "signup"]
"""What a recipient is kept for."""


def seal(
    session: Session, keyring: Keyring, party_id: int, ship_to: ShipTo, kept_for: Use = "order"
) -> int:
    """Keep `ship_to` for `party_id`; returns the recipient's id."""
    row = Recipient(**sealed(keyring, party_id, ship_to), kept_for=kept_for)
    session.add(row)
    session.flush()
    return row.id


def sealed(keyring: Keyring, party_id: int, ship_to: ShipTo) -> dict[str, Any]:
    """A row of recipients, but for its id."""
    clear = [ship_to.name, ship_to.mobile, ship_to.region, ship_to.address]
    return {
        "party_id": party_id,
        "envelope": keyring.seal(orjson.dumps(clear), _CONTEXT),
        "mask": {
            "name": ship_to.name[:1] + "**",
            "mobile": f"{ship_to.mobile[:3]}****{ship_to.mobile[-4:]}",
            "region": ship_to.region,
            "address": "***",
        },
        "region": ship_to.region,
        **_hashes(keyring, ship_to),
    }


def hashes(keyring: Keyring, opened: bytes) -> dict[str, bytes]:
    """What a recipient is found by unopened, under the current key, from the envelope's content."""
    return _hashes(keyring, _read(opened))


def mobile_hashes(keyring: Keyring, row: Recipient) -> tuple[bytes, ...]:
    """The hashes that the recipient's number may be kept under; none of one who was shredded.

    While the ring has former keys the envelope is read for it, as rotation reads it for `hashes`:
    nobody is told the number, so that is no opening. Raises CannotOpen.
    """
    if not row.envelope:
        return ()
    if not keyring.previous:
        return (row.mobile_hash,)
    return keyring.fingerprints(_read(keyring.open(row.envelope, _CONTEXT)).mobile, "mobile")


def place(keyring: Keyring, row: Recipient) -> ShipTo:
    """Where the recipient lives, for whoever decides by it: the envelope is read and nobody is told
    it, so that is no opening. Of one who was shredded the district alone. Raises CannotOpen."""
    if not row.envelope:
        return ShipTo("", "", row.region, "")
    return _read(keyring.open(row.envelope, _CONTEXT))


def reveal(
    session: Session,
    keyring: Keyring,
    recipient_id: int,
    by: int | None,
    purpose: str,
    *,
    unsealing: bool = False,
) -> ShipTo:
    """The recipient in clear, with the opening logged; `unsealing` one that is sealed by its age.

    Raises CannotOpen; Problem 410 for a recipient who was shredded, 403 for one who is sealed.
    """
    row = session.get_one(Recipient, recipient_id)
    if not row.envelope:
        raise forgotten()
    if row.sealed_at is not None and not unsealing:
        raise Problem(
            403,
            "recipient_sealed",
            "these details are sealed by their age; an operator can open them for a purpose",
        )
    session.add(RecipientOpening(recipient_id=recipient_id, party_id=by, purpose=purpose))
    return _read(keyring.open(row.envelope, _CONTEXT))


def reveal_many(
    session: Session, keyring: Keyring, recipient_ids: Collection[int], by: int | None, purpose: str
) -> dict[int, ShipTo]:
    """Recipients in clear by id, each opening logged; whoever is shredded or sealed is left out."""
    query = """SELECT id, envelope FROM recipients
               WHERE id = ANY(%s) AND sealed_at IS NULL AND envelope <> ''"""
    [rows] = send(session, (query, [sorted(set(recipient_ids))]))
    found = {row.id: row.envelope for row in rows}
    if found:
        opened = [{"recipient_id": one, "party_id": by, "purpose": purpose} for one in found]
        send(session, insert(RecipientOpening, opened))
    return {
        recipient_id: _read(keyring.open(envelope, _CONTEXT))
        for recipient_id, envelope in found.items()
    }


def forgotten() -> Problem:
    """What is answered where a recipient was shredded."""
    return Problem(
        410,
        "recipient_forgotten",
        "this recipient was erased, at the person's own request or because its time was over",
    )


def same(keyring: Keyring, row: Recipient, to: ShipTo) -> bool:
    """Whether `row` is `to`, by its hashes: nobody's envelope is opened."""
    return (
        towns.stated(row.region, to.address) == towns.stated(to.region, to.address)
        and row.mobile_hash in keyring.fingerprints(to.mobile, "mobile")
        and row.address_hash in keyring.fingerprints(f"{to.name}|{to.address}", "address")
    )


def can_be_opened(row: Recipient) -> bool:
    """Whether the recipient is neither shredded nor sealed by its age."""
    return bool(row.envelope) and row.sealed_at is None


def _read(opened: bytes) -> ShipTo:
    return ShipTo(*orjson.loads(opened))


def _hashes(keyring: Keyring, to: ShipTo) -> dict[str, bytes]:
    return {
        "mobile_hash": keyring.fingerprint(to.mobile, "mobile"),
        "address_hash": keyring.fingerprint(f"{to.name}|{to.address}", "address"),
    }
