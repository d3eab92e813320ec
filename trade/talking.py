"""Talking to a source about one purchase: find, place, confirm. No transaction is open then."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from connectors.errors import (
    NoSuchThing,
    NotAuthorised,
    PriceChanged,
    Refused,
    SupplierError,
    TryLater,
)
from connectors.model import Placed, PurchaseOrder, Sells
from connectors.trading import Confirms, Quotes, Ships
from kit import clock, log
from kit.money import fen
from trade.charging import Charge, beyond, told

logger = log.get(__name__)


@dataclass(frozen=True)
class Claimed:
    """A purchase that is ours to submit until the lease ends. `ask`: it may be placed already.

    `goods` is what each external id may cost, `freight` what the transport may, in fen.
    """

    purchase_id: int
    order_id: int
    lease: str
    ask: bool
    attempts: int
    order: PurchaseOrder
    goods: Mapping[str, int] = field(default_factory=dict)
    freight: int = 0

    def agreed(self, refused: Iterable[str]) -> int:
        """Fen that it may cost without what its source refused."""
        gone = frozenset(refused)
        return self.freight + sum(cost for name, cost in self.goods.items() if name not in gone)


@dataclass(frozen=True)
class Outcome:
    """What came of talking: the source's word, or why there is none.

    `unknown`: the source may hold the purchase; it must be asked before anything is placed.
    `withdrawn`: its leader wants it no more, and the source does not hold it.
    `unpaid`: the source holds it, and it was not bought, as it costs more than was agreed:
    `charge`, None where the source does not say.
    `asks` is what a source that became dearer wants a unit to cost, by external id, since `at`.
    """

    placed: Placed | None = None
    error: SupplierError | None = None
    unknown: bool = False
    withdrawn: bool = False
    unpaid: bool = False
    charge: Charge | None = None
    asks: Mapping[str, Decimal] = field(default_factory=dict)
    at: datetime = field(default_factory=clock.now)


def talk(seller: Sells, claimed: Claimed, wanted: Callable[[], bool]) -> Outcome:
    """Place the purchase, asking first where it may have been placed before; where the source
    became dearer, what it costs now.

    Whether it is still `wanted` is asked before it is placed, and before what is held is bought.
    """
    outcome = _placed(seller, claimed, wanted)
    if not isinstance(outcome.error, PriceChanged) or outcome.unknown:
        return outcome
    return replace(outcome, asks=outcome.error.prices or _asked(seller, claimed.order))


def _placed(seller: Sells, claimed: Claimed, wanted: Callable[[], bool]) -> Outcome:
    placed = None
    if claimed.ask:
        try:
            placed = _found(seller.find(claimed.order.our_ref), claimed.order)
        except SupplierError as error:  # not asked is as unknown as before, whatever the reason
            return Outcome(error=error, unknown=True)
    if placed is None and not wanted():
        return Outcome(withdrawn=True)
    try:
        placed = placed or seller.place(claimed.order)
    except SupplierError as error:
        certain = isinstance(error, TryLater | NotAuthorised | Refused)
        return Outcome(error=error, unknown=not certain)
    return _confirmed(seller, placed, claimed, wanted)


def _asked(seller: Sells, order: PurchaseOrder) -> dict[str, Decimal]:
    """What each line costs now, as far as the source will say: a refusal need not tell."""
    if not isinstance(seller, Quotes):
        return {}
    try:
        told = seller.quote(order.lines, order.ship_to)
    except SupplierError as error:
        logger.warning("price_not_told", our_ref=order.our_ref, code=error.code)
        return {}
    return {line.external_id: line.price for line in told.lines if line.price is not None}


def _found(placed: Placed | None, order: PurchaseOrder) -> Placed | None:
    """What a source already holds; lines that it does not tell among them were refused then."""
    if placed is None or not placed.units:
        return placed
    missing = tuple(x.external_id for x in order.lines if x.external_id not in placed.units)
    return replace(placed, refused=missing)


def _confirmed(
    seller: Sells, placed: Placed, claimed: Claimed, wanted: Callable[[], bool]
) -> Outcome:
    """Buy what is only held, if it costs no more than was agreed. A hold that is not confirmed is
    there: it is asked about next time, and one that is wanted no more is given up at the source.

    One that cannot be bought is given up at once: until its source has let go of it, or of the part
    of it that may be paid, nothing is bought elsewhere.
    """
    our_ref = claimed.order.our_ref
    if not placed.held or not isinstance(seller, Confirms) or not wanted():
        return Outcome(placed=placed)
    most = claimed.agreed(placed.refused)
    try:
        charge = _charge(seller, placed, our_ref)
    except SupplierError as error:
        return Outcome(error=error, unknown=True)
    if beyond(charge, most):
        return Outcome(placed=placed, unpaid=True, charge=charge)
    try:
        bought = seller.confirm(our_ref, Decimal(most) / 100)
        return Outcome(placed=replace(bought, refused=placed.refused))
    except PriceChanged as error:  # it rose since it was placed: what it costs now is asked
        return Outcome(error=error, unknown=True)
    except Refused as error:
        return Outcome(error=error, unknown=not _let_go(seller, our_ref, error))
    except SupplierError as error:
        return Outcome(error=error, unknown=True)


def _charge(seller: Sells, placed: Placed, our_ref: str) -> Charge | None:
    """What a source asks for what it holds; asked for where it has not said. Raises
    SupplierError."""
    if placed.amount is not None:
        return Charge(fen(placed.amount), None if placed.freight is None else fen(placed.freight))
    return told(seller.track(our_ref).parts) if isinstance(seller, Ships) else None


def _let_go(seller: Sells, our_ref: str, why: Refused) -> bool:
    """Give up a hold that cannot be bought; whether its source holds nothing of it any more."""
    try:
        seller.cancel(our_ref, why.message)
    except SupplierError as error:
        logger.warning("hold_not_given_up", our_ref=our_ref, code=error.code)
        return isinstance(error, NoSuchThing)
    return True
