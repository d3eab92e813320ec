"""The uploaded file and what was read from it, sealed; both go when their time is over."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from connectors.model import ShipTo
from kit.crypto import Keyring
from kit.errors import Problem
from trade.models import OrderImport, OrderImportPart
from trade.order_sheets.people import Open
from trade.order_sheets.rows import Reject

PART = 1024 * 1024
_FILE, _REJECTS, _PERSON = "order sheet", "order sheet rejects", "order sheet recipient"
_PRUNE = text("""
    WITH gone AS (
        SELECT id FROM order_imports WHERE expires_at < :now ORDER BY expires_at LIMIT :most
        FOR UPDATE SKIP LOCKED), emptied AS (
        UPDATE imported_orders o SET sealed = '', mobile_hash = '' FROM gone
        WHERE o.import_id = gone.id), dropped AS (
        DELETE FROM order_import_parts p USING gone WHERE p.import_id = gone.id)
    UPDATE order_imports i SET rejects = NULL, expires_at = NULL,
        status = CASE WHEN status = 'done' THEN status ELSE 'expired' END
    FROM gone WHERE i.id = gone.id
""")


def keep(session: Session, keyring: Keyring, row: OrderImport, content: bytes) -> None:
    """Keep the file of an import in sealed pieces."""
    for number, at in enumerate(range(0, len(content), PART)):
        body = keyring.seal(content[at : at + PART], _context(_FILE, row, number))
        session.add(
            OrderImportPart(import_id=row.id, number=number, party_id=row.party_id, body=body)
        )


def content(session: Session, keyring: Keyring, row: OrderImport) -> bytes:
    """The file as it was uploaded. Raises Problem 410 once it is gone."""
    parts = session.scalars(
        select(OrderImportPart)
        .where(OrderImportPart.import_id == row.id)
        .order_by(OrderImportPart.number)
    ).all()
    if not parts:
        raise Problem(410, "sheet_expired", "this sheet was kept for its time and is gone")
    return b"".join(keyring.open(one.body, _context(_FILE, row, one.number)) for one in parts)


def seal_rejects(
    keyring: Keyring, row: OrderImport, rejects: Sequence[Reject], places: dict[int, Open]
) -> bytes:
    """Rows that cannot be used, and addresses that are asked back, as one envelope."""
    told = [asdict(one) for one in rejects]
    asked = [
        {
            "row": line,
            "address": one.address,
            "candidates": [[c.code, c.spelled] for c in one.candidates],
        }
        for line, one in places.items()
    ]
    return keyring.seal(orjson.dumps([told, asked]), _context(_REJECTS, row))


def rejects(keyring: Keyring, row: OrderImport) -> tuple[list[Reject], list[dict[str, Any]]]:
    """What `seal_rejects` sealed; nothing once it is gone."""
    if row.rejects is None:
        return [], []
    told, asked = orjson.loads(keyring.open(row.rejects, _context(_REJECTS, row)))
    return [Reject(**one) for one in told], asked


def seal_person(keyring: Keyring, import_id: int, to: ShipTo, note: str) -> bytes:
    """A recipient and the note for the parcel."""
    said = [to.name, to.mobile, to.region, to.address, note]
    return keyring.seal(orjson.dumps(said), f"{_PERSON}:{import_id}")


def person(keyring: Keyring, import_id: int, sealed: bytes) -> tuple[ShipTo, str]:
    """What `seal_person` sealed. Raises CannotOpen."""
    *to, note = orjson.loads(keyring.open(sealed, f"{_PERSON}:{import_id}"))
    return ShipTo(*to), note


def erase(session: Session, row: OrderImport) -> None:
    """The file and what was read of it go now; that it was here stays."""
    session.execute(delete(OrderImportPart).where(OrderImportPart.import_id == row.id))
    row.rejects, row.expires_at = None, None
    session.flush()


def prune(session: Session, now: datetime, most: int = 50) -> int:
    """Remove the files whose time is over; returns of how many sheets."""
    gone = session.execute(_PRUNE, {"now": now, "most": most})
    return int(gone.rowcount)  # type: ignore[attr-defined]


def _context(what: str, row: OrderImport, number: int = 0) -> str:
    return f"{what}:{row.party_id}:{row.id}:{number}"
