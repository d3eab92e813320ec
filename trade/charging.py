"""What a platform really charges for a purchase, by its own word, against what was agreed.

Less is what we owe: costs of lines and freight fall to it before anything is captured, so payables,
claims and reconciliation count what was charged, and the difference is the house's margin. More is
never paid by itself: what is only held there stays so, and an operator is told.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from connectors.trading import Part
from kit.errors import Problem
from kit.ids import inside
from kit.money import fen, split, yuan
from kit.outbox import say
from trade.models import Purchase, PurchaseLine, PurchaseMove
from trade.purchases import Locked, lock
from trade.states import moved

NEWS = "trade.news"
"""The topic by which a source's messages about orders wake the drain that asks; its key is the
source."""


@dataclass(frozen=True)
class Charge:
    """Fen that a platform asks in all, and for the transport; None: it does not say."""

    total: int
    freight: int | None


def told(parts: Sequence[Part]) -> Charge | None:
    """What is asked for all parts of a purchase; None where any of them does not say. Pure.

    A part that is told to cost nothing says nothing: platforms show split orders so.
    """
    amounts = [part.amount for part in parts if part.state != "cancelled"]
    known = [amount for amount in amounts if amount]
    if not known or len(known) < len(parts):
        return None
    fees = [part.freight for part in parts if part.freight is not None]
    freight = sum(map(fen, fees)) if len(fees) == len(parts) else None
    return Charge(sum(map(fen, known)), freight)


def lowered(costs: Sequence[int], freight: int, charge: Charge) -> tuple[list[int], int]:
    """The costs of lines and freight that add up to what is charged, which is less. Pure."""
    fee = min(freight if charge.freight is None else charge.freight, charge.total)
    goods = charge.total - fee
    if not any(costs):
        return list(costs), charge.total
    return split(goods, costs), fee


def heard(session: Session, found: Locked, parts: Sequence[Part], now: datetime) -> None:
    """What a platform tells of a locked purchase that is there whole; once anything of it has left
    or is cancelled, only reconciliation compares."""
    purchase, lines = found.purchase, [line for _, line in sorted(found.lines.items())]
    charge = told(parts)
    if charge is None or not _whole(lines, parts):
        return
    agreed = _agreed(found)
    if charge.total < agreed:
        costs, purchase.freight_cost = lowered(
            [line.cost for line in lines], purchase.freight_cost, charge
        )
        for line, cost in zip(lines, costs, strict=True):
            line.cost = cost
        detail = {"agreed": yuan(agreed), "charged": yuan(charge.total)}
        _moved(session, purchase, detail, now)
    purchase.overcharged = max(charge.total - agreed, 0)


def accept(session: Session, purchase: str, now: datetime) -> None:
    """Pay what its platform asks beyond the agreement; what is held there is confirmed when it is
    looked at next. Again changes nothing.

    Raises Problem 404; 409 `wrong_state` once goods have left: then reconciliation has the entry.
    """
    found = _locked(session, purchase)
    row, more = found.purchase, found.purchase.overcharged
    if not more:
        return
    if any(line.shipped for line in found.lines.values()):
        raise Problem(409, "wrong_state", "goods have left already; compare the day's books")
    detail = {"agreed": yuan(_agreed(found)), "charged": yuan(_agreed(found) + more)}
    row.freight_cost, row.overcharged, row.due_at = row.freight_cost + more, 0, now
    _moved(session, row, detail, now)
    say(session, NEWS, row.source)


def dismiss(session: Session, purchase: str) -> None:
    """What was asked beyond the agreement is settled elsewhere; again changes nothing. Raises
    Problem 404."""
    _locked(session, purchase).purchase.overcharged = 0


def _locked(session: Session, purchase: str) -> Locked:
    purchase_id = inside("pur", purchase)
    order_id = session.scalar(select(Purchase.order_id).where(Purchase.id == purchase_id))
    if order_id is None:
        raise Problem(404, "not_found", f"there is no purchase {purchase!r}")
    return lock(session, order_id, purchase_id)


def _agreed(found: Locked) -> int:
    return sum(line.cost for line in found.lines.values()) + found.purchase.freight_cost


def _moved(session: Session, row: Purchase, detail: dict[str, str], now: datetime) -> None:
    session.add(PurchaseMove(**moved(row.id, row.supplier_id, row.state, "charge", now, detail)))


def _whole(lines: Collection[PurchaseLine], parts: Sequence[Part]) -> bool:
    """Whether nothing of it has left or is cancelled, and the parts hold just its units."""
    if any(line.shipped or line.cancelled for line in lines):
        return False
    ours: Counter[str] = Counter()
    for line in lines:
        ours[line.external_id] += line.quantity
    theirs: Counter[str] = Counter()
    for part in parts:
        theirs.update(dict(part.lines))
    return ours == theirs
