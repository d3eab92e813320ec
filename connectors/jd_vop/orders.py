"""JD's orders in our words: what is submitted, what came of it, and the tree after splits. Pure."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal

from connectors.jd.reading import moment, money, numbered, pick, rows, table, text, unpacked, whole
from connectors.model import OrderLine, Placed, PurchaseOrder, ShipTo
from connectors.trading import Part, SourceParcel, TrackEvent
from kit.money import fen, line_amount

from .mapping import Price
from .settings import VopSettings
from .wire import Area, Said

_MOBILE = re.compile(r"1\d{10}")
_NOTHING = (None, "", 0, "0")
SHIPPED = frozenset([8, 9, 10, 11, 12, 14, 16, 29, 30, 31])
FINISHED = 19
_MAIN = 0
LONGEST_NAME, LONGEST_ADDRESS = 20, 100
State = Literal["held", "open", "shipped", "delivered", "refused", "completed", "cancelled"]


def classic_order(
    order: PurchaseOrder, area: Area, prices: Mapping[str, Price], given: VopSettings
) -> dict[str, Any]:
    """The fields of a classic submitOrder, in JD's own spelling (`invoiceProvice`)."""
    fields: dict[str, Any] = {
        "thirdOrder": order.our_ref,
        "sku": [
            {
                "skuId": numbered(line.external_id),
                "num": line.quantity,
                "price": prices[line.external_id].quoted,
                "bNeedAnnex": True,
                "bNeedGift": given.gifts,
            }
            for line in order.lines
        ],
        "name": order.ship_to.name,
        "province": area.province,
        "city": area.city,
        "county": area.county,
        "town": area.town,
        "address": order.ship_to.address,
        **_phones(order.ship_to, "mobile", "phone"),
        "email": given.email or None,
        "remark": order.note[:99] or None,
        "invoiceState": given.invoice_state,
        "invoiceType": given.invoice_type,
        "selectedInvoiceTitle": given.invoice_title_kind,
        "companyName": given.invoice_title or None,
        "invoiceContent": given.invoice_content,
        **_invoice(given),
        "paymentType": given.payment_type,
        "isUseBalance": 1 if given.payment_type == 4 else 0,
        "submitState": 0 if given.submit == "hold" else 1,
    }
    if given.price_guard:
        fields["doOrderPriceMode"] = 1
        fields["orderPriceSnap"] = [
            {"price": prices[line.external_id].quoted, "skuId": numbered(line.external_id)}
            for line in order.lines
        ]
    return fields


def router_order(
    order: PurchaseOrder, area: Area, prices: Mapping[str, Price], given: VopSettings
) -> dict[str, Any]:
    """The `submitOrderOpenReq` of the router; `skuUnitPrice` is its price guard."""
    phones = _phones(order.ship_to, "consigneeMobile", "consigneePhone")
    guard = given.price_guard
    return {
        "thirdOrderId": order.our_ref,
        "submitStateType": 0 if given.submit == "hold" else 1,
        "remark": order.note[:99],
        "skuInfoList": [
            {
                "skuId": numbered(line.external_id),
                "skuNum": line.quantity,
                "skuNeedGift": given.gifts,
                **({"skuUnitPrice": prices[line.external_id].quoted} if guard else {}),
            }
            for line in order.lines
        ],
        "paymentInfo": {"paymentType": given.payment_type},
        "consigneeInfo": {
            "consigneeName": order.ship_to.name,
            "consigneeProvinceId": int(area.province),
            "consigneeCityId": int(area.city),
            "consigneeCountyId": int(area.county),
            "consigneeTownId": int(area.town),
            "consigneeAddress": order.ship_to.address,
            **{name: value for name, value in phones.items() if value},
        },
        "invoiceInfo": {
            "invoiceType": given.invoice_type,
            "invoicePutType": given.invoice_state,
            "invoiceSelectedTitle": given.invoice_title_kind,
            "invoiceContentType": given.invoice_content,
            "invoiceCompanyName": given.invoice_title,
            "invoiceName": given.invoice_name,
            "invoicePhone": given.invoice_phone,
        },
    }


def too_long(ship_to: ShipTo) -> str:
    """Why JD cannot take a recipient; "" when it can. A cut address would go astray."""
    if len(ship_to.name) > LONGEST_NAME:
        return f"JD takes names of {LONGEST_NAME} signs at most"
    if len(ship_to.address) > LONGEST_ADDRESS:
        return f"JD takes addresses of {LONGEST_ADDRESS} signs at most"
    return ""


def _phones(ship_to: ShipTo, mobile: str, phone: str) -> dict[str, str | None]:
    """A mobile in its field; landlines, and mobiles with an extension, in the other too."""
    found = _MOBILE.search(ship_to.mobile)
    whole_mobile = found is not None and found.group() == ship_to.mobile
    return {
        mobile: found.group() if found else ship_to.mobile[:20],
        phone: None if whole_mobile else ship_to.mobile[:20],
    }


def _invoice(given: VopSettings) -> dict[str, Any]:
    if not given.invoice_area:
        return {}
    province, city, county = (*given.invoice_area.split("_"), "", "")[:3]
    return {
        "invoiceName": given.invoice_name,
        "invoicePhone": given.invoice_phone,
        "invoiceProvice": province,
        "invoiceCity": city,
        "invoiceCounty": county,
        "invoiceAddress": given.invoice_address,
    }


def placed(answer: Said, given: VopSettings) -> Placed:
    """What JD holds after a submit. `amount` is the larger reading of goods and freight."""
    found = table(answer.result)
    ref = text(pick(found, "jdOrderId"))
    amount, freight = amounts(found)
    held = given.submit == "hold"
    return Placed(
        (ref,), awaits_supplier=False, held=held, amount=amount, freight=freight, raw=answer.raw
    )


def amounts(order: Mapping[str, Any]) -> tuple[Decimal | None, Decimal | None]:
    """What an order costs in all, and its freight.

    One of JD's documents counts the freight into orderPrice, a later one does not. The goods are
    summed to tell which; where they cannot be, orderPrice is taken as it stands.
    """
    priced = table(order.get("orderPrice")) if _is_table(order.get("orderPrice")) else order
    total = money(pick(priced, "orderTotalPrice", "orderPrice"))
    freight = money(pick(priced, "orderTotalFreight", "freight"))
    goods = _goods(order)
    if total is not None and freight and goods is not None and goods == total:
        return total + freight, freight
    return total, freight


def _goods(order: Mapping[str, Any]) -> Decimal | None:
    total = Decimal(0)
    for line in _lines(order):
        price, units = _gross(line), whole(pick(line, "num", "skuNum"))
        if price is None or units is None:
            return None
        total += price * units
    return total


def _gross(line: Mapping[str, Any]) -> Decimal | None:
    """What JD charges a unit with tax: under naked terms the price is the net one."""
    price = money(pick(line, "price", "skuPrice"))
    net, tax = (
        money(pick(line, "nakedPrice", "skuNakedPrice")),
        money(pick(line, "taxPrice", "skuTaxPrice")),
    )
    return net + tax if net is not None and tax is not None and price == net else price


def differences(answer: Said, order: PurchaseOrder) -> str:
    """How an order that was there already (0008) differs from the one we submit; "" if it is it."""
    there = {sku: units for sku, units, main in _counted(table(answer.result)) if main}
    ours: dict[str, int] = {}
    for line in order.lines:
        ours[line.external_id] = ours.get(line.external_id, 0) + line.quantity
    if there and there != ours:
        return f"JD holds {there} under {order.our_ref}, we ask for {ours}"
    return ""


def unit_prices(answer: Said) -> dict[str, Decimal]:
    """What JD charges a unit with tax, by SKU, where the submit's answer says so."""
    found = {}
    for line in _lines(table(answer.result)):
        sku, price = text(pick(line, "skuId", "sku")), _gross(line)
        if sku and price is not None:
            found[sku] = price
    return found


def dearer(line: OrderLine, asked: Decimal | None, given: VopSettings) -> bool:
    """Whether JD asks more for a line than we accept."""
    return asked is not None and asked > line.cost + Decimal(str(given.price_tolerance))


def in_all(
    order: PurchaseOrder, prices: Mapping[str, Price], freight: Decimal, given: VopSettings
) -> tuple[int, int]:
    """The fen that JD asks for goods and freight, and those that the order allows."""
    tolerance = Decimal(str(given.price_tolerance))
    asked = sum(line_amount(prices[x.external_id].gross, x.quantity) for x in order.lines)
    most = sum(line_amount(x.cost + tolerance, x.quantity) for x in order.lines)
    return asked + fen(freight), most + fen(order.freight or Decimal(0))


def leaves(result: Any) -> list[dict[str, Any]]:
    """The orders at the ends of the tree, whatever the shape: they replace what was known.

    Classic: one order, or a parent (`pOrder` an object) with `cOrder`. Router: a list, parent
    first, where a parent names its children.
    """
    found = unpacked(result)
    if isinstance(found, list):
        orders = rows(found)
        parents = {text(pick(row, "parentJdOrderId", "pOrder")) for row in orders}
        ends = [row for row in orders if text(pick(row, "jdOrderId")) not in parents]
        return ends or orders
    order = table(found)
    children = rows(order.get("cOrder"))
    if children:
        return children
    parent = order.get("pOrder")
    return [order | table(parent)] if _is_table(parent) else [order]


def root(result: Any, asked: str) -> str:
    """The id of the order at the top of the tree: messages and cancels speak of that one."""
    found = unpacked(result)
    order = rows(found)[0] if isinstance(found, list) and found else table(found or {})
    parent = unpacked(pick(order, "pOrder", "parentJdOrderId"))
    if _is_table(parent):
        return text(pick(parent, "jdOrderId")) or asked
    return text(parent) if parent not in _NOTHING else text(pick(order, "jdOrderId")) or asked


def part(order: Mapping[str, Any], parcels: Sequence[SourceParcel]) -> Part:
    """One leaf in our words. A child's price may be 0 and its goods may be missing: so be it."""
    amount, freight = amounts(order)
    counted = _counted(order)
    return Part(
        ref=text(pick(order, "jdOrderId")),
        state=state(order, shipped=bool(parcels)),
        lines=tuple((sku, units) for sku, units, main in counted if main),
        parcels=tuple(parcels),
        amount=amount,
        freight=freight,
        gifts=tuple((sku, units) for sku, units, main in counted if not main),
    )


def units(leaves: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """The pieces of all leaves by SKU; empty when a leaf hides its goods, as JD's sometimes do."""
    found: Counter[str] = Counter()
    for leaf in leaves:
        counted = [(sku, count) for sku, count, main in _counted(leaf) if main]
        if not counted:
            return {}
        for sku, count in counted:
            found[sku] += count
    return dict(found)


def state(order: Mapping[str, Any], *, shipped: bool = False) -> State:
    """Where an order stands; cancelled comes before everything, then how far it got."""
    told = table(order.get("orderState")) if _is_table(order.get("orderState")) else order
    step = whole(pick(told, "jdOrderState"))
    arrived = whole(pick(told, "deliveryState", "state"))
    if whole(pick(told, "cancelOrderState", "orderState")) == 0:
        return "cancelled"
    if whole(pick(told, "confirmState", "submitState")) == 0:
        return "held"
    if arrived == 2:
        return "refused"
    if step == FINISHED:
        return "completed"
    if arrived == 1:
        return "delivered"
    return "shipped" if shipped or step in SHIPPED else "open"


def parcels(result: Any, ref: str) -> list[SourceParcel]:
    """The parcels of an order, each with all that was told on the way, oldest first."""
    found = table(result)
    events = sorted(
        (
            TrackEvent(at, text(pick(row, "content", "trackContent")))
            for row in rows(pick(found, "orderTrack", "trackInfoList"))
            if (at := moment(pick(row, "msgTime", "trackMsgTime")))
        ),
        key=lambda event: event.at,
    )
    numbers = [
        (text(pick(row, "carrier", "deliveryCarrier")), text(pick(row, "deliveryOrderId")))
        for row in rows(pick(found, "waybillCode", "logisticInfoList"))
        if text(pick(row, "orderId", "jdOrderId")) in ("", ref)
    ]
    unique = dict.fromkeys((carrier, number) for carrier, number in numbers if number)
    return [SourceParcel(carrier, number, tuple(events)) for carrier, number in unique]


def _lines(order: Mapping[str, Any]) -> list[dict[str, Any]]:
    return rows(pick(order, "sku", "skuInfoList", "skuList"))


def _counted(order: Mapping[str, Any]) -> list[tuple[str, int, bool]]:
    """(SKU, units, whether it was asked for): gifts and accessories come unasked."""
    return [
        (
            text(pick(line, "skuId", "sku")),
            whole(pick(line, "num", "skuNum")) or 0,
            (whole(line.get("type")) or _MAIN) == _MAIN,
        )
        for line in _lines(order)
    ]


def _is_table(value: Any) -> bool:
    return isinstance(unpacked(value), dict)
