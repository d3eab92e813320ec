"""Previews and orders of 1688 into our words, and ours into its. Pure.

Sums of a preview and of a new order are fen, unit prices and lines yuan; an order that is read
again speaks yuan throughout (its discount apart). Ids are texts: the numbers beside them have lost
digits.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal

from connectors.errors import Refused, Unreadable
from connectors.model import OrderLine, ShipTo
from connectors.regions import names
from connectors.towns import name as town_name
from connectors.trading import Part, QuotedLine, SourceParcel

from . import faults, values
from .products import external_id, offer_of, spec_of
from .values import Bad, Record

PREVIEWS = ("orderPreviewResuslt", "orderPreviewResult")
"""1688's own spelling first."""
UNPAID, PAID = "waitbuyerpay", "waitsellersend"
CLOSED = frozenset({"cancel", "terminated"})

State = Literal["held", "open", "shipped", "delivered", "refused", "completed", "cancelled"]
STATES: dict[str, State] = {
    UNPAID: "held",
    PAID: "open",
    "waitlogisticstakein": "open",
    "waitbuyerreceive": "shipped",
    "waitbuyersign": "shipped",
    "signinsuccess": "delivered",
    "confirm_goods": "delivered",
    "success": "completed",
    "cancel": "cancelled",
    "terminated": "cancelled",
}
_EXTENSION = re.compile(r"(1\d{10})[-转,]\s*(\d{1,6})")
_PRIVATE = frozenset(
    [
        *("receiverInfo", "nativeLogistics", "internationalLogistics", "receiver", "sender"),
        *("buyerContact", "orderInvoiceInfo", "overseasExtraAddress", "buyerMemo", "buyerFeedback"),
    ]
)
_QUOTE_CODES = {
    "OutOfStock": "out_of_stock",
    "NotDeliverable": "not_deliverable",
    "NoSuchThing": "no_such_thing",
    "PriceChanged": "no_price",
}


def cargo(lines: Iterable[OrderLine]) -> list[dict[str, Any]]:
    """Lines as 1688 takes them: a SKU by its specId, an offer without SKUs by itself."""
    found = []
    for line in lines:
        offer, spec = offer_of(line.external_id), spec_of(line.external_id)
        if not offer.isdigit():
            raise Refused("bad-id", f"{line.external_id} is no SKU of 1688")
        one = {"offerId": int(offer), "specId": spec, "quantity": line.quantity}
        found.append({key: value for key, value in one.items() if value is not None})
    return found


def address(to: ShipTo, code: str | None = None) -> dict[str, str]:
    """A recipient as 1688 takes one: digits only in its numbers, a district code beside names.

    A virtual number's extension goes behind the name, where carriers look for it.
    """
    name, mobile, phone = to.name, to.mobile.strip(), ""
    if virtual := _EXTENSION.fullmatch(mobile):
        mobile, name = virtual.group(1), f"{name}[{virtual.group(2)}]"
    digits = re.sub(r"\D", "", mobile)
    if not re.fullmatch(r"1\d{10}", digits):
        digits, phone = "", digits
    province, city, county = names(to.region[:6])
    told = {
        "fullName": name,
        "mobile": digits,
        "phone": phone,
        "provinceText": province,
        "cityText": city or province,
        "areaText": county,
        "townText": town_name(to.region),
        "address": to.address,
        "districtCode": code or to.region[:6],
    }
    return {key: value for key, value in told.items() if value}


def one_line(to: ShipTo) -> str:
    """A whole address in a line, for 1688 to read."""
    return f"{''.join(names(to.region[:6]))}{to.address}"


@dataclass(frozen=True)
class Preview:
    """One order that 1688 would make. Amounts in fen; `prices` are yuan a piece by external id.

    `faults` are (code, message) by external id of what it would not sell; "" is the whole order.
    """

    flow: str
    trade_types: tuple[str, ...]
    payment: int | None
    carriage: int | None
    prices: dict[str, Decimal]
    faults: dict[str, tuple[str, str]]


def previews(reply: Record) -> list[Preview]:
    """The orders that a preview speaks of. Raises Unreadable where there is none."""
    try:
        found = [_preview(one) for one in values.parts(reply, *PREVIEWS)]
    except Bad as bad:
        raise Unreadable("preview", f"the preview cannot be read: {bad}") from bad
    if not found:
        raise Unreadable("preview", "the preview names no order")
    return found


def _preview(told: Record) -> Preview:
    prices: dict[str, Decimal] = {}
    wrong: dict[str, tuple[str, str]] = {}
    for line in values.parts(told, "cargoList"):
        name = external_id(values.needed(line, "offerId"), values.text(line, "specId"))
        code = values.text(line, "resultCode") or ""
        if code.lower() not in faults.NO_ERROR:
            wrong[name] = (code, values.text(line, "message") or "not sold")
        price = values.price(line, "finalUnitPrice")
        amount, quantity = values.price(line, "amount"), values.whole(line, "quantity")
        if price is None and amount is not None and quantity:
            price = amount / quantity
        if price is not None:
            prices[name] = price
    modes = told.get("tradeModeNameList")
    code = values.text(told, "resultCode") or ""
    if faults.truth(told.get("status")) is False and not wrong:
        wrong[""] = (code or "unnamed", values.text(told, "message") or "not sold")
    return Preview(
        values.text(told, "flowFlag") or "",
        tuple(str(mode) for mode in modes) if isinstance(modes, list) else (),
        values.fen(told, "sumPayment"),
        values.fen(told, "sumCarriage"),
        prices,
        wrong,
    )


def quoted(lines: Sequence[OrderLine], found: Sequence[Preview]) -> tuple[QuotedLine, ...]:
    """What previews say of each line."""
    prices = {name: price for one in found for name, price in one.prices.items()}
    wrong = {name: fault for one in found for name, fault in one.faults.items()}
    if not all(one.trade_types for one in found):
        wrong.setdefault("", ("no-trade-mode", "1688 does not let this order be placed by API"))
    return tuple(_quoted(line, prices, wrong) for line in lines)


def unsellable(lines: Sequence[OrderLine], code: str, message: str) -> tuple[QuotedLine, ...]:
    """Every line, with the one reason why the whole order is declined."""
    return tuple(_quoted(line, {}, {"": (code, message)}) for line in lines)


def _quoted(
    line: OrderLine, prices: Mapping[str, Decimal], wrong: Mapping[str, tuple[str, str]]
) -> QuotedLine:
    name, price = line.external_id, prices.get(line.external_id)
    fault = wrong.get(name) or wrong.get("")
    if fault is None and price is None:
        fault = ("500_008", "1688 quotes no price")
    if fault is None:
        return QuotedLine(name, line.quantity, sellable=True, price=price)
    kind = faults.of(*fault).error.__name__
    code = _QUOTE_CODES.get(kind, "limited")
    return QuotedLine(name, line.quantity, sellable=False, price=price, code=code, message=fault[1])


@dataclass(frozen=True)
class Created:
    """What a create call made; amounts in fen. `refused` are (code, message) by external id."""

    refs: tuple[str, ...]
    amount: int | None
    freight: int | None
    refused: dict[str, tuple[str, str]]


def refs_of(reply: Record) -> tuple[str, ...]:
    """Every order id in the reply of a create call, nested or not, whatever its flags say."""
    inner = values.part(reply, "result")
    found: list[str] = []
    for level in (inner, reply):
        found += [values.text(one, "orderId") or "" for one in _listed(level)]
        found.append(values.text(level, "orderId") or "")
    return tuple(dict.fromkeys(one for one in found if one.strip("0")))


def created(reply: Record) -> Created:
    """What was made. Raises Unreadable."""
    inner = values.part(reply, "result")
    level = inner or reply
    try:
        several = [one for one in _listed(level) if (values.text(one, "orderId") or "").strip("0")]
        amount = values.fen(level, "totalSuccessAmount") or values.fen(reply, "totalSuccessAmount")
        freight = values.fen(level, "postFee")
        if several:
            amounts = [values.fen(one, "orderAmmount", "orderAmount") for one in several]
            fees = [values.fen(one, "postFee") for one in several]
            amount, freight = _sum(amounts), _sum(fees)
        refused = {
            external_id(values.needed(one, "offerId"), values.text(one, "specId")): (
                values.text(one, "errorCode") or "refused",
                values.text(one, "errorMessage") or "1688 names no reason",
            )
            for one in values.parts(level, "failedOfferList")
        }
    except Bad as bad:
        raise Unreadable("order", f"the new order cannot be read: {bad}") from bad
    return Created(refs_of(reply), amount, freight, refused)


def _listed(level: Record) -> list[Record]:
    return values.parts(level, "orderList") if isinstance(level.get("orderList"), list) else []


def _sum(amounts: Iterable[int | None]) -> int | None:
    known = list(amounts)
    return None if None in known else sum(one for one in known if one is not None)


@dataclass(frozen=True)
class Order:
    """An order as it stands. `total` in fen; `entries` are its lines as they were told."""

    ref: str
    status: str
    total: int | None
    freight: Decimal | None
    out_ref: str | None
    entries: tuple[Record, ...]

    @property
    def state(self) -> State:
        """In our words; a status we do not know is open: nothing is concluded from it."""
        return STATES.get(self.status, "open")

    @property
    def lines(self) -> tuple[tuple[str, int], ...]:
        """(external id, pieces)."""
        return tuple((entry_sku(one), values.whole(one, "quantity") or 0) for one in self.entries)

    @property
    def named(self) -> bool:
        """Whether every line says which SKU it is; some lists name only the offer."""
        return all(
            values.text(one, "specId") or (values.text(one, "skuID") or "0") == "0"
            for one in self.entries
        )

    def entry(self, external: str) -> Record | None:
        """The line of a SKU."""
        return next((one for one in self.entries if entry_sku(one) == external), None)


def order(told: Record) -> Order:
    """An order from one entry of a list, or from the `result` of a buyer's view. Raises Bad."""
    base = values.part(told, "baseInfo")
    total = values.number(base, "totalAmount")
    extra = {str(one.get("key")): one.get("value") for one in values.parts(told, "extAttributes")}
    return Order(
        values.needed(base, "idOfStr", "id"),
        values.text(base, "status") or "",
        None if total is None else int((total * 100).to_integral_value()),
        values.number(base, "shippingFee"),
        values.text(base, "outOrderId") or values.text(extra, "outOrderId"),
        tuple(values.parts(told, "productItems")),
    )


def entry_sku(entry: Record) -> str:
    """Our key of an order line. Raises Bad."""
    return external_id(values.needed(entry, "productID", "offerId"), values.text(entry, "specId"))


def entry_id(entry: Record) -> str:
    """The id of an order line, from its text. Raises Bad."""
    return values.needed(entry, "subItemIDString", "subItemID")


def moving(entry: Record) -> bool:
    """Whether anything of an order line has left: 2 shipped, 3 received, 4 returned, 5 in part."""
    return values.whole(entry, "logisticsStatus") in (2, 3, 4, 5)


def paid_back(entry: Record) -> bool:
    """Whether the money of an order line came back before anything of it left."""
    status = (values.text(entry, "refundStatus") or "").replace("_", "").lower()
    return "success" in status and not moving(entry)


def parts(
    found: Order, parcels: Sequence[SourceParcel], freight_back: Decimal | None = None
) -> list[Part]:
    """An order and its parcels in our words; lines that were paid back before they left are a part
    of their own, which is cancelled, and with it came `freight_back`. Raises Bad."""
    gone = [one for one in found.entries if paid_back(one)]
    if found.state == "cancelled":
        unpaid = found.freight if found.status == "cancel" else None
        return [replace(part(found, parcels), freight_back=freight_back or unpaid)]
    if not gone:
        return [part(found, parcels)]
    stays = tuple(one for one in found.entries if one not in gone)
    off = replace(found, entries=tuple(gone))
    return [
        part(replace(found, entries=stays), parcels),
        Part(found.ref, "cancelled", off.lines, freight_back=freight_back),
    ]


def part(found: Order, parcels: Sequence[SourceParcel]) -> Part:
    """An order and its parcels in our words. Raises Bad."""
    state = found.state
    if state == "open" and parcels and found.status == "waitlogisticstakein":
        state = "shipped"
    amount = None if found.total is None else values.from_fen(found.total)
    return Part(found.ref, state, found.lines, tuple(parcels), amount, found.freight)


def without_people(told: Any) -> Any:
    """A reply without the parts that name recipients: it may be kept."""
    if isinstance(told, dict):
        return {k: without_people(v) for k, v in told.items() if k not in _PRIVATE}
    if isinstance(told, list):
        return [without_people(one) for one in told]
    return told


def kept(replies: Sequence[Any]) -> bytes:
    """Replies as they may be kept."""
    told = [without_people(one) for one in replies]
    return json.dumps(told, ensure_ascii=False, default=str).encode()
