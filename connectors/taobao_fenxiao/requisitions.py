"""Dealer requisitions: in bulk, audited by the supplier, and without a reference of ours."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from connectors import regions
from connectors.errors import (
    NoSuchThing,
    OutcomeUnknown,
    PriceChanged,
    Refused,
    Unreadable,
)
from connectors.model import Placed, PriceFact, PurchaseOrder
from connectors.top import goods, values
from connectors.top.envelope import Record, records
from connectors.top.gateway import Gateway
from connectors.trading import Part, Progress
from kit.money import line_amount

from . import mapping
from .calls import AGREE, CLOSE, CREATE, LINES, LISTED, PAGE, QUERIED
from .register import Applied, Register, same_recipient
from .settings import FenxiaoSettings

SKEW = timedelta(minutes=5)
"""How far the platform's clock may be from ours when we look by time."""
LONGEST = timedelta(days=29)
"""One question reaches thirty days."""
PERSON = 3600.0
"""Seconds until a case that only a person can decide is looked at again."""

Prices = Callable[[Sequence[str]], Sequence[PriceFact]]


class Requisitions:
    """What a dealer buys at suppliers."""

    def __init__(
        self, gateway: Gateway, given: FenxiaoSettings, register: Register, prices: Prices
    ) -> None:
        self._gateway = gateway
        self._given = given
        self._register = register
        self._prices = prices

    def place(self, order: PurchaseOrder) -> Placed:
        """Apply for a purchase, once; the supplier has yet to agree.

        Raises PriceChanged where the supplier asks more than a line's cost, NoSuchThing where none
        of the lines can be bought, OutcomeUnknown where only `find` can tell.
        """
        known = self._register.of(order.our_ref)
        if known is not None and known.ref is not None:
            return _placed(known.ref, known)
        if known is not None and (found := self.find(order.our_ref)) is not None:
            return found
        if len(order.lines) > LINES:
            raise Refused("too-many-lines", f"a requisition takes at most {LINES} lines")
        prices = self._asked(order)
        units: Counter[str] = Counter()
        for line in order.lines:
            if line.external_id in prices:
                units[line.external_id] += line.quantity
        self._register.begin(order.our_ref, units, order.ship_to, self._gateway.now())
        asked = _recipient(order, self._given)
        asked["order_detail"] = [
            _detail(one, quantity, prices[one]) for one, quantity in sorted(units.items())
        ]
        reply = self._gateway.ask(CREATE, **asked)
        ref = values.text(reply, "dealer_order_id")
        if ref is None:
            raise OutcomeUnknown("no-id", f"{CREATE.name}: the reply has no dealer_order_id")
        self._register.bind(order.our_ref, ref)
        missing = tuple(one.external_id for one in order.lines if one.external_id not in units)
        return Placed((ref,), awaits_supplier=True, refused=missing, units=dict(units))

    def find(self, our_ref: str) -> Placed | None:
        """The requisition that a purchase became: by what was noted, else by time, lines, address.

        Raises OutcomeUnknown when several fit: then a person decides.
        """
        applied = self._register.of(our_ref)
        if applied is None:
            return None
        if applied.ref is not None:
            return _placed(applied.ref, applied)
        fitting = [one for one in self._around(applied) if self._fits(one, applied)]
        refs = {values.needed(one, "dealer_order_id") for one in fitting}
        refs -= self._register.bound(refs)
        if len(refs) > 1:
            raise OutcomeUnknown(
                "ambiguous",
                f"requisitions {', '.join(sorted(refs))} all look like {our_ref}: "
                "a person has to say which one it is",
                wait=PERSON,
            )
        if not refs:
            return None
        ref = refs.pop()
        self._register.bind(our_ref, ref)
        return _placed(ref, applied)

    def cancel(self, our_ref: str, reason: str) -> None:
        """Withdraw a requisition. Raises NoSuchThing, or Refused when goods may have left."""
        ref = self._ref(our_ref)
        if mapping.state(self._one(ref)) == "cancelled":
            return
        try:
            reply = self._gateway.ask(
                CLOSE,
                dealer_order_id=ref,
                reason=self._given.close_reason,
                reason_detail=reason or "不再需要",
            )
        except OutcomeUnknown:
            if mapping.state(self._one(ref)) != "cancelled":
                raise
            return
        if values.flag(reply, "is_success") is False:
            raise Refused("not-closed", f"requisition {ref} was not closed")

    def agree(self, our_ref: str) -> None:
        """Agree to what the supplier changed; a person has looked at it."""
        self._gateway.ask(AGREE, dealer_order_id=self._ref(our_ref))

    def track(self, our_ref: str) -> Progress:
        """How a requisition stands. The platform tells no waybills of dealers' goods."""
        ref = self._ref(our_ref)
        told = self._one(ref)
        part = Part(
            ref,
            mapping.state(told),
            tuple(sorted(mapping.units(told).items())),
            amount=values.yuan(told, "total_price"),
            freight=values.yuan(told, "logistics_fee"),
        )
        return Progress(our_ref, (ref,), (part,))

    def _ref(self, our_ref: str) -> str:
        found = self.find(our_ref)
        if found is None:
            raise NoSuchThing("no-requisition", f"no requisition is known for {our_ref}")
        return found.external_refs[0]

    def _one(self, ref: str) -> Record:
        reply = self._gateway.ask(QUERIED, dealer_order_ids=[ref])
        for one in records(reply, "dealer_orders"):
            if values.text(one, "dealer_order_id") == ref:
                return one
        raise NoSuchThing("no-requisition", f"the platform holds no requisition {ref}")

    def _asked(self, order: PurchaseOrder) -> dict[str, int]:
        """Fen by external id, as suppliers ask now; what cannot be bought is left out."""
        wanted = list(dict.fromkeys(line.external_id for line in order.lines))
        prices = {one.external_id: one.bulk for one in self._prices(wanted) if one.bulk is not None}
        if not prices:
            raise NoSuchThing("not-dealt", f"none of {', '.join(wanted)} can be bought")
        for line in order.lines:
            price = prices.get(line.external_id)
            if price is not None and price > line.cost:
                told = f"{line.external_id} costs {price}, not {line.cost}"
                raise PriceChanged("price", told, prices=prices)
        return {one: line_amount(price, 1) for one, price in prices.items()}

    def _around(self, applied: Applied) -> list[Record]:
        """Requisitions applied for since a purchase was first tried."""
        asked: dict[str, Any] = {
            "start_date": applied.begun_at - SKEW,
            "end_date": min(applied.begun_at + LONGEST, self._gateway.now() + SKEW),
            "identity": self._given.applier_identity,
        }
        found: list[Record] = []
        number = 1
        while True:
            reply = self._gateway.ask(LISTED, **asked, page_no=number, page_size=PAGE)
            found += records(reply, "dealer_orders")
            total = values.whole(reply, "total_results")
            if total is None:
                raise Unreadable("no-total", f"{LISTED.name}: the reply states no total_results")
            if number * PAGE >= total:
                return found
            number += 1

    def _fits(self, told: Record, applied: Applied) -> bool:
        receiver = told.get("receiver")
        return mapping.units(told) == Counter(applied.units) and same_recipient(
            applied, receiver if isinstance(receiver, dict) else {}, self._register.hashes
        )


def _placed(ref: str, applied: Applied) -> Placed:
    return Placed((ref,), awaits_supplier=True, units=dict(applied.units))


def _detail(external: str, quantity: int, fen: int) -> str:
    """`pid:skuid:quantity:fen`; a product without SKUs leaves the second empty."""
    return f"{goods.listing_of(external)}:{goods.sku_of(external) or ''}:{quantity}:{fen}"


def _recipient(order: PurchaseOrder, given: FenxiaoSettings) -> dict[str, Any]:
    to = order.ship_to
    province, city, county = regions.names(to.region)
    mobile = to.mobile.isdigit() and len(to.mobile) == 11 and to.mobile.startswith("1")
    return {
        "buyer_name": to.name,
        "province": province,
        "city": city or province,
        "district": county,
        "address": to.address,
        "mobile" if mobile else "phone": to.mobile,
        "logistics_type": given.logistics_type,
    }
