"""What may be claimed: small rules with codes, shown before a claim and checked when it is made.

Pure: `Facts` are what the rules look at, of one SKU of an order. The first rule that objects is
the answer to a claim; all that object are shown beforehand.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

from kit.clock import SHANGHAI
from kit.money import yuan
from trade.after_sales.bearing import BUYERS_OWN
from trade.parcels.parcel_news import arrival

Kind = Literal["refund", "return", "exchange", "reissue"]
KINDS: tuple[str, ...] = get_args(Kind)
PAID: frozenset[str] = frozenset({"refund", "return"})
"""Kinds that end with money; the others end with a parcel."""
GOES_BACK: frozenset[str] = frozenset({"return", "exchange"})


@dataclass(frozen=True)
class Facts:
    """One claim on one SKU of an order, as it would be.

    Units: `shipped` of the SKU so far, `under_claim` now, `returned` for good. `most` is fen paid
    for `quantity` units and neither paid back nor asked for; `paid_back`: something was. `until`
    None: nothing was shipped. `amount` is fen asked for, None for all. `returnable` None: its
    source does not say.
    """

    kind: str
    cause: str
    quantity: int
    amount: int | None
    shipped: int
    under_claim: int
    returned: int
    most: int
    now: datetime
    until: datetime | None
    delivered: bool
    returnable: bool | None
    abroad: bool
    paid_back: bool = False

    @property
    def left(self) -> int:
        """Units that a claim may be made on."""
        return max(self.shipped - self.under_claim - self.returned, 0)


@dataclass(frozen=True)
class Reason:
    """Why not. `status` is that of the answer, `field` the part of a line that is at fault."""

    code: str
    message: str
    status: int = 409
    field: str = "quantity"


Rule = Callable[[Facts], Reason | None]


def _shipped(facts: Facts) -> Reason | None:
    if facts.quantity <= facts.shipped:
        return None
    if not facts.shipped:
        return Reason("not_shipped", "nothing of it is shipped yet; cancel it instead")
    return Reason("not_shipped", f"only {facts.shipped} units are shipped")


def _units_left(facts: Facts) -> Reason | None:
    if facts.quantity <= facts.left or facts.quantity > facts.shipped:
        return None
    if facts.left:
        return Reason("under_claim", f"{facts.left} of these units may still be claimed, not more")
    if facts.under_claim:
        return Reason("under_claim", "these units are under a claim already")
    return Reason("sent_back", "these units were sent back already")


def _in_time(facts: Facts) -> Reason | None:
    if facts.until is None or facts.now <= facts.until:
        return None
    until = facts.until.astimezone(SHANGHAI)
    return Reason("too_late", f"claims were taken until {until:%Y-%m-%d %H:%M}; ask your operator")


def _not_arrived(facts: Facts) -> Reason | None:
    if facts.cause != "intercept" or not facts.delivered:
        return None
    return Reason("delivered", "it has arrived and cannot be stopped; ask for a return")


def _takes_back(facts: Facts) -> Reason | None:
    if facts.kind not in GOES_BACK or facts.cause not in BUYERS_OWN or facts.cause == "intercept":
        return None
    if facts.returnable is False:
        return Reason(
            "not_returnable",
            "these goods are not taken back without a fault; say what is wrong with them",
        )
    return None


def _from_abroad(facts: Facts) -> Reason | None:
    if not facts.abroad or facts.kind not in GOES_BACK:
        return None
    if facts.kind == "exchange" or facts.cause == "no_reason":
        return Reason(
            "from_abroad", "goods that passed customs are not exchanged, and not taken back at will"
        )
    return None


def _intercept_kind(facts: Facts) -> Reason | None:
    if facts.cause != "intercept" or facts.kind in PAID:
        return None
    return Reason("intercept_kind", "a parcel is stopped for a refund or a return", 422, "kind")


def _money_left(facts: Facts) -> Reason | None:
    if facts.most or facts.quantity > facts.left or not (facts.paid_back or facts.kind in PAID):
        return None
    return Reason("already_refunded", "nothing of what this cost is left to be paid back")


def _amount(facts: Facts) -> Reason | None:
    if facts.amount is None:
        return None
    if facts.kind not in PAID:
        return Reason("no_amount", f"an {facts.kind} moves goods, not money", 422, "amount")
    if facts.amount < 1:
        return Reason("no_amount", "ask for at least 0.01", 422, "amount")
    if facts.amount > facts.most and facts.most:
        return Reason(
            "amount_too_high",
            f"at most {yuan(facts.most)} was paid for these units and not paid back yet",
            field="amount",
        )
    return None


RULES: tuple[Rule, ...] = (
    _intercept_kind,
    _shipped,
    _units_left,
    _in_time,
    _not_arrived,
    _takes_back,
    _from_abroad,
    _money_left,
    _amount,
)


def objections(facts: Facts) -> Iterator[Reason]:
    """Every rule that objects, in the order of the list."""
    return (reason for rule in RULES if (reason := rule(facts)) is not None)


def window(
    shipped_at: datetime,
    delivered_at: datetime | None,
    last_event_at: datetime | None,
    *,
    delivery_days: int,
    return_days: int,
) -> datetime:
    """Until when claims are taken on a parcel: so many days after it arrived, or is taken to have,
    see `parcel_news.arrival`."""
    arrived = arrival(shipped_at, delivered_at, last_event_at, delivery_days)
    return arrived + timedelta(days=return_days)
