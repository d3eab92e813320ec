"""TMC messages by HTTP: consumed, and confirmed once what they hint at is durable.

What is not confirmed comes again after some minutes; order is not guaranteed, and a message
carries ids, never the state that counts.
"""

import json
from collections.abc import Sequence
from typing import Any

from connectors.calls import Call
from connectors.errors import Unreadable
from connectors.model import Message

from . import values
from .envelope import Record, records
from .gateway import APP, Gateway

CONSUME = Call("taobao.tmc.messages.consume", bucket=APP)
CONFIRM = Call("taobao.tmc.messages.confirm", bucket=APP)
"""Confirming twice does no harm, so it may be repeated like a read."""
AT_ONCE = 200
"""Messages that one call gives or confirms, at most."""


class Tmc:
    """The messages of one group."""

    def __init__(self, gateway: Gateway, group: str) -> None:
        self._gateway = gateway
        self._group = group

    def changes(self) -> list[Message]:
        """The next messages; empty when none waits. One that cannot be read hints at nothing."""
        reply = self._gateway.ask(CONSUME, group_name=self._group, quantity=AT_ONCE)
        return [message(told) for told in records(reply, "messages")]

    def ack(self, messages: Sequence[Message]) -> None:
        """Confirm messages. Raises SupplierError; then they come again."""
        ids = list(dict.fromkeys(one.id for one in messages))
        for start in range(0, len(ids), AT_ONCE):
            batch = ids[start : start + AT_ONCE]
            reply = self._gateway.ask(CONFIRM, group_name=self._group, s_message_ids=batch)
            if values.flag(reply, "is_success") is False:
                raise Unreadable("not-confirmed", f"{len(batch)} messages were not confirmed")


def message(told: Record) -> Message:
    """A TMC message in our words. Pure."""
    topic = values.text(told, "topic") or ""
    content = _content(told.get("content"))
    at = values.moment(told, "pub_time")
    kind, external, refs = _meant(topic, content)
    return Message(values.needed(told, "id"), kind, external, refs, at)


def _meant(topic: str, content: Record) -> tuple[Any, tuple[str, ...], tuple[str, ...]]:
    """(topic of ours, external ids, refs)."""
    listing = _id(content, "num_iid", "item_id", "product_id")
    if topic.startswith("taobao_item_"):
        kind = "stock" if "Stock" in topic and "Zero" not in topic else "item"
        return (kind, (listing,), ()) if listing else ("other", (), ())
    if topic.startswith("taobao_refund_"):
        return "claim", (), _refs(content, "refund_id", "tid")
    if topic.startswith("taobao_logistics_"):
        return "parcel", (), _refs(content, "tid", "out_sid", "mail_no")
    if topic.startswith(("taobao_fenxiao_FxRefund", "taobao_fenxiao_FxTradeRefund")):
        return "claim", (), _refs(content, "sub_order_id")
    if topic.startswith("taobao_fenxiao_"):
        return "order", (), _refs(content, "fenxiao_id", "dealer_order_id", "tc_order_id")
    if topic.startswith("taobao_trade_"):
        return "order", (listing,) if listing else (), _refs(content, "tid")
    return "other", (), ()


def _content(told: Any) -> Record:
    """JSON text, or the object itself; anything else says nothing."""
    if isinstance(told, dict):
        return told
    try:
        read = json.loads(str(told), strict=False)
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}


def _id(content: Record, *keys: str) -> str | None:
    return next((one for key in keys if (one := values.text(content, key))), None)


def _refs(content: Record, *keys: str) -> tuple[str, ...]:
    return tuple(one for key in keys if (one := values.text(content, key)))
