"""Supply and distribution as a source: it lists completely and sells in bulk by requisition."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from connectors.errors import Unreadable
from connectors.model import (
    Cursor,
    Listing,
    Message,
    Page,
    Placed,
    PriceFact,
    PurchaseOrder,
    StockFact,
    page,
)
from connectors.surroundings import Surroundings
from connectors.top import goods, values
from connectors.top.demand import Demand
from connectors.top.envelope import Record, records
from connectors.top.gateway import Gateway
from connectors.top.messages import Tmc
from connectors.top.settings import span
from connectors.top.shipping import Shipping
from connectors.trading import Progress
from kit import log

from . import mapping
from .calls import DISTRIBUTED, ORDER_DAYS, ORDERS, PAGE, PIDS, PRODUCTS
from .register import Register
from .requisitions import Requisitions
from .settings import FenxiaoSettings

logger = log.get(__name__)

Fact = TypeVar("Fact", PriceFact, StockFact)
FIELDS = "skus,images"
"""SKUs and images come only where they are asked for."""
ROLES = {"distributor": 1, "supplier": 2}
"""As orders count them; cooperations count the other way round."""
DOWNLOADS = ("UNDOWNLOAD", "DOWNLOADED")


class TaobaoFenxiao:
    """One account. Lists, Reads, Prices, Stocks, Notifies, Sells, Ships."""

    Settings = FenxiaoSettings
    read_batch = price_batch = stock_batch = PIDS

    def __init__(self, code: str, settings: FenxiaoSettings, around: Surroundings) -> None:
        self.code = code
        self.settings = settings
        self.gateway = Gateway(code, settings, around)
        self.shipping = Shipping(self.gateway)
        register = Register(code, around.tokens)
        self.requisitions = Requisitions(self.gateway, settings, register, self.prices)
        self._tmc = Tmc(self.gateway, settings.group_name)

    def close(self) -> None:
        """Close the connections."""
        self.gateway.road.close()

    def authorise_page(self, redirect_uri: str, state: str) -> str:
        """Where the seller authorises this app."""
        return self.gateway.sessions.page(redirect_uri, state)

    def authorise(self, code: str, redirect_uri: str) -> None:
        """Keep the session that the code stands for."""
        self.gateway.authorise(code, redirect_uri)

    def items(self, since: Cursor | None = None, *, after: Cursor | None = None) -> Listing:
        """All products, or a supplier's changed ones; a reading that broke off starts again."""
        now = self.gateway.now()
        if self.settings.role == "distributor":
            return Listing(now, complete=True, notes={}, pages=self._distributed())
        watermark = {"since": now.isoformat()}
        if since is None:
            return Listing(now, True, {}, self._supplied(), watermark)  # noqa: FBT003
        start = datetime.fromisoformat(str(since["since"])) - span(self.settings.overlap)
        return Listing(now, False, {}, self._changed(start, now), watermark)  # noqa: FBT003

    def read(self, external_ids: Sequence[str]) -> Page:
        """Products again, all SKUs of each; of those left out nothing is concluded."""
        return self._page(self._by_id(external_ids), self._call.name)

    def prices(self, external_ids: Sequence[str]) -> list[PriceFact]:
        """What a dealer pays for these SKUs now."""
        return self._facts(external_ids, mapping.priced)

    def stock(self, external_ids: Sequence[str], region: str = "") -> list[StockFact]:
        """What suppliers have of these SKUs; they know no regions."""
        return self._facts(external_ids, mapping.stocked)

    def demand(self, since: datetime, until: datetime) -> Iterator[Demand]:
        """Consumers' orders that changed in a span, in windows of at most seven days."""
        while since < until:
            end = min(since + timedelta(days=ORDER_DAYS) - timedelta(seconds=1), until)
            asked: dict[str, Any] = {
                "start_created": since,
                "end_created": end,
                "time_type": "update_time_type",
                "user_role_type": ROLES[self.settings.role],
                "trade_types": self.settings.trade_types,
                "channel_codes": self.settings.channel_codes,
            }
            first = self.gateway.ask(ORDERS, **asked, page_no=1, page_size=PAGE)
            for number in range(_pages(first, ORDERS.name), 0, -1):
                reply = self.gateway.ask(ORDERS, **asked, page_no=number, page_size=PAGE)
                yield from (mapping.demand(order) for order in records(reply, "purchase_orders"))
            since = end

    def changes(self) -> list[Message]:
        """The next messages of our group."""
        return self._tmc.changes()

    def ack(self, messages: Sequence[Message]) -> None:
        """Confirm messages whose facts were read again and committed."""
        self._tmc.ack(messages)

    def place(self, order: PurchaseOrder) -> Placed:
        """Apply for a purchase; see Requisitions.place."""
        return self.requisitions.place(order)

    def find(self, our_ref: str) -> Placed | None:
        """The requisition that a purchase became; see Requisitions.find."""
        return self.requisitions.find(our_ref)

    def cancel(self, our_ref: str, reason: str) -> None:
        """Withdraw a requisition; see Requisitions.cancel."""
        self.requisitions.cancel(our_ref, reason)

    def track(self, our_ref: str) -> Progress:
        """How a requisition stands; see Requisitions.track."""
        return self.requisitions.track(our_ref)

    @property
    def _call(self) -> Any:
        return PRODUCTS if self.settings.role == "supplier" else DISTRIBUTED

    def _supplied(self, **window: Any) -> Iterator[Page]:
        """Every page from the last on, again from the first if fewer came than were counted."""
        seen: set[str] = set()
        total = 0
        for _ in range(2):
            first = self.gateway.ask(PRODUCTS, fields=FIELDS, page_no=1, page_size=PAGE, **window)
            total = _total(first, PRODUCTS.name)
            for number in range(_pages(first, PRODUCTS.name), 0, -1):
                reply = (
                    first
                    if number == 1 and total <= PAGE
                    else self.gateway.ask(
                        PRODUCTS, fields=FIELDS, page_no=number, page_size=PAGE, **window
                    )
                )
                products = records(reply, "products")
                fresh = [one for one in products if values.text(one, "pid") not in seen]
                seen |= {mapping.pid(one) for one in fresh}
                yield self._page(fresh, f"{PRODUCTS.name} {number}")
            if len(seen) >= total:
                return
        raise Unreadable("short", f"{PRODUCTS.name}: {len(seen)} products of {total} came")

    def _changed(self, start: datetime, now: datetime) -> Iterator[Page]:
        yield from self._supplied(start_modified=start)
        if not self.settings.follow_orders:
            return
        pids = dict.fromkeys(
            goods.listing_of(line.external_id)
            for order in self.demand(start, now)
            for line in order.lines
            if line.external_id
        )
        for place in range(0, len(pids), PIDS):
            yield self.read(list(pids)[place : place + PIDS])

    def _distributed(self) -> Iterator[Page]:
        """Page after page of each supplier, until there is no next one."""
        if not self.settings.suppliers:
            raise Unreadable(
                "no-suppliers", f"sources.{self.code}.suppliers names no supplier to list"
            )
        for supplier in self.settings.suppliers:
            for status in DOWNLOADS:
                yield from self._distributed_by(supplier, status)

    def _distributed_by(self, supplier: str, status: str) -> Iterator[Page]:
        number, before = 1, None
        while True:
            reply = self.gateway.ask(
                DISTRIBUTED,
                supplier_nick=supplier,
                download_status=status,
                fields=FIELDS,
                page_no=number,
                page_size=PAGE,
            )
            products = records(reply, "products")
            pids = [mapping.pid(one) for one in products]
            if pids and pids == before:
                raise Unreadable("loop", f"{DISTRIBUTED.name}: the same page twice")
            yield self._page(products, f"{DISTRIBUTED.name} {supplier} {number}")
            if not values.flag(reply, "has_next"):
                return
            number, before = number + 1, pids

    def _page(self, products: Sequence[Record], where: str) -> Page:
        rows, rejects = mapping.rows(products, self.settings, where)
        failed = [values.text(products[one.line - 1], "pid") for one in rejects]
        return replace(page(rows), rejects=rejects, unread=tuple(filter(None, failed)))

    def _by_id(self, external_ids: Sequence[str]) -> list[Record]:
        pids = list(dict.fromkeys(goods.listing_of(one) for one in external_ids))
        found: list[Record] = []
        for start in range(0, len(pids), PIDS):
            batch = pids[start : start + PIDS]
            reply = self.gateway.ask(self._call, pids=batch, fields=FIELDS, page_size=PAGE)
            found += records(reply, "products")
        return found

    def _facts(
        self,
        external_ids: Sequence[str],
        reading: Callable[[Record, FenxiaoSettings], Iterable[Fact]],
    ) -> list[Fact]:
        wanted = set(external_ids)
        found: list[Fact] = []
        for product in self._by_id(external_ids):
            try:
                found += [
                    one for one in reading(product, self.settings) if one.external_id in wanted
                ]
            except values.Bad as error:
                logger.warning("unreadable_product", source=self.code, column=error.column)
        return found


def _total(reply: Record, name: str) -> int:
    total = values.whole(reply, "total_results")
    if total is None:
        raise Unreadable("no-total", f"{name}: the reply states no total_results")
    return total


def _pages(reply: Record, name: str) -> int:
    return -(-_total(reply, name) // PAGE)
