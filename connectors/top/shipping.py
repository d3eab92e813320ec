"""Parcels of trades: told to the platform once, corrected, and read again when it is unsure.

A trade that was shipped before is no failure (B04): what it holds is read again and compared.
The platform's own delivery status is not to be trusted: it says 已签收 as soon as a waybill is
told, so only the trace counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.calls import Call
from connectors.errors import OutcomeUnknown, Refused, SupplierError

from . import faults, values
from .envelope import Record, records, scalars
from .gateway import APP, Gateway

SEND = Call("taobao.logistics.offline.send", bucket=APP, writes=True, urgent=True)
RESEND = Call("taobao.logistics.consign.resend", bucket=APP, writes=True, urgent=True)
TOLD = Call("taobao.logistics.orders.get", bucket=APP, urgent=True)
TRACE = Call("taobao.logistics.trace.search", bucket=APP)
COMPANIES = Call("taobao.logistics.companies.get", bucket=APP)
ORDERS = 50
"""Sub-orders that one parcel may be told to hold."""


@dataclass(frozen=True)
class Step:
    """Where a parcel was, and when (aware, UTC)."""

    at: datetime | None
    text: str
    action: str | None


@dataclass(frozen=True)
class Shipped:
    """A parcel as the platform knows it."""

    waybill: str
    company: str | None
    orders: tuple[str, ...]
    steps: tuple[Step, ...] = ()


class Shipping:
    """The parcels of one seller's trades. `tid` is a trade, or a fenxiao order's fenxiao_id."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def ship(self, tid: str, company: str, waybill: str, orders: Sequence[str] = ()) -> None:
        """Tell that a trade, or these sub-orders of it, left with a waybill.

        `company` is the platform's code of the carrier. The same parcel again changes nothing.
        Raises Refused when the trade holds another parcel or is closed.
        """
        if len(orders) > ORDERS:
            raise Refused("too-many", f"a parcel holds at most {ORDERS} sub-orders")
        try:
            self._told(SEND, tid, company, waybill, orders)
        except SupplierError as error:
            if not isinstance(error, OutcomeUnknown) and not faults.done_before(error):
                raise
            if any(parcel.waybill == waybill for parcel in self.shipped(tid)):
                return
            raise

    def correct(self, tid: str, company: str, waybill: str, orders: Sequence[str] = ()) -> None:
        """Tell another waybill for what was shipped before; telling it twice changes nothing."""
        try:
            self._told(RESEND, tid, company, waybill, orders)
        except OutcomeUnknown:
            if not any(parcel.waybill == waybill for parcel in self.shipped(tid)):
                raise

    def shipped(self, tid: str) -> list[Shipped]:
        """The parcels that the platform holds for a trade."""
        reply = self._gateway.ask(
            TOLD, fields="tid,out_sid,company_name,status,is_split,sub_tids", tid=tid
        )
        return [
            Shipped(waybill, values.text(one, "company_name"), tuple(scalars(one, "sub_tids")))
            for one in records(reply, "shippings")
            if (waybill := values.text(one, "out_sid"))
        ]

    def trace(self, tid: str, orders: Sequence[str] = ()) -> list[Shipped]:
        """A trade's parcel with its way so far; no parcel yet: empty."""
        split: dict[str, Any] = {"is_split": 1, "sub_tid": list(orders)} if orders else {}
        reply = self._gateway.ask(TRACE, tid=tid, **split)
        waybill = values.text(reply, "out_sid")
        if waybill is None:
            return []
        steps = tuple(_step(one) for one in records(reply, "trace_list"))
        return [Shipped(waybill, values.text(reply, "company_name"), tuple(orders), steps)]

    def companies(self) -> dict[str, str]:
        """The platform's codes of carriers by name."""
        reply = self._gateway.ask(COMPANIES, fields="id,code,name,reg_mail_no")
        return {
            values.needed(one, "name"): values.needed(one, "code")
            for one in records(reply, "logistics_companies")
        }

    def _told(
        self, call: Call, tid: str, company: str, waybill: str, orders: Sequence[str]
    ) -> None:
        split: dict[str, Any] = {"is_split": 1, "sub_tid": list(orders)} if orders else {}
        reply = self._gateway.ask(call, tid=tid, company_code=company, out_sid=waybill, **split)
        shipping = reply.get("shipping")
        if isinstance(shipping, dict) and values.flag(shipping, "is_success") is False:
            raise Refused("not-shipped", f"{call.name}: is_success is false for {tid}")


def _step(one: Record) -> Step:
    return Step(
        values.moment(one, "status_time"),
        values.text(one, "status_desc") or "",
        values.text(one, "action"),
    )
