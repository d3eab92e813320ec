"""JD's books about us: the balance, its movements, and check lists of past days."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation

from connectors.errors import Refused, Unreadable
from connectors.jd.reading import moment, money, pick, rows, table, text, whole
from connectors.trading import Booking, Checked, CheckList
from kit.clock import SHANGHAI

from .settings import VopSettings
from .wire import Wire

LOCKED = 2
_CURSOR_FROM = 100
"""Pages of 100 reach 10,000 orders; behind that only the cursor leads on."""


def balance(wire: Wire) -> Decimal:
    """What the account holds. JD writes it as `"1000.0000"`, or as an object's field."""
    answer = wire.balance().result
    found = answer
    if not isinstance(answer, str | int | Decimal):
        inner = rows(answer)
        row = inner[0] if inner else {}
        found = pick(row, "balance", "remainLimit", "accountBalance", "balanceAmount")
    try:
        return Decimal(text(found))
    except InvalidOperation as error:
        raise Unreadable("balance", "JD's answer holds no balance") from error


def bookings(wire: Wire, given: VopSettings, first: date, last: date) -> Iterator[Booking]:
    """Every movement, page by page; debits are negative as JD writes them."""
    page = 1
    while True:
        answer = wire.bookings(first.strftime("%Y%m%d"), last.strftime("%Y%m%d"), page)
        found = table(answer.result)
        listed = rows(pick(found, "data", "items"))
        for row in listed:
            at = moment(row.get("createdDate"))
            if at is None:
                raise Unreadable("createdDate", f"booking {row.get('id')} has no date")
            yield Booking(
                id=text(row.get("id")),
                at=at,
                amount=Decimal(text(row.get("amount")) or 0),
                kind=text(pick(row, "tradeTypeName", "tradeType")),
                order_ref=text(row.get("orderId")) or None,
                locked=whole(row.get("accountType")) == LOCKED,
                note=text(row.get("notePub")),
            )
        pages = whole(found.get("pageCount")) or 0
        if page >= pages or not listed:
            return
        page += 1


def checklist(wire: Wire, what: CheckList, day: date, now: datetime) -> Iterator[Checked]:
    """A past day's orders. Raises Refused for today, whose list JD does not give."""
    if day >= now.astimezone(SHANGHAI).date():
        raise Refused("date", "JD gives check lists of past days only")
    page, cursor, seen = 1, "", set[str]()
    while True:
        found = table(wire.checklist(what, day.isoformat(), page, cursor).result)
        listed = rows(pick(found, "orders", "orderList", "items"))
        fresh = [row for row in listed if text(row.get("jdOrderId")) not in seen]
        for row in fresh:
            ref = text(row.get("jdOrderId"))
            seen.add(ref)
            amount = money(pick(row, "orderPrice", "orderTotalPrice")) or Decimal(0)
            yield Checked(
                ref, amount, moment(pick(row, "time", "orderTime")), text(row.get("state"))
            )
        total = whole(found.get("total"))
        pages = whole(pick(found, "totalPage", "pageCount")) or 0
        if not fresh or (total is not None and len(seen) >= total) or page >= pages > 0:
            return
        page += 1
        if page > _CURSOR_FROM:
            page, cursor = 1, text(listed[-1].get("jdOrderId"))


def yesterday(now: datetime) -> date:
    """The newest day that has check lists."""
    return now.astimezone(SHANGHAI).date() - timedelta(days=1)
