"""Products, orders and requisitions into our words. Pure.

Costs are yuan; the retail range (`retail_price_low`, `retail_price_high`) and the discounts of
sub-orders are fen. A dealer buys at `dealer_cost_price`, else at `cost_price`, always in bulk.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal

from connectors.model import PriceFact, Reject, StockFact
from connectors.top import goods, values
from connectors.top.demand import Demand, DemandLine
from connectors.top.envelope import Record, records
from connectors.top.values import Bad

from .settings import FenxiaoSettings

State = Literal["in_stock", "out", "unknown"]
PartState = Literal["open", "shipped", "completed", "cancelled"]

FREE = '{"kind":"free"}'
SPEC = "规格"

STATES: Mapping[str, PartState] = {
    "WAIT_FOR_SUPPLIER_AUDIT1": "open",
    "WAIT_FOR_APPLIER_AUDIT": "open",
    "WAIT_FOR_SUPPLIER_AUDIT2": "open",
    "BOTH_AGREE_WAIT_PAY": "open",
    "WAIT_FOR_SUPPLIER_DELIVER": "open",
    "WAIT_FOR_APPLIER_STORAGE": "shipped",
    "TRADE_FINISHED": "completed",
    "TRADE_CLOSED": "cancelled",
    "SUPPLIER_REFUSE": "cancelled",
}
TAKING = frozenset(
    [
        *("WAIT_BUYER_PAY", "WAIT_SELLER_SEND_GOODS", "WAIT_SELLER_CONFIRM_PAY"),
        *("WAIT_SELLER_CONFIRM", "PAID_FORBID_CONSIGN", "TRADE_FOR_PAY"),
        *("PAY_ACOUNTED_GOODS_CONFIRM",),
    ]
)
"""Statuses in which a supplier still has units to set aside."""


def rows(
    products: Sequence[Record], given: FenxiaoSettings, where: str
) -> tuple[list[dict[str, Any]], list[Reject]]:
    """(rows, rejects) of a reply's products; `line` is a product's place, from 1."""
    good: list[dict[str, Any]] = []
    rejects: list[Reject] = []
    for line, product in enumerate(products, 1):
        try:
            common = _common(product, given)
            good += [
                {"file": where, "line": line, **common, **_row(external, product, sku, given)}
                for external, sku in _each(product)
            ]
        except Bad as error:
            rejects.append(Reject(where, line, error.column, error.value, error.reason))
    return good, rejects


def priced(product: Record, given: FenxiaoSettings) -> Iterator[PriceFact]:
    """What a dealer pays for every SKU of a product. Raises Bad."""
    for external, sku in _each(product):
        sold = is_dealt(product, given)
        yield PriceFact(external, bulk=_cost(product, sku) if sold else None)


def stocked(product: Record, given: FenxiaoSettings) -> Iterator[StockFact]:
    """The stock of every SKU of a product. Raises Bad."""
    for external, sku in _each(product):
        state, quantity = _stock(sku, given)
        yield StockFact(external, state, quantity)


def is_dealt(product: Record, given: FenxiaoSettings) -> bool:
    """Whether a product can be bought by requisition."""
    agent_only = values.text(product, "trade_type") == "AGENT"
    return not agent_only or given.agent_goods == "sell"


def pid(product: Record) -> str:
    """A product's id. Raises Bad."""
    return values.needed(product, "pid")


def demand(order: Record) -> Demand:
    """A consumer's order at a distributor. Raises Bad. Recipients are left where they are."""
    lines = tuple(_line(sub, order) for sub in records(order, "sub_purchase_orders"))
    return Demand(
        values.needed(order, "fenxiao_id"),
        values.text(order, "status") or "",
        values.moment(order, "modified"),
        lines,
    )


def units(requisition: Record) -> Counter[str]:
    """Pieces by external id of a requisition's living lines. Raises Bad."""
    found: Counter[str] = Counter()
    for line in records(requisition, "dealer_order_details"):
        if values.flag(line, "is_deleted") is not True:
            sku = values.text(line, "sku_id")
            external = goods.external_id(
                values.needed(line, "product_id"), sku if sku != "0" else None
            )
            found[external] += values.whole(line, "quantity") or 0
    return found


def state(requisition: Record) -> PartState:
    """How a requisition stands. Raises Bad for a status that the platform does not document."""
    status = values.needed(requisition, "order_status")
    if status not in STATES:
        raise Bad("order_status", status, "this status is not known")
    return STATES[status]


def _line(sub: Record, order: Record) -> DemandLine:
    status = values.text(sub, "status") or values.text(order, "status") or ""
    product, sku = values.text(sub, "item_id"), values.text(sub, "sku_id")
    return DemandLine(
        values.needed(sub, "id"),
        goods.external_id(product, sku if sku != "0" else None) if product else None,
        values.whole(sub, "num") or 0,
        taking=status in TAKING,
        status=status,
    )


def _each(product: Record) -> list[tuple[str, Record]]:
    own = pid(product)
    skus = records(product, "skus")
    if not skus:
        return [(own, product)]
    return [(goods.external_id(own, values.needed(sku, "id")), sku) for sku in skus]


def _common(product: Record, given: FenxiaoSettings) -> dict[str, Any]:
    comes_with_invoice = values.flag(product, "have_invoice")
    images = [values.text(one, "image_url") for one in records(product, "images")]
    first = (values.text(product, "pictures") or "").split(",")
    on_sale = values.text(product, "status") in (None, "up")
    return {
        "listing": pid(product),
        "title": " ".join(values.needed(product, "name").split()),
        "brand": given.brand,
        "images": goods.pictures([*(one.strip() for one in first), *images]),
        "msrp": values.yuan(product, "standard_retail_price"),
        "min_retail": values.fen(product, "retail_price_low"),
        "max_retail": values.fen(product, "retail_price_high"),
        "freight": FREE if values.text(product, "postage_type") == "seller" else None,
        "tax_rate": given.tax_rate,
        "invoice": "none" if comes_with_invoice is False else given.invoice,
        "ships_from": "".join(values.text(product, key) or "" for key in ("prov", "city")) or None,
        "state": "live" if on_sale and is_dealt(product, given) else "off",
        "pack": 1,
        "multiple": 1,
        "moq": 1,
    }


def _row(external: str, product: Record, sku: Record, given: FenxiaoSettings) -> dict[str, Any]:
    held, quantity = _stock(sku, given)
    spec = values.text(sku, "name") if sku is not product else None
    return {
        "external_id": external,
        "mpn": values.text(sku, "outer_id") or values.text(product, "outer_id"),
        "attributes": goods.attributes({SPEC: spec} if spec else {}),
        "bulk_price": _cost(product, sku),
        "stock_state": None if held == "unknown" else held,
        "stock_quantity": quantity,
    }


def _cost(product: Record, sku: Record) -> Decimal:
    dealt = values.text(product, "trade_type") != "AGENT"
    keys = ("dealer_cost_price", "cost_price") if dealt else ("cost_price",)
    for node in (sku, product):
        for key in keys:
            price = values.yuan(node, key)
            if price is not None:
                return price
    raise Bad("cost_price", "", "the platform sent no price")


def _stock(sku: Record, given: FenxiaoSettings) -> tuple[State, int | None]:
    shown = values.quantity(sku, "quantity")
    if shown is None:
        return "unknown", None
    reserved = values.quantity(sku, "reserved_quantity") or 0
    left = max(0, shown - reserved) if given.withheld == "subtract" else shown
    return ("in_stock" if left else "out"), left
