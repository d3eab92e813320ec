"""The orders of the account at the simulated 1688, and what happens to them over there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.frame import Clock
from sandbox.world import Sku

from .goods import Offer
from .messages import Messages


@dataclass
class Line:
    """A line of an order; `price` in fen."""

    entry: int
    offer: Offer
    sku: Sku
    spec: str | None
    pieces: int
    price: int
    refund: str | None = None
    paid_back: bool = False


@dataclass
class Parcel:
    """A parcel of an order."""

    logistics_id: str
    number: str
    pieces: dict[int, int]
    """By the entry of a line."""
    status: str = "TRANSPORT"


@dataclass
class Order:
    """An order of the account; amounts in fen."""

    ref: int
    out_ref: str
    seller: str
    lines: list[Line]
    freight: int
    address: dict[str, Any]
    at: datetime
    status: str = "waitbuyerpay"
    raised: int = 0
    parcels: list[Parcel] = field(default_factory=list)

    @property
    def goods(self) -> int:
        """Fen of all lines."""
        return sum(line.price * line.pieces for line in self.lines) + self.raised

    @property
    def total(self) -> int:
        """Fen with freight."""
        return self.goods + self.freight


class Book:
    """Every order, by its id."""

    def __init__(self, messages: Messages, clock: Clock) -> None:
        self._messages = messages
        self._clock = clock
        self.placed: dict[int, Order] = {}
        self.payments: list[int] = []

    def truth(self) -> list[dict[str, Any]]:
        """Every order in our words."""
        return [
            {
                "our_ref": order.out_ref,
                "ref": str(order.ref),
                "status": order.status,
                "total": order.total,
                "payments": self.payments.count(order.ref),
                "address": order.address,
                "lines": {self.external(line): line.pieces for line in order.lines},
                "parcels": [parcel.number for parcel in order.parcels],
            }
            for order in self.placed.values()
        ]

    def do_ship(self, args: Mapping[str, Any]) -> str:
        """A parcel leaves with the first `lines` lines that are not under way, or only so many
        `pieces` of each; its number."""
        order = self._order(args["order"])
        ended = order.status in ("cancel", "terminated")  # then it leaves all the same
        left = {one.entry: one.pieces for one in order.lines if ended or not one.paid_back}
        for parcel in order.parcels:
            for entry, pieces in parcel.pieces.items():
                if entry in left:
                    left[entry] -= pieces
        most = args.get("pieces", 10**9)
        open_lines = [(entry, min(pieces, most)) for entry, pieces in left.items() if pieces]
        sent = dict(open_lines[: args.get("lines", len(open_lines))])
        count = len(order.parcels)
        parcel = Parcel(f"LP{order.ref}{count}", f"YT{order.ref % 10**11:011d}{count}", sent)
        order.parcels.append(parcel)
        whole = sum(sent.values()) == sum(left.values())
        if whole and not ended:
            order.status = "waitbuyerreceive"
        self.say(order, "ANNOUNCE_SENDGOODS" if whole else "PART_PART_SENDGOODS")
        return parcel.number

    def do_change_waybill(self, args: Mapping[str, Any]) -> str:
        """The first parcel's number changes after it left; the new one."""
        order = self._order(args["order"])
        parcel = order.parcels[0]
        was, parcel.number = parcel.number, f"SF{parcel.number[2:]}"
        items = [{"orderId": order.ref, "orderEntryId": one} for one in parcel.pieces]
        changed = {"logisticsId": parcel.logistics_id, "oldMailNo": was, "newMailNo": parcel.number}
        model = {"MailNoChangeModel": {**changed, "orderLogsItems": items}}
        self._messages.say("LOGISTICS_MAIL_NO_CHANGE", model)
        return parcel.number

    def do_status(self, args: Mapping[str, Any]) -> None:
        """Set an order's status, as the platform or its seller does: {order, status}."""
        order = self._order(args["order"])
        order.status = args["status"]
        kinds = {"cancel": "ORDER_SELLER_CLOSE", "success": "ORDER_SUCCESS"}
        self.say(order, kinds.get(order.status, "ORDER_COMFIRM_RECEIVEGOODS"))

    def do_raise(self, args: Mapping[str, Any]) -> None:
        """The seller asks more for an unpaid order: {order, fen}."""
        order = self._order(args["order"])
        order.raised = args["fen"]
        self.say(order, "ORDER_PRICE_MODIFY")

    def find(self, order_id: object) -> Order | None:
        """An order of the account."""
        return self.placed.get(int(str(order_id)))

    def _order(self, order_id: object) -> Order:
        order = self.find(order_id)
        if order is None:
            raise ValueError(f"there is no order {order_id}")
        return order

    def external(self, line: Line) -> str:
        """A line in the words of our catalogue."""
        return f"{line.offer.id}:{line.spec}" if line.spec else str(line.offer.id)

    def say(self, order: Order, kind: str) -> None:
        """A message about an order."""
        data = {
            "orderId": order.ref,
            "currentStatus": order.status,
            "msgSendTime": f"{self._clock.beijing():%Y-%m-%d %H:%M:%S}",
            "buyerMemberId": "b2b-10086",
            "sellerMemberId": order.seller,
        }
        self._messages.say(f"ORDER_BUYER_VIEW_{kind}", data)
