"""A leader's sheet from the outside: upload it, look at it, answer what is asked, confirm it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from kit.crypto import Keyring
from kit.errors import FieldError, Problem
from kit.ids import inside, outside
from kit.money import yuan
from kit.outbox import say
from trade import places
from trade.desk import Desk
from trade.models import ImportedOrder, OrderImport
from trade.order_sheets import files, goods, placing
from trade.order_sheets.placing import IMPORT

KEPT = timedelta(days=90)
"""So long the file and its recipients are kept."""
PREFIX = "imp"

_COUNTS = text("""
    SELECT state, count(*) AS orders, sum(total) AS total FROM imported_orders
    WHERE import_id = :id GROUP BY state
""")
_TOLD = text("""
    SELECT state, reference, rows, lines, total, resembles, failure FROM imported_orders
    WHERE import_id = :id AND state IN ('asked', 'doubtful', 'failed', 'unsellable') ORDER BY id
""")

Suggest = Callable[[str], Sequence[Mapping[str, Any]]]
"""The best guesses for what a name of goods may mean."""


def upload(
    session: Session, desk: Desk, party_id: int, content: bytes, rows: int, now: datetime
) -> tuple[int, bool]:
    """Keep a sheet with so many `rows` of goods, as `rows.opened` counts them, to be read; its id
    and whether it is new. The same sheet again is the first."""
    before = session.scalars(
        select(OrderImport).where(
            OrderImport.party_id == party_id,
            OrderImport.digest.in_(_digests(desk.keyring, content)),
        )
    ).first()
    if before is not None and before.status not in ("expired", "failed"):
        return before.id, False
    row = before or _inserted(session, desk.keyring, party_id, content, rows)
    if row is None:  # the twin of this request was faster
        return upload(session, desk, party_id, content, rows, now)
    files.erase(session, row)
    files.keep(session, desk.keyring, row, content)
    row.status, row.failure = "reading", None
    row.expires_at, row.updated_at = now + KEPT, now
    say(session, IMPORT, str(row.id))
    return row.id, before is None


def _inserted(
    session: Session, keyring: Keyring, party_id: int, content: bytes, rows: int
) -> OrderImport | None:
    digest = _digests(keyring, content)[0]
    made = session.scalar(
        insert(OrderImport)
        .values(party_id=party_id, digest=digest, rows=rows)
        .on_conflict_do_nothing()
        .returning(OrderImport.id)
    )
    return None if made is None else session.get_one(OrderImport, made)


def _digests(keyring: Keyring, content: bytes) -> list[bytes]:
    """What tells that two files are the same, under each key of the ring."""
    return list(keyring.fingerprints(content.hex(), "order sheet"))


def view(
    session: Session,
    desk: Desk,
    party_id: int,
    name: str,
    *,
    suggest: Suggest = lambda _: (),
    reveals: bool = True,
) -> dict[str, Any]:
    """What became of a sheet so far. `reveals`: the reader may see what names a person.

    Raises Problem 404.
    """
    row = own(session, party_id, name)
    counts = {one.state: one for one in session.execute(_COUNTS, {"id": row.id})}
    told: dict[str, list[Any]] = {}
    for one in session.execute(_TOLD, {"id": row.id}):
        told.setdefault(one.state, []).append(one)
    rejects, asked = files.rejects(desk.keyring, row)
    read = row.status != "reading"
    total = sum(counts[x].total for x in ("ready", "queued", "placed") if x in counts)
    return {
        "id": outside(PREFIX, row.id),
        "status": "placing" if row.status == "confirmed" else row.status,
        "rows": row.rows,
        "hidden": row.hidden,
        "orders": sum(one.orders for one in counts.values()) if read else None,
        "total": yuan(int(total)) if read else None,
        "max_total": None if row.max_total is None else yuan(row.max_total),
        "placed": counts["placed"].orders if "placed" in counts else 0,
        "known": counts["known"].orders if "known" in counts else 0,
        "rejected": [_reject(asdict(one), reveals=reveals) for one in rejects],
        "needs_mapping": _asked(told.get("asked", []), suggest),
        "possible_duplicates": [_doubtful(one) for one in told.get("doubtful", [])],
        "ambiguous_addresses": [_place(one, reveals=reveals) for one in asked],
        "failed": [_failed(one) for one in [*told.get("failed", []), *told.get("unsellable", [])]],
        "failure": row.failure,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


def answer(
    session: Session,
    party_id: int,
    name: str,
    mappings: Mapping[str, str],
    regions: Mapping[str, str],
    now: datetime,
) -> None:
    """Remember what goods are called and where rows go; the sheet is read again.

    Raises Problem 404, 409 `in_progress`, 422 for a SKU, row or county that is none.
    """
    row = _locked(session, party_id, name)
    goods.tell(session, party_id, mappings, now)
    faults = [
        FieldError(f"regions.{line}", "invalid", "give the row's number and a GB/T 2260 code")
        for line, code in regions.items()
        if not line.isdecimal() or places.resolve(code) is None
    ]
    if faults:
        raise Problem(422, "invalid", "some regions are none", errors=faults)
    row.regions = {**row.regions, **regions}
    row.status, row.updated_at = "reading", now
    say(session, IMPORT, str(row.id))
    session.flush()


def confirm(
    session: Session,
    party_id: int,
    name: str,
    max_total: int,
    duplicates: Literal["skip", "order"] | Collection[str],
    now: datetime,
) -> None:
    """Place what is ready for at most `max_total` fen, all orders of the sheet together.

    `duplicates` says which of the possible ones are meant. What failed before is tried again;
    the same consent again changes nothing else. Raises Problem 404, 409 `in_progress`,
    `price_changed`, or `nothing_ready`.
    """
    now_at = own(session, party_id, name)
    if now_at.status in ("confirmed", "placing") and now_at.max_total == max_total:
        return
    row = _locked(session, party_id, name)
    _mean(session, row, duplicates)
    money = placing.spent(session, row.id)
    if not (money.ready or money.again):
        if row.status == "done" and money.spent <= max_total:
            return
        raise Problem(409, "nothing_ready", _nothing(session, row))
    row.max_total = max_total
    if money.spent + money.asked > max_total:
        raise Problem(
            409,
            "price_changed",
            placing.beyond(money.spent + money.asked, row),
            errors=[FieldError("max_total", "price_changed", "less than the orders cost")],
        )
    row.status, row.failure, row.updated_at = "confirmed", None, now
    say(session, IMPORT, str(row.id))
    session.flush()


def _mean(
    session: Session, row: OrderImport, duplicates: Literal["skip", "order"] | Collection[str]
) -> None:
    """Possible duplicates that the leader means all the same become ready."""
    if duplicates == "skip":
        return
    doubtful = select(ImportedOrder).where(
        ImportedOrder.import_id == row.id, ImportedOrder.state == "doubtful"
    )
    for one in session.scalars(doubtful):
        if duplicates == "order" or one.reference in duplicates:
            one.state, one.resembles = "ready", None
            row.again = [*row.again, one.reference]
    session.flush()


def _nothing(session: Session, row: OrderImport) -> str:
    states = select(ImportedOrder.state).where(ImportedOrder.import_id == row.id).distinct()
    waiting = set(session.scalars(states))
    if "asked" in waiting:
        return "goods of this sheet are not known yet; tell which SKUs needs_mapping stands for"
    if "doubtful" in waiting:
        return "its orders look like recent ones; confirm with duplicates = order if they are meant"
    return "no order of this sheet is left to be placed"


def own(session: Session, party_id: int, name: str) -> OrderImport:
    """A sheet of the party's own. Raises Problem 404."""
    row = session.get(OrderImport, inside(PREFIX, name))
    if row is None or row.party_id != party_id:
        raise Problem(404, "not_found", f"there is no sheet {name!r}")
    return row


def _locked(session: Session, party_id: int, name: str) -> OrderImport:
    own(session, party_id, name)
    found = select(OrderImport).where(OrderImport.id == inside(PREFIX, name))
    row = session.scalars(
        found.with_for_update(skip_locked=True).execution_options(populate_existing=True)
    ).one_or_none()
    if row is None or row.status in ("reading", "confirmed", "placing"):
        raise Problem(409, "in_progress", "the sheet is being worked on; ask again", retry_after=1)
    if row.status == "expired":
        raise Problem(410, "sheet_expired", "this sheet was kept for its time and is gone")
    if row.status == "failed":
        told = (row.failure or {}).get("detail", "it could not be read")
        raise Problem(409, "unreadable_sheet", f"{told}; send a corrected sheet")
    return row


def _asked(found: Sequence[Any], suggest: Suggest) -> list[dict[str, Any]]:
    rows: dict[str, list[int]] = {}
    for one in found:
        for line in one.lines:
            if line["sku"] is None:
                rows.setdefault(line["goods"], []).extend(line["rows"])
    return [
        {"code": name, "rows": len(lines), "first_row": min(lines), "suggestions": suggest(name)}
        for name, lines in rows.items()
    ]


def _reject(told: dict[str, Any], *, reveals: bool) -> dict[str, Any]:
    return told if reveals else told | {"value": "***"}


def _place(told: dict[str, Any], *, reveals: bool) -> dict[str, Any]:
    return {
        "row": told["row"],
        "address": told["address"] if reveals else "***",
        "candidates": [{"region": code, "name": spelled} for code, spelled in told["candidates"]],
    }


def _doubtful(one: Any) -> dict[str, Any]:
    like = one.resembles or {}
    return {
        "reference": one.reference,
        "rows": one.rows,
        "total": yuan(one.total),
        "why": like.get("why"),
        "order": like.get("order"),
        "order_reference": like.get("reference"),
        "placed_at": like.get("placed_at"),
    }


def _failed(one: Any) -> dict[str, Any]:
    why = one.failure or {}
    return {
        "reference": one.reference,
        "rows": one.rows,
        "code": why.get("code", "failed"),
        "message": why.get("detail", ""),
    }
