"""Placing, finding, paying and cancelling orders, and following their parcels."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from connectors.errors import (
    NoSuchThing,
    OutcomeUnknown,
    PriceChanged,
    Refused,
    SupplierError,
    Unreadable,
)
from connectors.model import OrderLine, Placed, PurchaseOrder, ShipTo
from connectors.trading import Part, Progress, SourceParcel, SourceQuote

from . import faults, orders, parcels, refunds, values
from .calls import (
    CANCEL,
    CASHIER,
    CREATE,
    ORDER,
    ORDERS,
    PARCELS,
    PARSE_ADDRESS,
    PREPARE_PAY,
    PREVIEW,
    PROTOCOL_PAY,
    REFUNDS,
    SITE,
    TRACES,
)
from .gateway import Gateway
from .orders import Order, Preview
from .products import offer_of
from .settings import AliSettings
from .values import Bad, Record

MOST_LINES = 50
PAGE = 20
MOST_PAGES = 50
"""Of the refunds of an order."""
PAYMENTS = 3
"""How often a payment is tried that 1688 itself says did not happen."""
_LACK = ("缺货", "无货", "没货", "stock")


class Buying:
    """The orders of one buyer's account."""

    def __init__(self, gateway: Gateway, given: AliSettings) -> None:
        self._gateway = gateway
        self._given = given

    def quote(self, lines: Sequence[OrderLine], ship_to: ShipTo) -> SourceQuote:
        """What 1688 would ask; a declined preview is a quote of nothing sellable."""
        try:
            found, raw = self._previewed(lines, ship_to)
        except Refused as error:
            told = orders.unsellable(lines, error.code, error.message)
            return SourceQuote(told, None)
        fees = [one.carriage for one in found]
        known = [fee for fee in fees if fee is not None]
        freight = values.from_fen(sum(known)) if len(known) == len(fees) else None
        return SourceQuote(orders.quoted(lines, found), freight, len(found), raw=raw)

    def place(self, order: PurchaseOrder) -> Placed:
        """An unpaid order, at prices that the purchase allows; the one there is, if there is one.

        Raises PriceChanged, OutOfStock and other Refused; OutcomeUnknown.
        """
        if len(order.lines) > MOST_LINES:
            raise Refused("too-many-lines", f"1688 takes {MOST_LINES} SKUs an order at most")
        if held := self._of(order.our_ref):
            _same_goods(order, held)
            placed = _placed(held)
            told = placed.units
            missing = [one.external_id for one in order.lines if one.external_id not in told]
            return replace(placed, refused=tuple(missing)) if told else placed
        found, _ = self._previewed(order.lines, order.ship_to)
        for line in orders.quoted(order.lines, found):
            if not line.sellable:
                raise _declined(found, line.external_id, line.message)
        _guard(order.lines, found)
        reply = self._gateway.reply(CREATE[self._given.create_api], **self._asked(order, found))
        made = orders.created(reply.data)
        if not made.refs:
            code, message = next(iter(made.refused.values()), ("no-order", "1688 made no order"))
            raise faults.of(code, message).error(code, message)
        return Placed(
            made.refs,
            awaits_supplier=False,
            refused=tuple(made.refused),
            held=True,
            amount=None if made.amount is None else values.from_fen(made.amount),
            freight=None if made.freight is None else values.from_fen(made.freight),
            raw=reply.raw,
        )

    def find(self, our_ref: str) -> Placed | None:
        """The orders under our reference, closed ones too: they were made, and must be known."""
        found = self._of(our_ref)
        return _placed(found) if found else None

    def confirm(self, our_ref: str, most: Decimal | None = None) -> Placed:
        """Pay by agreement whatever is unpaid; where a person pays, the order stays held.

        Raises Refused when an order is closed or cannot be paid, PriceChanged when its seller asks
        more than `most` by now, OutcomeUnknown when 1688 does not say.
        """
        found = self._some(our_ref)
        if all(one.status in orders.CLOSED for one in found):
            raise Refused("closed", f"the order of {our_ref} is closed; nothing was paid")
        unpaid = [one for one in found if one.status == orders.UNPAID]
        if self._given.pay == "person" or not unpaid:
            return _placed(found)
        total = _total(found)
        if most is not None and (total is None or values.from_fen(total) > most):
            raise PriceChanged("raised", f"1688 asks {total} fen for {our_ref}, not {most} CNY")
        for one in unpaid:
            self._pay(one)
        return replace(_placed(found), held=False)

    def cashier(self, our_ref: str) -> str:
        """The address at which a person pays the orders of a purchase."""
        refs = [int(one.ref) for one in self._some(our_ref)]
        return values.needed(self._gateway.ask(CASHIER, orderIdList=refs), "payUrl")

    def cancel(self, our_ref: str, reason: str) -> list[Order]:
        """Close unpaid orders; returns those that are paid and not sent, which only their sellers
        can let go. Raises Refused for what has left, TryLater."""
        paid = []
        why = "sellerGoodsLack" if any(word in reason for word in _LACK) else "buyerCancel"
        for one in self._some(our_ref):
            if one.status in orders.CLOSED:
                continue
            asked = {"tradeID": one.ref, "cancelReason": why, "remark": reason[:100] or None}
            try:
                self._gateway.ask(CANCEL, webSite=SITE, **asked)
            except (Refused, OutcomeUnknown):
                now = self.order(one.ref)
                if now.status == orders.PAID:
                    paid.append(now)
                elif now.status not in orders.CLOSED:
                    raise
        return paid

    def track(self, our_ref: str) -> Progress:
        """How the orders of a purchase stand now."""
        found = [one.ref for one in self._some(our_ref)]
        raw: list[Any] = []
        parts = tuple(part for ref in found for part in self._parts(ref, raw))
        return Progress(our_ref, tuple(found), parts, orders.kept(raw))

    def order(self, ref: str, raw: list[Any] | None = None) -> Order:
        """An order as it stands. Raises NoSuchThing, Unreadable."""
        reply = self._gateway.ask(ORDER, webSite=SITE, orderId=ref)
        if raw is not None:
            raw.append(reply)
        return _read(values.part(reply, "result"))

    def refunds(self, ref: str) -> list[Record]:
        """The refunds of an order, of before and after its sale was over. Pages start at 0.

        Raises Unreadable where there is no end of them: none may be missed.
        """
        found: list[Record] = []
        for number in range(MOST_PAGES):
            asked = {"orderId": ref, "dipsuteType": 0, "currentPageNum": number, "pageSize": PAGE}
            reply = values.part(self._gateway.ask(REFUNDS, **asked), "result")
            listed = values.parts(reply, "opOrderRefundModels")
            if listed and all(one in found for one in listed):
                break  # the same page again
            found += listed
            if len(listed) < PAGE:
                return found
        raise Unreadable("refunds", f"1688 names {len(found)} refunds of order {ref} and no end")

    def _parts(self, ref: str, raw: list[Any]) -> list[Part]:
        found = self.order(ref, raw)
        sent: list[SourceParcel] = []
        try:
            if found.state != "held":  # what was paid back may be sent all the same
                sent = self._parcels(found, raw)
            gone = [one for one in found.entries if orders.paid_back(one)]
            listed = self.refunds(ref) if gone or refunds.asked_after(found) else []
            back = refunds.carriage_back(listed, gone) if gone else None
            told = orders.parts(found, sent, back)
            return [replace(told[0], refunds=refunds.given(listed, found)), *told[1:]]
        except Bad as bad:
            raise Unreadable("order", f"order {ref}: {bad}") from bad

    def _parcels(self, found: Order, raw: list[Any]) -> list[SourceParcel]:
        """Parcels as they are now: a waybill that was changed is simply the newer one. Raises
        Bad."""
        ref = found.ref
        try:
            told = self._gateway.ask(
                PARCELS, webSite=SITE, orderId=ref, fields="company,name,sendgood"
            )
        except NoSuchThing:
            return []  # 500_2: nothing was shipped yet
        raw.append(told)
        try:
            steps = parcels.steps(self._gateway.ask(TRACES, webSite=SITE, orderId=ref))
        except NoSuchThing:
            steps = {}  # no carrier has told anything, or it was over a year ago
        return parcels.parcels(told, steps, found)

    def _of(self, our_ref: str) -> list[Order]:
        """Every order under our reference; others that a lenient filter lets through are not."""
        found: dict[str, Order] = {}
        for number in range(1, MOST_LINES + 1):
            reply = self._gateway.ask(ORDERS, outOrderId=our_ref, page=number, pageSize=PAGE)
            listed = [_read(one) for one in values.parts(reply, "result")]
            found |= {one.ref: one for one in listed if one.out_ref in (None, our_ref)}
            total = values.whole(reply, "totalRecord")
            if len(found) > MOST_LINES:
                raise Unreadable(
                    "unfiltered", f"1688 names over {MOST_LINES} orders under {our_ref}: not ours"
                )
            if len(listed) < PAGE or (total is not None and number * PAGE >= total):
                break
        return list(found.values())

    def _some(self, our_ref: str) -> list[Order]:
        if found := self._of(our_ref):
            return found
        raise NoSuchThing("no-order", f"1688 holds no order under {our_ref}")

    def _previewed(
        self, lines: Sequence[OrderLine], ship_to: ShipTo
    ) -> tuple[list[Preview], bytes]:
        reply = self._gateway.reply(
            PREVIEW,
            addressParam=orders.address(ship_to, self._district(ship_to)),
            cargoParamList=orders.cargo(lines),
            flow=self._flow(lines) or None,
        )
        return orders.previews(reply.data), reply.raw

    def _district(self, ship_to: ShipTo) -> str | None:
        if self._given.address_by == "region":
            return None
        told = self._gateway.ask(PARSE_ADDRESS, addressInfo=orders.one_line(ship_to))
        return values.text(values.part(told, "result"), "addressCode")

    def _flow(self, lines: Sequence[OrderLine]) -> str:
        one = sum(line.quantity for line in lines) == 1
        return self._given.flow if one else self._given.bulk_flow

    def _asked(self, order: PurchaseOrder, found: Sequence[Preview]) -> dict[str, Any]:
        given = self._given
        if given.trade_type and not all(given.trade_type in one.trade_types for one in found):
            raise Refused("trade-type", f"this order cannot be traded as {given.trade_type}")
        flow = self._flow(order.lines) or next((one.flow for one in found if one.flow), "general")
        return {
            "flow": flow,
            "addressParam": orders.address(order.ship_to, self._district(order.ship_to)),
            "cargoParamList": orders.cargo(order.lines),
            "outOrderId": order.our_ref,
            "message": order.note or None,
            "tradeType": given.trade_type or None,
            "anonymousBuyer": given.anonymous_buyer or None,
            "fenxiaoChannel": given.fenxiao_channel or None,
        }

    def _pay(self, one: Order) -> None:
        for _ in range(PAYMENTS):
            failed: SupplierError | None = None
            try:
                if self._paid_now(one):
                    return
            except (Refused, OutcomeUnknown) as error:
                failed = error
            now = self.order(one.ref)  # a timeout may say no although the money has moved
            if now.status in orders.CLOSED:
                raise Refused("closed", f"order {one.ref} is closed; nothing was paid")
            if now.status != orders.UNPAID:
                return
            if failed is not None:
                raise failed
        raise OutcomeUnknown("unpaid", f"1688 has not said that order {one.ref} is paid")

    def _paid_now(self, one: Order) -> bool:
        if self._given.pay == "protocol":
            return (
                faults.truth(self._gateway.ask(PROTOCOL_PAY, orderId=one.ref).get("success"))
                is True
            )
        asked = {
            "orderId": int(one.ref),
            "payChannel": self._given.pay_channel or None,
            "payAmount": one.total,
            "opRequestId": one.ref,
        }
        wanted = {key: value for key, value in asked.items() if value is not None}
        reply = self._gateway.ask(PREPARE_PAY, tradeWithholdPreparePayParam=wanted)
        told = values.part(values.part(reply, "result"), "result")
        return faults.truth(told.get("paySuccess")) is True


def _guard(lines: Sequence[OrderLine], found: Sequence[Preview]) -> None:
    """Raise PriceChanged where a piece costs more than the purchase allows."""
    prices: dict[str, Decimal] = {}
    for one in found:
        prices |= one.prices
    for line in lines:
        asked = prices[line.external_id]
        if asked > line.cost:
            told = f"{line.external_id} costs {asked} CNY now, {line.cost} was agreed"
            raise PriceChanged("price", told, prices=prices)


def _same_goods(order: PurchaseOrder, held: Sequence[Order]) -> None:
    """Raise Unreadable where what is held under our reference is none of what we ask for."""
    wanted = {offer_of(line.external_id) for line in order.lines}
    strange = {offer_of(name) for one in held for name, _ in one.lines} - wanted
    if strange:
        raise Unreadable(
            "another-order", f"under {order.our_ref} 1688 holds other goods: {sorted(strange)[0]}"
        )


def _declined(found: Sequence[Preview], external: str, message: str) -> SupplierError:
    for one in found:
        if fault := one.faults.get(external) or one.faults.get(""):
            return faults.of(*fault).error(fault[0], fault[1])
    return Refused("no-price", f"{external}: {message}")


def _placed(found: Sequence[Order]) -> Placed:
    total = _total(found)
    fees = [one.freight for one in found]
    known = [fee for fee in fees if fee is not None]
    units: Counter[str] = Counter()
    for one in found if all(each.named for each in found) else ():
        for name, pieces in one.lines:
            units[name] += pieces
    return Placed(
        tuple(one.ref for one in found),
        awaits_supplier=False,
        held=any(one.status == orders.UNPAID for one in found),
        units=dict(units),
        amount=None if total is None else values.from_fen(total),
        freight=sum(known, Decimal(0)) if len(known) == len(fees) else None,
    )


def _total(found: Sequence[Order]) -> int | None:
    totals = [one.total for one in found]
    known = [total for total in totals if total is not None]
    return sum(known) if len(known) == len(totals) else None


def _read(told: Any) -> Order:
    try:
        found = orders.order(told)
        _ = found.lines  # read once here, where what cannot be read is told
    except Bad as bad:
        raise Unreadable("order", f"an order cannot be read: {bad}") from bad
    return found
