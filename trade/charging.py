"""What a platform really charges for a purchase, by its own word, against what was agreed, goods
and freight in all.

Less is what we owe: costs of lines and freight fall to it before anything is captured, so payables,
claims and reconciliation count what was charged, and the difference is the house's margin. More is
never paid by itself. What is only held there stays unpaid, whoever sees it first, and goes by the
rule for dearer sources of whoever ordered it:

hold             it stays held until it costs no more than was agreed, or an operator accepts it
                 (the house pays the rest) or gives it up
absorb           as hold, and its leader pays the rest as freight, within her limit and wallet
reroute, cancel  it is given back, and its units go on as those of a source that refused its price
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from connectors.trading import Part
from kit.errors import Problem
from kit.ids import inside
from kit.money import fen, split, yuan
from kit.outbox import say
from trade import books, dearer, live_answers
from trade.models import Purchase, PurchaseLine, PurchaseMove
from trade.purchases import Locked, lock
from trade.refusal import order_line
from trade.states import moved, tell

NEWS = "trade.news"
"""The topic by which a source's messages about orders wake the drain that asks; its key is the
source."""

BUY, GIVE_UP = "buy", "give_up"
"""What is to become of what is held unpaid: bought though nobody says what it costs, or given
back."""


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


def beyond(charge: Charge | None, agreed: int) -> bool:
    """Whether what is only held may not be paid by itself: it costs more than the fen that were
    agreed, or its platform does not say what it costs. Pure."""
    return charge is None or charge.total > agreed


def dealt(costs: Sequence[int], freight: int, charge: Charge) -> tuple[list[int], int]:
    """The costs of lines and freight that add up to what is charged; what is more than was agreed,
    and not told apart, is freight. Pure."""
    agreed = sum(costs) + freight
    fee = freight + max(charge.total - agreed, 0) if charge.freight is None else charge.freight
    fee = min(fee, charge.total)
    if not any(costs):
        return list(costs), charge.total
    return split(charge.total - fee, costs), fee


def heard(session: Session, found: Locked, parts: Sequence[Part], now: datetime) -> None:
    """What a platform tells of a locked purchase. Less is owed, and more of what is paid already is
    told, while it is there whole: once anything of it has left or is cancelled, only reconciliation
    compares."""
    purchase, charge, agreed = found.purchase, told(parts), agreed_for(found)
    held = any(part.state == "held" for part in parts)
    if held and beyond(charge, agreed):
        decide(session, found, charge, now)
        return
    if all(part.state == "cancelled" for part in parts):
        return  # whoever looks for another source has yet to learn why
    purchase.held_since = purchase.held_word = None
    if charge is None or not _whole(found.lines.values(), parts):
        return
    if charge.total < agreed:
        _charged(session, found, charge, now)
    purchase.overcharged = max(charge.total - agreed, 0)
    purchase.asked_freight = charge.freight


def decide(session: Session, found: Locked, charge: Charge | None, now: datetime) -> None:
    """A locked purchase is held unpaid, as it costs more than was agreed, or nobody says what it
    costs: its leader's rule, or what a person has said since, decides. Again changes nothing."""
    order, purchase = found.order, found.purchase
    first = purchase.held_since is None
    purchase.held_since = purchase.held_since or now
    purchase.overcharged = more = max(charge.total - agreed_for(found), 0) if charge else 0
    purchase.asked_freight = charge.freight if charge else None
    if purchase.held_word is not None or purchase.cancel_reason is not None:
        return
    rule = dearer.rule_of(session, order.party_id)
    left = any(line.shipped for line in found.lines.values())
    if charge is not None and not left and rule.then in ("reroute", "cancel"):
        _give_up(session, found, now)
    elif charge is not None and not left and more <= dearer.left(session, order, rule):
        _decided(session, found, rule, "bought", more, now)
        books.absorb_freight(session, order, purchase, more)
        _pay(session, found, charge, now)
    elif first:
        _decided(session, found, rule, "held", 0, now)


def accept(session: Session, purchase: str, now: datetime) -> None:
    """Pay what its platform asks beyond the agreement, or does not tell; what is held there is
    confirmed when it is looked at next. Again changes nothing.

    Raises Problem 404; 409 `wrong_state` once goods have left: then reconciliation has the entry;
    and while it is being given back.
    """
    found = _locked(session, purchase)
    row, more = found.purchase, found.purchase.overcharged
    if not more and row.held_since is None:
        return
    if row.held_word == GIVE_UP:
        raise Problem(409, "wrong_state", "it is being given back")
    if any(line.shipped for line in found.lines.values()):
        raise Problem(409, "wrong_state", "goods have left already; compare the day's books")
    if more:
        _pay(session, found, Charge(agreed_for(found) + more, row.asked_freight), now)
    else:
        row.held_word, row.due_at = BUY, now
        say(session, NEWS, row.source)


def refuse(session: Session, purchase: str, now: datetime) -> None:
    """Give back what its platform only holds because it costs more; its units go on by their
    leader's rule. Again changes nothing. Raises Problem 404, 409 `wrong_state` when none is held.
    """
    found = _locked(session, purchase)
    if found.purchase.held_since is None:
        raise Problem(409, "wrong_state", "nothing of it is held unpaid")
    if found.purchase.held_word != GIVE_UP:
        _give_up(session, found, now)


def dismiss(session: Session, purchase: str) -> None:
    """What was asked beyond the agreement is settled elsewhere; again changes nothing. Raises
    Problem 404."""
    _locked(session, purchase).purchase.overcharged = 0


AGREED = """(SELECT p.freight_cost + sum(x.cost - x.cost * x.cancelled / x.quantity)::bigint
    FROM purchase_lines x WHERE x.purchase_id = p.id)"""
"""SQL: as `agreed_for`, of the purchase `p`."""


def agreed_for(found: Locked) -> int:
    """The fen that what is not cancelled of a purchase may cost, freight included."""
    goods = sum(
        line.cost - line.cost * line.cancelled // line.quantity for line in found.lines.values()
    )
    return goods + found.purchase.freight_cost


def _locked(session: Session, purchase: str) -> Locked:
    purchase_id = inside("pur", purchase)
    order_id = session.scalar(select(Purchase.order_id).where(Purchase.id == purchase_id))
    if order_id is None:
        raise Problem(404, "not_found", f"there is no purchase {purchase!r}")
    return lock(session, order_id, purchase_id)


def _pay(session: Session, found: Locked, charge: Charge, now: datetime) -> None:
    """So much is agreed from now on; what is held is confirmed when it is looked at next."""
    purchase = found.purchase
    _charged(session, found, charge, now)
    purchase.overcharged, purchase.held_since, purchase.due_at = 0, None, now
    say(session, NEWS, purchase.source)


def _give_up(session: Session, found: Locked, now: datetime) -> None:
    """Have it given back at its platform, whose word on these goods counts no more."""
    purchase = found.purchase
    purchase.held_word, purchase.due_at = GIVE_UP, now
    live_answers.forget(session, [line.offer_id for line in found.lines.values()])
    say(session, NEWS, purchase.source)


def _charged(session: Session, found: Locked, charge: Charge, now: datetime) -> None:
    """Costs and freight become what is charged, which is written down."""
    purchase, lines = found.purchase, [line for _, line in sorted(found.lines.items())]
    agreed, fee = agreed_for(found), purchase.freight_cost
    if any(line.cancelled for line in lines):
        purchase.freight_cost += charge.total - agreed
    else:
        costs, purchase.freight_cost = dealt([line.cost for line in lines], fee, charge)
        for line, cost in zip(lines, costs, strict=True):
            line.cost = cost
    detail = {"agreed": yuan(agreed), "charged": yuan(charge.total)}
    detail |= {"agreed_freight": yuan(fee), "charged_freight": yuan(purchase.freight_cost)}
    _moved(session, purchase, detail, now)


def _decided(
    session: Session,
    found: Locked,
    rule: dearer.Rule,
    outcome: Literal["bought", "held"],
    absorbed: int,
    now: datetime,
) -> None:
    """Write down what the rule decided, and tell the leader, who learns nothing of costs."""
    purchase, order = found.purchase, found.order
    mine = [order_line(session, line) for line in found.lines.values()]
    numbers = sorted({line.bundle_line or line.line for line in mine})
    asked = {
        "agreed": yuan(agreed_for(found)),
        "asked": yuan(agreed_for(found) + purchase.overcharged) if purchase.overcharged else None,
        "agreed_freight": yuan(purchase.freight_cost),
        "asked_freight": None if purchase.asked_freight is None else yuan(purchase.asked_freight),
        "absorbed": yuan(absorbed),
    }
    dearer.record(session, order, rule, outcome, [], now, held=asked)
    detail: dict[str, Any] = {"rule": rule.then, "lines": numbers}
    if absorbed:
        tell(session, order, "absorbed", now, detail | {"amount": yuan(absorbed)})
    else:
        tell(session, order, "dearer", now, detail)


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
