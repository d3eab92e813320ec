"""One reading of a shop: its shelves page by page, each page's goods read in full."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from connectors.errors import NotAuthorised, Refused, SupplierError, Unreadable
from connectors.model import Cursor, Page, Reject, page
from connectors.top import faults, values
from connectors.top.envelope import Record, records
from connectors.top.gateway import Gateway

from . import mapping, shelves
from .calls import DETAILS, INVENTORY, ITEMS, ONSALE, PAGE, TRADE_PAGE, TRADES
from .settings import ShopSettings
from .shelves import Leg

_FORBIDDEN = (
    *("11", "12", "13", "22"),
    *("isv.permission-api-package-limit", "isv.invalid-permission", "isv.invalid-method"),
)
"""Codes of an app that may not read trades at all."""


class Pull:
    """The pages of one reading, and what is to be said about it."""

    def __init__(
        self, gateway: Gateway, given: ShopSettings, legs: Sequence[Leg], notes: dict[str, Any]
    ) -> None:
        self._gateway = gateway
        self._given = given
        self._legs = list(legs)
        self._seen: dict[str, str | None] = {}
        self._restless = True
        self._notes = notes

    def pages(self) -> Iterator[Page]:
        """Pages with a cursor each. Raises SupplierError where the reading breaks off."""
        while self._legs:
            leg = self._legs.pop()
            if leg.shelf == shelves.AGAIN:
                if self._restless:
                    self._restless = False
                    self._legs += shelves.again(leg, self._given.banners)
                continue
            if leg.shelf == shelves.TRADES:
                yield from self._traded(leg)
                continue
            reply = self._shelf(leg)
            if leg.page is None and self._deferred(leg, reply, PAGE):
                continue
            shown = {
                values.needed(item, "num_iid"): values.text(item, "modified")
                for item in records(reply, "items")
            }
            yield self._page(self._new(leg, shown), f"{leg.shelf} {leg.page or 1}")

    def _shelf(self, leg: Leg) -> Record:
        since, until = leg.window
        asked: dict[str, Any] = {
            "fields": "num_iid,modified",
            "page_no": leg.page or 1,
            "page_size": PAGE,
            "order_by": "modified:desc",
            "start_modified": since,
            "end_modified": until,
        }
        if leg.shelf == shelves.ONSALE:
            return self._gateway.ask(ONSALE, **asked)
        return self._gateway.ask(INVENTORY, banner=leg.shelf, **asked)

    def _deferred(self, leg: Leg, reply: Record, size: int) -> bool:
        """Whether the window is more than this page; then its pages are put on the list."""
        total = values.whole(reply, "total_results")
        if total is None:
            raise Unreadable("no-total", f"{leg.shelf}: the reply states no total_results")
        if total <= size:
            return False
        deepest = self._given.deep_page_limit // size
        if leg.shelf not in (shelves.ONSALE, shelves.TRADES):
            deepest = min(deepest, self._given.last_inventory_page)
        self._legs += shelves.paged(leg, -(-total // size), deepest, self._gateway.now())
        return True

    def _traded(self, leg: Leg) -> Iterator[Page]:
        """The goods of trades that changed within a window: their stock has changed with them."""
        since, until = leg.window
        try:
            reply = self._gateway.ask(
                TRADES,
                fields="tid,type,status,modified,orders",
                start_modified=since,
                end_modified=until,
                type=",".join(self._given.trade_types),
                page_no=leg.page or 1,
                page_size=TRADE_PAGE,
            )
        except SupplierError as error:
            yield from self._without_trades(leg, error)
            return
        if leg.page is None and self._deferred(leg, reply, TRADE_PAGE):
            return
        traded = dict.fromkeys(
            listing
            for trade in records(reply, "trades")
            for order in records(trade, "orders")
            if (listing := values.text(order, "num_iid"))
        )
        yield self._page(self._new(leg, traded), f"{leg.shelf} {leg.page or 1}", strict=False)

    def _without_trades(self, leg: Leg, error: SupplierError) -> Iterator[Page]:
        """Go on without an app's right to trades; else break off, with shorter windows if asked."""
        if isinstance(error, Refused | NotAuthorised) and error.code in _FORBIDDEN:
            self._legs = [one for one in self._legs if one.shelf != shelves.TRADES]
            self._notes["trades"] = f"not read: {error.message}"
            return
        if faults.narrower(error):
            self._legs += shelves.halves(replace(leg, page=None))
            yield page((), cursor=self._cursor())
        raise error

    def _new(self, leg: Leg, shown: Mapping[str, str | None]) -> list[str]:
        """Ids that were not read yet, or have changed since; the next page is put on the list."""
        if leg.page is not None and leg.page > 1:
            self._legs.append(replace(leg, page=leg.page - 1))
        fresh = [one for one, at in shown.items() if one not in self._seen or self._seen[one] != at]
        self._seen.update({one: shown[one] for one in fresh})
        self._restless = self._restless or bool(fresh)
        return fresh

    def _page(self, ids: Sequence[str], where: str, *, strict: bool = True) -> Page:
        rows: list[dict[str, Any]] = []
        rejects: list[Reject] = []
        failed: list[str | None] = []
        for start in range(0, len(ids), ITEMS):
            batch = ids[start : start + ITEMS]
            items = self._complete(batch) if strict else details(self._gateway, self._given, batch)
            good, bad = mapping.read(items, self._given, where)
            rows += good
            rejects += bad
            failed += [values.text(items[one.line - 1], "num_iid") for one in bad]
        read = page(rows, cursor=self._cursor())
        return replace(read, rejects=rejects, unread=tuple(filter(None, failed)))

    def _complete(self, ids: Sequence[str]) -> list[Record]:
        """The items, asked twice where some are missing: a short reply is no proof of absence."""
        items = details(self._gateway, self._given, ids)
        missing = _missing(ids, items)
        if missing:
            items += details(self._gateway, self._given, missing)
            missing = _missing(ids, items)
        if len(missing) > 1 and len(missing) == len(ids):
            raise Unreadable(
                "short-reply", f"{DETAILS.name} answers for none of {len(ids)} goods of the shelves"
            )
        if missing:
            self._notes["gone_meanwhile"] = self._notes.get("gone_meanwhile", 0) + len(missing)
        return items

    def _cursor(self) -> Cursor:
        return {"legs": shelves.written(self._legs)}


def details(
    gateway: Gateway, given: ShopSettings, ids: Sequence[str], *, urgent: bool = False
) -> list[Record]:
    """Up to 20 items in full; unknown and foreign ids are silently absent from the reply."""
    if not ids:
        return []
    reply = gateway.ask(DETAILS, urgent=urgent, fields=given.item_fields, num_iids=list(ids))
    return records(reply, "items")


def _missing(ids: Sequence[str], items: Sequence[Record]) -> list[str]:
    found = {values.text(item, "num_iid") for item in items}
    return [one for one in ids if one not in found]
