"""Differences between our books and a source's: kept until they are gone or somebody decides.

Where the source asks another amount for what both sides know, the proposal is an entry that makes
our debt what it asks; accepting posts it, once. Runs in system scope.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from kit.db import take_turn
from kit.errors import Problem
from kit.ids import inside, outside
from kit.money import yuan
from trade import ledger
from trade.after_sales import freight_returns
from trade.ledger import Entry
from trade.models import Difference, Purchase, ReconciledDay
from trade.paging import newest
from trade.settling.reconciling import Reconciliation

ADVICE = {
    "amount_differs": "accept the entry when the source is right; else dispute it with the source",
    "units_differ": "ask which parcel is short; a claim settles it",
    "waybills_differ": "read the source's sheet again; a changed number replaces the former one",
    "only_ours": "ask the source whether it has this purchase; cancel it there before it is bought"
    " elsewhere",
    "only_theirs": "look for its waybill under another purchase; else refuse to pay for it",
    "unknown_to_us": "ask the source for our purchase number",
    freight_returns.CODE: "accept the entry where it is freight; else dismiss it, and count what"
    " came back under its claim",
    "books_differ": "our own postings do not add up; run huopan check",
}
"""What to do about each kind of difference."""


def record(session: Session, found: Reconciliation, now: datetime) -> None:
    """Keep a comparison; of the former one of that day, what is open and not found any more is
    gone. Of an amount that was accepted before, what is asked beyond it is found (see `alone`).
    """
    facts = {
        "purchases": found.purchases,
        "parcels": found.parcels,
        "units": found.units,
        "amount": found.amount,
        "compared": found.compared,
        "made_at": now,
    }
    write = insert(ReconciledDay).values(source=found.source, day=found.day, **facts)
    write = write.on_conflict_do_update(index_elements=["source", "day"], set_=facts)
    day_id = session.execute(write.returning(ReconciledDay.id)).scalar_one()
    known = {
        (row.code, row.purchase, row.detail): row
        for row in session.scalars(
            select(Difference).where(Difference.reconciliation_id == day_id).with_for_update()
        )
    }
    named = {(one.code, one.purchase, one.detail): one for one in found.findings}
    for key, row in list(known.items()):
        if key not in named:
            row.state = "gone" if row.state == "open" else row.state
        elif row.state == "accepted":  # what was posted counts already: this is another one
            row.detail = f"{row.detail} (before {row.decided_at:%Y-%m-%d %H:%M:%S})"
            del known[key]
        elif row.state != "dismissed":
            row.state, row.note, row.amount = "open", None, named[key].amount
    session.flush()
    for key, one in named.items():
        if key not in known:
            session.add(
                Difference(
                    reconciliation_id=day_id,
                    source=found.source,
                    code=one.code,
                    purchase=one.purchase,
                    detail=one.detail,
                    amount=one.amount,
                    parcels=sorted(one.parcels),
                    state="open",
                )
            )
    session.flush()


def alone(session: Session, source: str) -> None:
    """Compare and record, or accept, one at a time of a source: until the transaction ends."""
    take_turn(session, f"reconciled {source}")


def accept(session: Session, difference: str, now: datetime) -> dict[str, Any]:
    """Post the proposed entry; again changes nothing. Raises Problem 404, 409.

    The same amount may stand on several days: there it is settled as well.
    """
    if known := session.get(Difference, inside("dif", difference)):
        alone(session, known.source)
    if (row := _of_freight(session, difference)) and row.state == "open":
        freight_returns.accept(session, _purchase(session, row).id, now)
    row = _locked(session, difference)
    if row.state == "accepted":
        return view(row)
    _check_open(row)
    if not row.amount:
        raise Problem(409, "no_entry", f"no entry settles this: {ADVICE[row.code]}")
    order = session.scalar(_named(row).with_only_columns(Purchase.order_id))
    ends = _ends(row.source, row.amount)
    name = f"reconciled:{row.id}"
    entry = Entry(name, "reconciled", *ends, abs(row.amount), order_id=order)
    ledger.post(session, [entry])
    row.state, row.decided_at = "accepted", now
    _settle_others(session, row, now)
    return view(row)


def _settle_others(session: Session, done: Difference, now: datetime) -> None:
    """What was accepted is not asked again on other days: only what they ask beyond it."""
    others = session.scalars(
        select(Difference)
        .where(
            Difference.source == done.source,
            Difference.purchase == done.purchase,
            Difference.code == done.code,
            Difference.state == "open",
            Difference.id != done.id,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    settled = set(done.parcels)
    for row in others:
        about = set(row.parcels)
        if settled and about and not settled & about:
            continue
        row.amount = (row.amount or 0) - (done.amount or 0) if settled <= about else 0
        row.note = f"{outside('dif', done.id)} was accepted for the same goods"
        if not row.amount:
            row.state, row.decided_at = "gone", now


def dismiss(session: Session, difference: str, note: str, now: datetime) -> dict[str, Any]:
    """Leave it as it is, for a stated reason. Raises Problem 404, 409."""
    if (row := _of_freight(session, difference)) and row.state == "open":
        freight_returns.dismiss(session, _purchase(session, row).id, now)
    row = _locked(session, difference)
    if row.state == "dismissed" and row.note is None:
        row.note = note
    if row.state != "dismissed":
        _check_open(row)
        row.state, row.note, row.decided_at = "dismissed", note, now
    return view(row)


def page(
    session: Session,
    *,
    source: str | None = None,
    limit: int = 50,
    before: int | None = None,
) -> tuple[list[dict[str, Any]], int | None]:
    """Days that were compared, the newest first, with their differences."""
    found = select(ReconciledDay)
    if source is not None:
        found = found.where(ReconciledDay.source == source)
    rows, following = newest(session, found, ReconciledDay.id, limit=limit, before=before)
    ids = [row.id for row in rows]
    differences = session.scalars(
        select(Difference).where(Difference.reconciliation_id.in_(ids)).order_by(Difference.id)
    ).all()
    views = [
        {
            "id": outside("rec", row.id),
            "source": row.source,
            "day": row.day.isoformat(),
            "purchases": row.purchases,
            "parcels": row.parcels,
            "units": row.units,
            "amount": yuan(row.amount),
            "compared": row.compared,
            "made_at": row.made_at,
            "differences": [view(one) for one in differences if one.reconciliation_id == row.id],
        }
        for row in rows
    ]
    return views, following


def view(row: Difference) -> dict[str, Any]:
    """A difference, and what to do about it."""
    proposal = None
    if row.amount:
        ends = _ends(row.source, row.amount)
        proposal = {"source": ends[0], "destination": ends[1], "amount": yuan(abs(row.amount))}
    return {
        "id": outside("dif", row.id),
        "code": row.code,
        "purchase": row.purchase,
        "detail": row.detail,
        "advice": ADVICE[row.code],
        "proposal": proposal,
        "status": row.state,
        "note": row.note,
        "decided_at": row.decided_at,
    }


def _of_freight(session: Session, difference: str) -> Difference | None:
    """A difference that is freight which came back: decided under its order's lock, taken first."""
    row = session.get(Difference, inside("dif", difference), populate_existing=True)
    return row if row is not None and row.code == freight_returns.CODE else None


def _purchase(session: Session, row: Difference) -> Purchase:
    return session.scalars(_named(row)).one()


def _named(row: Difference) -> Select[Purchase]:
    return select(Purchase).where(Purchase.our_ref == row.purchase, Purchase.source == row.source)


def _ends(source: str, amount: int) -> tuple[str, str]:
    owed = f"payable:{source}"
    return ("cost", owed) if amount > 0 else (owed, "cost")


def _locked(session: Session, difference: str) -> Difference:
    number = inside("dif", difference)
    row = session.get(Difference, number, with_for_update=True, populate_existing=True)
    if row is None:
        raise Problem(404, "not_found", f"there is no difference {difference!r}")
    return row


def _check_open(row: Difference) -> None:
    if row.state != "open":
        raise Problem(409, "wrong_state", f"this difference is {row.state} already")
