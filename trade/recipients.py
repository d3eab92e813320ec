"""Recipients as sealed envelopes; each opening is logged with its purpose."""

from collections.abc import Collection
from typing import Any

import orjson
from sqlalchemy.orm import Session

from connectors.model import ShipTo
from kit.crypto import Keyring
from kit.errors import Problem
from kit.statements import insert, send
from trade.models import Recipient, RecipientOpening

_CONTEXT = "recipient"


def seal(session: Session, keyring: Keyring, party_id: int, ship_to: ShipTo) -> int:
    """Keep `ship_to` for `party_id`; returns the recipient's id."""
    row = Recipient(**sealed(keyring, party_id, ship_to))
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


def reveal(
    session: Session, keyring: Keyring, recipient_id: int, by: int | None, purpose: str
) -> ShipTo:
    """The recipient in clear, with the opening logged. Raises CannotOpen, or Problem 410 for a
    recipient who was shredded."""
    row = session.get_one(Recipient, recipient_id)
    if is_shredded(row):
        raise forgotten()
    session.add(RecipientOpening(recipient_id=recipient_id, party_id=by, purpose=purpose))
    return _read(keyring.open(row.envelope, _CONTEXT))


def reveal_many(
    session: Session, keyring: Keyring, recipient_ids: Collection[int], by: int | None, purpose: str
) -> dict[int, ShipTo]:
    """Recipients in clear by id, each opening logged; those who were shredded are left out."""
    query = "SELECT id, envelope FROM recipients WHERE id = ANY(%s)"
    [rows] = send(session, (query, [sorted(set(recipient_ids))]))
    found = {row.id: row.envelope for row in rows if row.envelope}
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
        410, "recipient_forgotten", "this recipient was deleted at the person's own request"
    )


def is_shredded(row: Recipient) -> bool:
    """Whether nothing is known of the recipient any more."""
    return not row.envelope


def shred(row: Recipient) -> None:
    """Leave nothing of a recipient but the region, by which no person is known."""
    row.envelope = row.mobile_hash = row.address_hash = b""
    row.mask = {"name": "***", "mobile": "***", "region": row.region, "address": "***"}


def _read(opened: bytes) -> ShipTo:
    return ShipTo(*orjson.loads(opened))


def _hashes(keyring: Keyring, to: ShipTo) -> dict[str, bytes]:
    return {
        "mobile_hash": keyring.fingerprint(to.mobile, "mobile"),
        "address_hash": keyring.fingerprint(f"{to.name}|{to.address}", "address"),
    }
