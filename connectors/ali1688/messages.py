"""Messages of 1688, pushed or fetched, as hints. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import parse_qsl

from connectors import jsontext
from connectors.errors import Refused, Unreadable
from connectors.model import Message

from . import sign, values

Topic = Literal["item", "price", "stock", "order", "parcel", "claim", "other"]

_REFUNDS = ("REFUND_IN_SALES", "REFUND_AFTER_SALES")
_TOPICS: tuple[tuple[str, Topic], ...] = (
    ("PRODUCT_PRODUCT_INVENTORY_CHANGE", "stock"),
    ("FENXIAO_PRICE_CHANGE", "price"),
    ("PRODUCT_RELATION_VIEW_", "item"),
    ("PRODUCT_PFT_", "item"),
    ("LOGISTICS_", "parcel"),
    ("ORDER_", "order"),
)
"""How a type begins, and what it is about; the first that fits."""


def heard(body: bytes, secret: str) -> list[Message]:
    """One push, a signed form. Raises Refused where its signature is wrong, or Unreadable."""
    try:
        form = dict(parse_qsl(body.decode(), keep_blank_values=True))
    except UnicodeDecodeError as error:
        raise Refused("push-form", "the push is no UTF-8 form") from error
    if not sign.verified(form, secret):
        raise Refused("push-signature", "the push is not signed with this app's secret")
    return [read(jsontext.parse(form.get("message", "")))]


def fetched(reply: Mapping[str, Any]) -> list[Message]:
    """The messages of a fetched page."""
    page = values.part(reply, "pushMessagePage", "result")
    return [read(one) for one in values.parts(page or reply, "datas", "pushMessageList")]


def read(envelope: Any) -> Message:
    """One message; `data` is an object or the text of one. Raises Unreadable."""
    if not isinstance(envelope, dict) or values.text(envelope, "msgId") is None:
        raise Unreadable("message", "this is no message of 1688")
    kind = values.text(envelope, "type") or ""
    data = _data(envelope.get("data"))
    return Message(
        values.needed(envelope, "msgId"),
        _topic(kind),
        tuple(dict.fromkeys(_offers(data))),
        tuple(dict.fromkeys(_orders(data))),
        _born(envelope.get("gmtBorn")),
    )


def _data(data: Any) -> Mapping[str, Any]:
    if isinstance(data, str):
        try:
            data = jsontext.parse(data)
        except Unreadable:
            return {}  # a hint that says nothing more than its type
    return data if isinstance(data, dict) else {}


def _topic(kind: str) -> Topic:
    if kind.endswith(_REFUNDS):
        return "claim"
    return next((topic for start, topic in _TOPICS if kind.startswith(start)), "other")


def _offers(data: Mapping[str, Any]) -> list[str]:
    told = values.text(data, "productIds", "productId", "offerId", "offerIds") or ""
    found = [one.strip() for one in told.split(",")]
    for one in values.parts(data, "OfferInventoryChangeList"):
        found.append(values.text(one, "offerId") or "")
    return [one for one in found if one]


def _orders(data: Mapping[str, Any]) -> list[str]:
    found = [values.text(data, "orderId") or ""]
    listed = data.get("orderIds")
    found += [str(one).strip() for one in listed] if isinstance(listed, list) else []
    for model in ("OrderLogisticsTracingModel", "MailNoChangeModel"):
        for item in values.parts(values.part(data, model), "orderLogsItems"):
            found.append(values.text(item, "orderId") or "")
    return [one for one in found if one]


def _born(milliseconds: Any) -> datetime | None:
    written = str(milliseconds)
    if not written.isdigit() or len(written) > 14:
        return None
    return datetime.fromtimestamp(int(written) / 1000, UTC)
