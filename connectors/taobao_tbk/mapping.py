"""Goods and orders of the alliance into our words. Pure.

Goods come in an old and a new form; in both, commission rates are in basis points ("1550" is
15.5 %). In the order report rates are in percent, and `--` is unknown.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from connectors.model import PriceFact, Reject
from connectors.top import goods, values
from connectors.top.envelope import Record, records, scalars
from connectors.top.values import Bad, Node
from connectors.trading import Commission

State = Literal["ordered", "paid", "finished", "settled", "invalid"]

STATES: Mapping[int, State] = {
    11: "ordered",
    12: "paid",
    13: "invalid",
    14: "finished",
    3: "settled",
}
UNKNOWN = "--"


def rows(items: Sequence[Record], where: str) -> tuple[list[dict[str, Any]], list[Reject]]:
    """(rows, rejects) of goods in either form; `line` is an item's place, from 1."""
    good: list[dict[str, Any]] = []
    rejects: list[Reject] = []
    for line, item in enumerate(items, 1):
        try:
            good.append({"file": where, "line": line, **_row(item)})
        except Bad as error:
            rejects.append(Reject(where, line, error.column, error.value, error.reason))
    return good, rejects


def item_id(item: Record) -> str:
    """An item's id, a number in the old form and opaque in the new one. Raises Bad."""
    return values.text(item, "item_id") or values.needed(item, "num_iid")


def priced(item: Record) -> PriceFact:
    """What consumers pay, and the share that is commission. Raises Bad."""
    return PriceFact(item_id(item), affiliate=_price(item), commission_rate=_rate(item))


def link_of(item: Record) -> str | None:
    """The link that a search gave with an item, if it did."""
    publish = _part(item, "publish_info")
    for node, key in (
        (publish, "coupon_share_url"),
        (publish, "click_url"),
        (item, "coupon_share_url"),
        (item, "url"),
    ):
        if address := values.picture(values.text(node, key)):
            return address
    return None


def _row(item: Record) -> dict[str, Any]:
    basic = _part(item, "item_basic_info") or item
    external = item_id(item)
    images = [values.text(basic, "pict_url"), *scalars(basic, "small_images")]
    category = [values.text(basic, key) for key in ("level_one_category_name", "category_name")]
    category = category if any(category) else [values.text(basic, "cat_name")]
    return {
        "external_id": external,
        "listing": external,
        "title": " ".join(values.needed(basic, "title").split()),
        "category": " > ".join(one for one in category if one) or None,
        "seller": values.text(basic, "shop_title") or values.text(basic, "nick"),
        "description": values.text(basic, "item_description"),
        "pack": 1,
        "multiple": 1,
        "images": goods.pictures(images),
        "msrp": _reserve(item),
        "affiliate_price": _price(item),
        "commission_rate": _rate(item),
        "state": "live",
    }


def _price(item: Record) -> Decimal:
    prices = _part(item, "price_promotion_info") or item
    for key in ("final_promotion_price", "zk_final_price", "reserve_price"):
        price = values.yuan(prices, key)
        if price is not None:
            return price
    raise Bad("zk_final_price", "", "the platform sent no price")


def _reserve(item: Record) -> Decimal | None:
    return values.yuan(_part(item, "price_promotion_info") or item, "reserve_price")


def _rate(item: Record) -> Decimal | None:
    """Basis points as a share."""
    publish = _part(item, "publish_info")
    income = _part(publish, "income_info")
    for node, key in (
        (income, "commission_rate"),
        (publish, "income_rate"),
        (item, "commission_rate"),
    ):
        points = values.number(node, key)
        if points is not None:
            if not 0 <= points <= 10_000:
                raise Bad(key, points, "basis points are expected, 1550 for 15.5 %")
            return points / 10_000
    return None


def _part(node: Node, key: str) -> Record:
    part = node.get(key)
    return part if isinstance(part, dict) else {}


def order_rows(data: Record) -> list[Record]:
    """The rows of one page of the report."""
    return records(data, "results")


def commission(row: Record, leader_param: str) -> Commission:
    """A row of the order report. Raises Bad.

    A row that was paid for and then refunded in part (`refund_tag` 1) stays what it is; the
    platform corrects its fee itself.
    """
    status = values.whole(row, "tk_status")
    if status is None or status not in STATES:
        raise Bad("tk_status", status, "3, 11, 12, 13 or 14 was expected")
    state = STATES[status]
    settled = _money(row, "pub_share_fee") if state == "settled" else None
    created = _moment(row, "tk_create_time") or _moment(row, "tb_paid_time")
    changed = _moment(row, "modified_time") or _moment(row, "tk_earning_time") or created
    if created is None or changed is None:
        raise Bad("tk_create_time", "", "the platform sent no time")
    paid = _money(row, "pay_price") if state == "settled" else None
    return Commission(
        id=values.needed(row, "trade_id"),
        order_ref=values.needed(row, "trade_id"),
        parent_ref=values.text(row, "trade_parent_id"),
        external_id=_said(row, "item_id") or "",
        title=_said(row, "item_title") or "",
        quantity=values.whole(row, "item_num") or 0,
        returned=0,
        state=state,
        leader=_leader(row, leader_param),
        paid=paid or _money(row, "alipay_total_price") or Decimal(0),
        rate=_percent(row, "tk_total_rate"),
        expected=_money(row, "pub_share_pre_fee") or Decimal(0),
        actual=settled,
        ordered_at=created,
        changed_at=changed,
        reason="refund" if values.whole(row, "refund_tag") == 1 else "",
    )


def _leader(row: Record, leader_param: str) -> str:
    key = "unid" if leader_param == "external_id" else leader_param
    return _said(row, key) or ""


def _said(row: Record, key: str) -> str | None:
    told = values.text(row, key)
    return None if told == UNKNOWN else told


def _money(row: Record, key: str) -> Decimal | None:
    return values.yuan({key: _said(row, key)}, key)


def _percent(row: Record, key: str) -> Decimal:
    told = (_said(row, key) or "0").removesuffix("%").strip()
    return (values.number({key: told}, key) or Decimal(0)) / 100


def _moment(row: Record, key: str) -> datetime | None:
    return values.moment({key: _said(row, key)}, key)
