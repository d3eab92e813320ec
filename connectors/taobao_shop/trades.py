"""Trades sold and refunds asked, as a shop's seller sees them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from connectors.calls import Call
from connectors.errors import Refused
from connectors.top import goods, values
from connectors.top.demand import Demand, DemandLine
from connectors.top.envelope import Record, records
from connectors.top.gateway import Gateway
from connectors.top.multipart import Upload
from connectors.top.settings import span

from . import shelves
from .calls import AGREE, REFUND, REFUND_PAGE, REFUNDS, REFUSE, TRADE_PAGE, TRADES
from .settings import ShopSettings

FIELDS = "tid,type,status,modified,step_trade_status,orders"
REFUND_FIELDS = (
    "refund_id,tid,oid,status,order_status,refund_fee,reason,modified,created,num,sku,"
    "has_good_return,company_name,sid,refund_phase,refund_version"
)
TAKING = frozenset(
    [
        *("TRADE_NO_CREATE_PAY", "WAIT_BUYER_PAY", "PAY_PENDING", "WAIT_PRE_AUTH_CONFIRM"),
        *("WAIT_SELLER_SEND_GOODS", "SELLER_CONSIGNED_PART", "PAID_FORBID_CONSIGN"),
    ]
)
"""Statuses in which a shop still has units to set aside."""


@dataclass(frozen=True)
class Refund:
    """A refund that a consumer asks for; `amount` is CNY, `version` locks what is decided on it."""

    refund_id: str
    tid: str
    oid: str | None
    status: str
    amount: Decimal | None
    reason: str | None
    phase: str | None
    version: int | None
    modified: datetime | None
    returned_by: tuple[str | None, str | None]


class Trades:
    """What consumers ordered at a shop, and what they want back."""

    def __init__(self, gateway: Gateway, given: ShopSettings) -> None:
        self._gateway = gateway
        self._given = given

    def demand(self, since: datetime, until: datetime) -> Iterator[Demand]:
        """Trades that changed in a span, in windows of at most a day, each from its last page on.

        A trade that changes while it is read may come twice, and is never missed.
        """
        step = span(self._given.trade_window)
        for leg in reversed(shelves.windows(shelves.TRADES, since, until, step)):
            start, end = leg.window
            asked = {
                "fields": FIELDS,
                "start_modified": start,
                "end_modified": end,
                "type": ",".join(self._given.trade_types),
            }
            for trade in self._backwards(TRADES, asked, TRADE_PAGE, "trades"):
                yield demand(trade)

    def refunds(self, since: datetime, until: datetime) -> Iterator[Refund]:
        """Refunds that changed in a span."""
        asked = {"fields": REFUND_FIELDS, "start_modified": since, "end_modified": until}
        for told in self._backwards(REFUNDS, asked, REFUND_PAGE, "refunds"):
            yield refund(told)

    def refund(self, refund_id: str) -> Refund:
        """A refund as it is now. Raises NoSuchThing."""
        reply = self._gateway.ask(REFUND, urgent=True, fields=REFUND_FIELDS, refund_id=refund_id)
        told = reply.get("refund")
        return refund(told if isinstance(told, dict) else {})

    def agree(self, wanted: Refund, sms_code: str = "") -> None:
        """Pay a refund, as it was when it was read. Large ones ask for a code sent by SMS first.

        Raises Refused when it was changed meanwhile, or when the code is wanted.
        """
        if wanted.amount is None or wanted.version is None:
            raise Refused("refund-unread", f"refund {wanted.refund_id} was not read in full")
        fen = int(wanted.amount * 100)
        infos = f"{wanted.refund_id}|{fen}|{wanted.version}|{wanted.phase or 'onsale'}"
        reply = self._gateway.ask(AGREE, refund_infos=infos, code=sms_code)
        if values.flag(reply, "succ") is not True:
            said = values.text(reply, "message") or "not agreed"
            raise Refused(values.text(reply, "msg_code") or "refund", said)

    def refuse(self, wanted: Refund, message: str, proof: Upload | None = None) -> None:
        """Decline a refund, with a picture where it helps."""
        told: dict[str, Any] = {
            "refund_id": wanted.refund_id,
            "refuse_message": message,
            "refund_phase": wanted.phase,
            "refund_version": wanted.version,
            "refuse_proof": proof,
        }
        reply = self._gateway.ask(REFUSE, **told)
        if values.flag(reply, "is_success") is False:
            raise Refused("refund", f"refund {wanted.refund_id} was not refused")

    def _backwards(
        self, call: Call, asked: dict[str, Any], size: int, key: str
    ) -> Iterator[Record]:
        """The records of a window from its last page to its first: newest change comes first."""
        first = self._gateway.ask(call, **asked, page_no=1, page_size=size)
        pages = -(-(values.whole(first, "total_results") or 0) // size)
        for number in range(pages, 1, -1):
            yield from records(
                self._gateway.ask(call, **asked, page_no=number, page_size=size), key
            )
        if pages > 1:
            first = self._gateway.ask(call, **asked, page_no=1, page_size=size)
        yield from records(first, key)


def demand(trade: Record) -> Demand:
    """A trade in our words. Pure. Raises Bad."""
    status = values.text(trade, "status") or ""
    lines = tuple(_line(order, status) for order in records(trade, "orders"))
    return Demand(values.needed(trade, "tid"), status, values.moment(trade, "modified"), lines)


def _line(order: Record, of_trade: str) -> DemandLine:
    status = values.text(order, "status") or of_trade
    refunded = values.text(order, "refund_status")
    listing, sku = values.text(order, "num_iid"), values.text(order, "sku_id")
    return DemandLine(
        values.needed(order, "oid"),
        goods.external_id(listing, sku if sku != "0" else None) if listing else None,
        values.whole(order, "num") or 0,
        taking=status in TAKING and refunded != "SUCCESS",
        status=status,
        refund_status=refunded,
    )


def refund(told: Record) -> Refund:
    """A refund in our words. Pure. Raises Bad."""
    return Refund(
        values.needed(told, "refund_id"),
        values.needed(told, "tid"),
        values.text(told, "oid"),
        values.needed(told, "status"),
        values.yuan(told, "refund_fee"),
        values.text(told, "reason"),
        values.text(told, "refund_phase"),
        values.whole(told, "refund_version"),
        values.moment(told, "modified"),
        (values.text(told, "company_name"), values.text(told, "sid")),
    )
