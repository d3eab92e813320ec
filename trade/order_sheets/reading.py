"""Reading an uploaded sheet into orders: set-wise, and as often as it takes.

All of it is one transaction that holds the sheet's row. Orders that are placed, or queued to be,
stay as they are; the others are written anew, by what is known of goods and places by now.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from kit.clock import SHANGHAI
from kit.errors import Problem
from kit.ids import outside
from kit.money import price_text
from kit.statements import insert, send
from trade import asking, estimating, limits, planning
from trade.desk import Desk
from trade.models import ImportedOrder, Order, OrderImport
from trade.order_sheets import files, goods, grouping
from trade.order_sheets.grouping import Labels, Wanted
from trade.order_sheets.rows import Sheet, opened
from trade.order_sheets.rows import rows as read_rows
from trade.planning import MESSAGES, Draft, LineRequest, Resolved

RECENT = timedelta(days=7)
"""An order of the same SKU to the same number within this time may be the same order."""
AT_ONCE = 500
"""Orders written by one statement."""
SETTLED = ("placed", "known", "queued")

_RECENT = text("""
    SELECT DISTINCT r.mobile_hash, coalesce(l.bundle_sku, l.sku_id) AS sku_id,
           o.id, o.reference, o.created_at
    FROM recipients r JOIN orders o ON o.recipient_id = r.id
    JOIN order_lines l ON l.order_id = o.id
    WHERE r.mobile_hash = ANY(:mobiles) AND o.party_id = :party AND o.created_at > :since
      AND o.status <> 'cancelled' AND l.cancelled < l.quantity ORDER BY o.created_at DESC
""")


@dataclass(frozen=True)
class _Judged:
    """What is to be done with an order: its state, what it costs, and why not."""

    state: str
    total: int = 0
    resembles: dict[str, Any] | None = None
    failure: dict[str, Any] | None = None


def read(
    session: Session,
    desk: Desk,
    row: OrderImport,
    now: datetime,
    heard: Mapping[str, str] | None = None,
) -> None:
    """Bring the orders of a locked import up to its file, its answers and today's prices.

    `heard` says by reference why platforms that were asked do not sell an order.
    """
    try:
        sheet, _ = opened(files.content(session, desk.keyring, row))
    except Problem as problem:
        row.status, row.updated_at = "failed", now
        row.failure = {"code": problem.code, "detail": problem.detail}
        return
    row.hidden = sheet.hidden
    name = f"{row.created_at.astimezone(SHANGHAI):%y%m%d}-{row.digest.hex()[:6]}"
    told = {int(line): code for line, code in row.regions.items()}
    found = read_rows(sheet, name, told)
    known = goods.known(session, row.party_id, grouping.names(found.rows))
    apart, unclear = grouping.apart(found.rows, known, sheet.header.labels.get("quantity", "数量"))
    told_at = {one.line: one.reference for one in found.rows}
    broken = found.broken | {one.row: told_at[one.row] for one in unclear}
    wanted, more = grouping.orders(apart, broken, known, _labels(sheet), numbered=found.numbered)
    rejects = sorted([*found.rejects, *unclear, *more], key=lambda one: one.row)
    row.rejects = files.seal_rejects(desk.keyring, row, rejects, found.open)
    settled = _clear(session, row)
    fresh = [one for one in wanted if one.reference not in settled]
    _write(session, desk, row, fresh, _judge(session, desk, row, fresh, now, heard or {}))
    row.status, row.failure, row.quoted_at, row.updated_at = "ready", None, now, now


def _labels(sheet: Sheet) -> Labels:
    def word(*names: str) -> str:
        return next((sheet.header.labels[n] for n in names if n in sheet.header.labels), "")

    return Labels(
        reference=word("reference"),
        recipient=word("name", "ship_to", "phone", "address"),
        goods=word("code", "title"),
        retail=word("retail"),
        note=word("note"),
    )


def _clear(session: Session, row: OrderImport) -> set[str]:
    """Forget what was read before and is not settled; returns the references of what is."""
    session.execute(
        delete(ImportedOrder).where(
            ImportedOrder.import_id == row.id, ImportedOrder.state.not_in(SETTLED)
        )
    )
    left = select(ImportedOrder.reference).where(ImportedOrder.import_id == row.id)
    return set(session.scalars(left))


def _judge(
    session: Session,
    desk: Desk,
    row: OrderImport,
    wanted: Sequence[Wanted],
    now: datetime,
    heard: Mapping[str, str],
) -> list[_Judged]:
    ordered = set(
        session.scalars(
            select(Order.reference).where(
                Order.party_id == row.party_id,
                Order.reference.in_([one.reference for one in wanted]),
            )
        )
    )
    recent = _recent(session, desk, row, wanted, now)
    skus = {item.sku_id for one in wanted for item in one.items if item.sku_id is not None}
    prices = estimating.estimates(session, desk, row.party_id, skus, now)
    meant = set(row.again)
    judged = []
    for one in wanted:
        if one.asked:
            judged.append(_Judged("asked"))
        elif one.reference in ordered:  # placing finds out whether it is the same order
            judged.append(_Judged("ready"))
        else:
            draft = prices.draft(_lines(one), one.to.region)
            if desk.asks and draft.unsellable and draft.unsellable[0].code in asking.ASKED:
                draft = _as_told(session, desk, row.party_id, one, now)
            why = heard.get(one.reference)
            judged.append(_priced(one, draft, recent, why, meant=one.reference in meant))
    return judged


def _lines(one: Wanted) -> list[Resolved]:
    return [
        Resolved(at, item.sku_id, None, item.quantity, item.retail)
        for at, item in enumerate(one.items)
        if item.sku_id is not None
    ]


def _as_told(session: Session, desk: Desk, party_id: int, one: Wanted, now: datetime) -> Draft:
    """The order as it can be bought by what platforms said a short time ago."""
    lines = [LineRequest(x.quantity, outside("sku", x.sku_id)) for x in _lines(one)]
    return planning.load(session, desk, party_id, lines, one.to, now).latest()


def _priced(
    one: Wanted, draft: Draft, recent: "_Recent", why: str | None, *, meant: bool
) -> _Judged:
    if draft.unsellable:
        first = draft.unsellable[0]
        line = one.items[first.index]
        code = (why if first.code in asking.ASKED else None) or first.code
        failure = {"code": code, "detail": f"{line.goods}: {MESSAGES[code]}"}
        return _Judged("unsellable", failure=failure)
    resembles = None if meant else recent(one)
    return _Judged("doubtful" if resembles else "ready", draft.total, resembles)


class _Recent:
    """Recent orders by recipient and SKU."""

    def __init__(self, desk: Desk, rows: Iterable[Any]) -> None:
        self._desk = desk
        self._found: dict[tuple[bytes, int], dict[str, Any]] = {}
        for row in rows:
            told = {
                "why": "recent_order",
                "order": outside("ord", row.id),
                "reference": row.reference,
                "placed_at": row.created_at.isoformat(),
            }
            self._found.setdefault((bytes(row.mobile_hash), row.sku_id), told)

    def __call__(self, one: Wanted) -> dict[str, Any] | None:
        """What an order of the sheet resembles."""
        if one.repeated:
            return {"why": "repeated_row", "rows": list(one.repeated)}
        if not self._found:
            return None
        keys = limits.keyed(self._desk.keyring, one.to.mobile)
        for item in one.items:
            for key in keys:
                if item.sku_id is not None and (told := self._found.get((key, item.sku_id))):
                    return told if told["reference"] != one.reference else None
        return None


def _recent(
    session: Session, desk: Desk, row: OrderImport, wanted: Sequence[Wanted], now: datetime
) -> _Recent:
    numbers = {one.to.mobile for one in wanted}
    keys = sorted({key for number in numbers for key in limits.keyed(desk.keyring, number)})
    asked = {"mobiles": keys, "party": row.party_id, "since": now - RECENT}
    return _Recent(desk, session.execute(_RECENT, asked) if keys else [])


def _write(
    session: Session,
    desk: Desk,
    row: OrderImport,
    wanted: Sequence[Wanted],
    judged: Sequence[_Judged],
) -> None:
    said = zip(wanted, judged, strict=True)
    rows = [_imported(desk, row, one, verdict) for one, verdict in said]
    for at in range(0, len(rows), AT_ONCE):
        send(session, insert(ImportedOrder, rows[at : at + AT_ONCE]))


def _imported(desk: Desk, row: OrderImport, one: Wanted, verdict: _Judged) -> dict[str, Any]:
    return {
        "import_id": row.id,
        "party_id": row.party_id,
        "reference": one.reference,
        "rows": list(one.rows),
        "state": verdict.state,
        "lines": Jsonb([_line(item) for item in one.items]),
        "sealed": files.seal_person(desk.keyring, row.id, one.to, one.note),
        "mobile_hash": desk.keyring.fingerprint(one.to.mobile, "mobile"),
        "total": verdict.total,
        "resembles": verdict.resembles,
        "failure": verdict.failure,
    }


def _line(item: grouping.Item) -> dict[str, Any]:
    return {
        "sku": None if item.sku_id is None else outside("sku", item.sku_id),
        "goods": item.goods,
        "quantity": item.quantity,
        "retail": None if item.retail is None else price_text(item.retail),
        "rows": list(item.rows),
    }
