"""The money of an order's life: held when accepted, captured or released unit by unit, refunded.

Units of an order line leave the held money one after another, each by its portion of the line's
amount, whether they are shipped (captured) or cancelled (released): the portions add up to the
amount to the fen. So what is held is a pure function of lines and purchases (an invariant).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy.orm import Session

from kit.money import portion
from kit.statements import Query
from trade.ledger import Entry, post
from trade.models import Order, Ordered, OrderLine, Purchase, PurchaseLine
from trade.settling import earnings

ADVANCES = "advances"
"""What was paid for claims that are not settled yet, as a debt of nobody in particular."""
LOSS = "loss:claims"
"""What the house itself bears for claims."""


@dataclass(frozen=True)
class Shipped:
    """`units` of a purchase line that go out in one parcel; `more` than it carried before."""

    line: PurchaseLine
    order_line: OrderLine
    units: int
    more: bool = False


def hold(session: Session, order: Ordered, along: Sequence[Query] = ()) -> None:
    """Wallet → held for a new order, which is written by `along`. Raises Problem 409
    `balance_short`."""
    post(session, [holding(order)], along)


def holding(order: Ordered) -> Entry:
    """What `hold` posts."""
    wallet, kept = _accounts(order)
    return Entry(f"hold:{order.id}", "hold", wallet, kept, order.total, order.party_id, order.id)


def capture(
    session: Session,
    order: Order,
    purchase: Purchase,
    parcel_id: int,
    shipped: Iterable[Shipped],
    *,
    first: bool,
) -> None:
    """Held → sales and cost → payable for units that leave; freight with the `first` of a purchase.

    Counts the units as shipped on both lines.
    """
    _, kept = _accounts(order)
    owed_to = f"payable:{purchase.source}"
    about = (order.party_id, order.id)
    entries = []
    for part in shipped:
        price = held_for(part.order_line, part.units)
        owed = _leave_cost(part.line, part.units)
        part.order_line.shipped += part.units
        part.line.shipped += part.units
        part.line.captured += price
        part.line.owed += owed
        name = f"{parcel_id}:{part.line.id}" + (f":{part.line.shipped}" if part.more else "")
        entries.append(Entry(f"capture:{name}", "capture", kept, "sales", price, *about))
        entries.append(Entry(f"payable:{name}", "payable", "cost", owed_to, owed, None, order.id))
        order.held -= price
    if first:
        fee, cost = purchase.freight_price, purchase.freight_cost
        entries.append(Entry(f"freight:{purchase.id}", "capture", kept, "sales", fee, *about))
        name = f"freight-payable:{purchase.id}"
        entries.append(Entry(name, "payable", "cost", owed_to, cost, None, order.id))
        order.held -= fee
    post(session, entries)
    earnings.settle(session, order)


def cancel_units(line: OrderLine, units: int) -> int:
    """Count units of a line as cancelled; returns the fen that this frees."""
    freed = held_for(line, units)
    line.cancelled += units
    return freed


def release(session: Session, order: Order, amount: int) -> None:
    """Held → wallet. What the locked order still holds names the posting: between two changes of
    its price it only ever falls."""
    wallet, kept = _accounts(order)
    name = f"release:{order.id}:{order.held}" + (f":{order.repriced}" if order.repriced else "")
    post(session, [Entry(name, "release", kept, wallet, amount, order.party_id, order.id)])
    order.held -= amount


def absorb(session: Session, order: Order, line: OrderLine, amount: int) -> None:
    """Wallet → held: the leader pays `amount` fen more for a whole line of a locked order, of which
    nothing has left. Raises Problem 409 `balance_short`."""
    _absorb(session, order, amount)
    line.amount += amount
    line.unit_price = (Decimal(line.amount) / 100 / line.quantity).quantize(Decimal("0.0001"))


def give_back(session: Session, order: Order, line: OrderLine, amount: int) -> None:
    """Held → wallet: so much of what a whole line costs is not asked any more; see `absorb`."""
    absorb(session, order, line, -amount)


def absorb_freight(session: Session, order: Order, purchase: Purchase, amount: int) -> None:
    """Wallet → held: the leader pays `amount` fen more for a purchase of a locked order, as its
    freight. Raises Problem 409 `balance_short`."""
    _absorb(session, order, amount)
    order.freight += amount
    purchase.freight_price += amount
    purchase.absorbed += amount


def give_back_freight(session: Session, order: Order, purchase: Purchase) -> None:
    """Held → wallet: what was absorbed for a purchase of which nothing leaves; see
    `absorb_freight`."""
    if purchase.absorbed:
        absorb_freight(session, order, purchase, -purchase.absorbed)


def _absorb(session: Session, order: Order, by: int) -> None:
    wallet, kept = _accounts(order)
    kind, ends = ("absorb", (wallet, kept)) if by > 0 else ("absorb_back", (kept, wallet))
    order.repriced += 1
    name = f"{kind}:{order.id}:{order.repriced}"
    post(session, [Entry(name, kind, *ends, abs(by), order.party_id, order.id)])
    order.total += by
    order.held += by


def agree(session: Session, order: Order, more: int) -> None:
    """Wallet → held: the leader of a locked order agrees that it costs `more` fen than before, or
    less below 0. Raises Problem 409 `balance_short`."""
    order.repriced += 1
    order.total += more
    if more < 0:
        release(session, order, -more)
        return
    wallet, kept = _accounts(order)
    name = f"agreed:{order.id}:{order.repriced}"
    post(session, [Entry(name, "hold", wallet, kept, more, order.party_id, order.id)])
    order.held += more


def refund(
    session: Session,
    order: Order,
    source: str,
    claim_id: int,
    amount: int,
    credit: int,
    *,
    advanced: int = 0,
    house: bool = False,
) -> None:
    """Sales (what the `house` bears: loss) → wallet and payable → cost for one claim, once.

    So much of `amount` as was `advanced` is in the wallet already and settles the advance. Lines
    count what goes back already.
    """
    wallet, _ = _accounts(order)
    about = (order.party_id, order.id)
    paid_by, owed_to = LOSS if house else "sales", f"payable:{source}"
    rest, cost = amount - advanced, "cost"
    entries = [
        Entry(f"refund:{claim_id}", "refund", paid_by, wallet, rest, *about),
        Entry(f"settled:{claim_id}", "settled", paid_by, ADVANCES, advanced, None, order.id),
        Entry(f"clawback:{claim_id}", "clawback", owed_to, cost, credit, None, order.id),
    ]
    post(session, entries)
    earnings.settle(session, order)


def carriage(
    session: Session,
    order: Order,
    source: str,
    what: str,
    name: str,
    amount: int,
    credit: int,
    *,
    house: bool,
) -> None:
    """Freight (`freight_back`) or `postage` for a leader, once by its name: sales, or what the
    `house` bears: loss → wallet, and payable → cost for what its supplier bears of it."""
    wallet, _ = _accounts(order)
    about, owed_to = (order.party_id, order.id), f"payable:{source}"
    paid_by = LOSS if house else "sales"
    entries = [
        Entry(f"{what}:{name}", what, paid_by, wallet, amount, *about),
        Entry(f"{what}-clawback:{name}", "clawback", owed_to, "cost", credit, None, order.id),
    ]
    post(session, entries)


def credit(
    session: Session, order: Order, source: str, claim_id: int, part: int, amount: int
) -> None:
    """Payable → cost for what a platform gave back for one part of a claim, once."""
    name, owed_to = f"clawback:{claim_id}:{part}", f"payable:{source}"
    post(session, [Entry(name, "clawback", owed_to, "cost", amount, None, order.id)])


def freight_returned(session: Session, order: Order, source: str, part: int, amount: int) -> None:
    """Payable → cost for freight that a platform gave back with a part of a claim, once."""
    name, owed_to = f"freight-returned:{part}", f"payable:{source}"
    entry = Entry(name, "freight_returned", owed_to, "cost", amount, None, order.id)
    post(session, [entry])


def freight_unsent(session: Session, order: Order, source: str, name: str, amount: int) -> None:
    """Payable → cost for freight that a platform gave back with units that never left."""
    ends = f"payable:{source}", "cost"
    post(session, [Entry(name, "freight_returned", *ends, max(amount, 0), None, order.id)])


def freight_borne(session: Session, order: Order, name: str, amount: int) -> None:
    """Sales → loss: freight that the house had paid a leader is a refund that a platform bears."""
    post(session, [Entry(name, "freight_borne", "sales", LOSS, amount, None, order.id)])


def owe_stray(session: Session, order: Order, source: str, stray: int, amount: int) -> None:
    """Cost → payable for goods that left though they were cancelled, once: the house pays them."""
    name, owed_to = f"stray:{stray}", f"payable:{source}"
    post(session, [Entry(name, "payable", "cost", owed_to, amount, None, order.id)])


def recount(
    session: Session, order: Order, source: str, claim_id: int, part: int, more: int
) -> None:
    """A person counted what a platform gave back for one part of a claim: `more` fen than was
    booked (payable → cost), or less below 0, once."""
    name, owed_to = f"counted:{claim_id}:{part}", f"payable:{source}"
    ends = (owed_to, "cost") if more > 0 else ("cost", owed_to)
    post(session, [Entry(name, "clawback", *ends, abs(more), None, order.id)])


def advance(session: Session, order: Order, claim_id: int, amount: int) -> None:
    """Advances → wallet: the operator pays a claim before its supplier has agreed, once."""
    wallet, _ = _accounts(order)
    about = (order.party_id, order.id)
    name = f"advance:{claim_id}"
    post(session, [Entry(name, "advance", ADVANCES, wallet, amount, *about)])


def take_back(session: Session, order: Order, claim_id: int, amount: int) -> None:
    """Wallet → advances: the leader bears what was advanced, once. Raises Problem 409
    `balance_short`."""
    wallet, _ = _accounts(order)
    about = (order.party_id, order.id)
    name = f"taken-back:{claim_id}"
    post(session, [Entry(name, "taken_back", wallet, ADVANCES, amount, *about)])


def write_off(session: Session, order: Order, claim_id: int, amount: int) -> None:
    """Loss → advances: the house bears what was advanced, once."""
    name = f"written-off:{claim_id}"
    post(session, [Entry(name, "written_off", LOSS, ADVANCES, amount, None, order.id)])


def held_for(line: OrderLine, units: int) -> int:
    """Fen that the next `units` of a line take along when they leave."""
    return portion(line.amount, line.shipped + line.cancelled, units, line.quantity)


def _leave_cost(line: PurchaseLine, units: int) -> int:
    return portion(line.cost, line.shipped + line.cancelled, units, line.quantity)


def _accounts(order: Ordered) -> tuple[str, str]:
    return f"wallet:{order.party_id}", f"held:{order.party_id}"
