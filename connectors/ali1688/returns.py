"""Refunds and returns of a buyer at 1688."""

from collections.abc import Collection

from connectors.errors import OutcomeUnknown, Refused, Unreadable
from connectors.model import ShipTo
from connectors.trading import ClaimState, ReturnOptions, SourceClaim

from . import orders, refunds, values
from .buying import Buying
from .calls import CREATE_REFUND, REFUND, REFUND_REASONS, RETURN_GOODS
from .gateway import Gateway
from .orders import Order
from .values import Bad, Record

NOBODY = ShipTo("", "", "", "")
"""Where goods are fetched that never left."""


class Returns:
    """What may be asked back of one account's orders. A line is under one refund at a time."""

    def __init__(self, gateway: Gateway, buying: Buying) -> None:
        self._gateway = gateway
        self._buying = buying

    def options(self, ref: str, external_id: str) -> ReturnOptions:
        """What may still be asked for one SKU of an order. Raises NoSuchThing."""
        found = self._buying.order(ref)
        entry = refunds.entry_of(found, external_id)
        allowed = () if refunds.open_refund(entry) else refunds.kinds(found)
        reasons = self._reasons(found, entry, returns="return" in allowed) if allowed else []
        words = "；".join(name for one in reasons if (name := values.text(one, "name")))
        quantity = (values.whole(entry, "quantity") or 0) if allowed else 0
        return ReturnOptions(ref, external_id, allowed, quantity, message=words)

    def find(self, claim: SourceClaim, others: Collection[str]) -> str | None:
        """A refund of the line of a claim that is not closed and none of the others: 1688 knows no
        reference of ours. Raises NoSuchThing."""
        try:
            entry = refunds.entry_of(self._buying.order(claim.ref), claim.external_id)
            listed = self._buying.refunds(claim.ref)
            own = refunds.of_entry(listed, orders.entry_id(entry), ended=refunds.CLOSED)
            known = [values.text(one, "refundId") for one in own]
            open_now = refunds.open_refund(entry)
            return next((one for one in [open_now, *known] if one and one not in others), None)
        except Bad as bad:
            raise Unreadable("refund", f"order {claim.ref}: {bad}") from bad

    def claim(self, claim: SourceClaim) -> str:
        """A new refund's id; the one that the line is under already, if it is."""
        try:
            found = self._buying.order(claim.ref)
            entry = refunds.entry_of(found, claim.external_id)
            if known := refunds.open_refund(entry) or self._listed(claim.ref, entry):
                return known
            reasons = self._reasons(found, entry, returns=claim.kind == "return")
            asked = refunds.application(claim, found, refunds.reason(reasons, claim.reason))
            try:
                reply = self._gateway.ask(CREATE_REFUND, **asked)
            except OutcomeUnknown:
                if known := self._listed(claim.ref, entry):
                    return known
                raise
            inner = values.part(reply, "result")
            return values.needed(values.part(inner, "result") or inner, "refundId")
        except Bad as bad:
            raise Unreadable("refund", f"order {claim.ref}: {bad}") from bad

    def unsent(self, found: Order, reason: str) -> bool:
        """Ask for the money of a paid order that was not sent, line by line, once; whether its
        seller has yet to answer. What has left already is not asked back. Raises Refused where the
        seller keeps it, or has sent some of it."""
        waits = False
        for entry in found.entries:
            if orders.moving(entry):
                continue
            try:
                listed = refunds.of_entry(
                    self._buying.refunds(found.ref), orders.entry_id(entry), ended=refunds.CLOSED
                )
                if not listed:
                    sku, units = orders.entry_sku(entry), values.whole(entry, "quantity") or 0
                    asked = SourceClaim("", found.ref, sku, units, "refund", reason, NOBODY)
                    self.claim(asked)
                    waits = True
                    continue
                told = refunds.state(listed[0], found.ref)
            except Bad as bad:
                raise Unreadable("refund", f"order {found.ref}: {bad}") from bad
            if told.state == "refused":
                raise Refused("refund-refused", f"paid, and its seller keeps it: {told.message}")
            waits = waits or told.state != "refunded"
        if not waits and any(map(orders.moving, found.entries)):
            raise Refused("partly-sent", "some of it has left; the rest was paid back")
        return waits

    def claim_state(self, claim_ref: str) -> ClaimState:
        """How a refund stands, or the part of it that is about one line (`refunds.given`). Raises
        NoSuchThing."""
        name, _, line = claim_ref.partition(":")
        reply = self._gateway.ask(REFUND, refundId=name, needOrderRefundOperation=False)
        try:
            model = refunds.model_of(reply)
            if line:
                ref, _, key = line.partition(":")
                model = refunds.of_line(model, self._buying.order(ref), key)
            return refunds.state(model, claim_ref)
        except Bad as bad:
            raise Unreadable("refund", f"refund {claim_ref}: {bad}") from bad

    def sent_back(self, claim_ref: str, carrier: str, tracking_number: str) -> None:
        """Tell the waybill of goods on their way back; telling it twice changes nothing."""
        self._gateway.ask(
            RETURN_GOODS,
            refundId=claim_ref,
            logisticsCompanyNo=refunds.company(carrier),
            freightBill=tracking_number,
        )

    def _reasons(self, found: Order, entry: Record, *, returns: bool) -> list[Record]:
        reply = self._gateway.ask(
            REFUND_REASONS,
            orderId=found.ref,
            orderEntryIds=[int(orders.entry_id(entry))],
            goodsStatus=refunds.goods_status(found, returns=returns),
        )
        inner = values.part(reply, "result")
        return values.parts(values.part(inner, "result") or inner, "reasons")

    def _listed(self, ref: str, entry: Record) -> str | None:
        """The refund of an order line that 1688 lists, if any is open."""
        found = refunds.of_entry(self._buying.refunds(ref), orders.entry_id(entry))
        return values.text(found[0], "refundId") if found else None
