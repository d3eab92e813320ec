"""A brand's own shop as a source: it lists completely; its orders are shipped at our door."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from connectors.errors import NoSuchThing
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
from connectors.top.envelope import Record
from connectors.top.gateway import Gateway
from connectors.top.messages import Tmc
from connectors.top.settings import span
from connectors.top.shipping import Shipping
from kit import log

from . import mapping, pull, shelves
from .calls import ITEM, ITEMS
from .lowering import Lowerings
from .settings import ShopSettings
from .stock import Stock
from .trades import Trades

logger = log.get(__name__)

Fact = TypeVar("Fact", PriceFact, StockFact)


class TaobaoShop:
    """One shop. Lists, Reads, Prices, Stocks, Notifies, Sells.

    Purchases wait at the brand's own door under our reference; the shop's stock is lowered by
    each of them once. Trades of the shop's own consumers are read (`trades`), never sold to.
    """

    Settings = ShopSettings
    read_batch = price_batch = stock_batch = ITEMS

    def __init__(self, code: str, settings: ShopSettings, around: Surroundings) -> None:
        self.code = code
        self.settings = settings
        self.gateway = Gateway(code, settings, around)
        self.trades = Trades(self.gateway, settings)
        self.shipping = Shipping(self.gateway)
        self.levels = Stock(self.gateway, settings, Lowerings(code, around.tokens.database))
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
        """The shop's shelves; complete when `since` is None.

        With `since`, what changed after that moment, the goods of changed trades included: a sale
        takes stock without changing the item.
        """
        now, given = self.gateway.now(), self.settings
        notes: dict[str, Any] = {}
        if after is not None:
            legs = shelves.legs_of(after["legs"])
        elif since is None:
            legs = shelves.full(given.banners, now, span(given.overlap))
        else:
            start = datetime.fromisoformat(str(since["since"])) - span(given.overlap)
            step = span(given.trade_window) if given.follow_trades else None
            legs = shelves.changed(start, trades=step, now=now)
        reading = pull.Pull(self.gateway, given, legs, notes)
        watermark = {"since": now.isoformat()}
        return Listing(now, since is None, notes, reading.pages(), watermark)

    def read(self, external_ids: Sequence[str]) -> Page:
        """Items again, all SKUs of each. What the shop says it has no more is `gone`."""
        wanted = list(dict.fromkeys(goods.listing_of(one) for one in external_ids))
        items = pull.details(self.gateway, self.settings, wanted)
        found = {values.text(item, "num_iid"): item for item in items}
        lost = [one for one in wanted if one not in found and self._is_gone(one)]
        rows, rejects = mapping.read(items, self.settings, "taobao.items.seller.list.get")
        living = {row["external_id"] for row in rows}
        well_read = {row["listing"] for row in rows}
        gone = tuple(
            one
            for one in external_ids
            if goods.listing_of(one) in lost
            or (goods.sku_of(one) and goods.listing_of(one) in well_read and one not in living)
        )
        return replace(page(rows, gone=gone), rejects=rejects)

    def prices(self, external_ids: Sequence[str]) -> list[PriceFact]:
        """What these SKUs cost now."""
        return self._facts(external_ids, mapping.priced)

    def stock(self, external_ids: Sequence[str], region: str = "") -> list[StockFact]:
        """What the shop has of these SKUs; it knows no regions."""
        return self._facts(external_ids, mapping.stocked)

    def changes(self) -> list[Message]:
        """The next messages of our group."""
        return self._tmc.changes()

    def ack(self, messages: Sequence[Message]) -> None:
        """Confirm messages whose facts were read again and committed."""
        self._tmc.ack(messages)

    def place(self, order: PurchaseOrder) -> Placed:
        """The purchase waits at the brand's door; the shop's stock is lowered by it, once.

        Raises OutOfStock when the shop is short of every line.
        """
        short: list[str] = []
        if self.settings.lower_stock:
            wanted: dict[str, int] = {}
            for line in order.lines:
                wanted[line.external_id] = wanted.get(line.external_id, 0) + line.quantity
            short = self.levels.lower(order.our_ref, wanted)
        return self._placed(order.our_ref, tuple(short))

    def find(self, our_ref: str) -> Placed | None:
        """The purchase, if its units were all taken; None: it may be placed, and goes on."""
        taken = self.levels.taken(our_ref)
        return replace(self._placed(our_ref, ()), units=taken) if taken else None

    def cancel(self, our_ref: str, reason: str) -> None:
        """Give the purchase's units back to the shop's stock."""
        if self.settings.lower_stock:
            self.levels.restore(our_ref)

    def _placed(self, our_ref: str, short: tuple[str, ...]) -> Placed:
        return Placed((our_ref,), awaits_supplier=self.settings.accept == "manual", refused=short)

    def _facts(
        self,
        external_ids: Sequence[str],
        reading: Callable[[Record, ShopSettings], Iterable[Fact]],
    ) -> list[Fact]:
        wanted = set(external_ids)
        listings = list(dict.fromkeys(goods.listing_of(one) for one in external_ids))
        found: list[Fact] = []
        for item in pull.details(self.gateway, self.settings, listings):
            try:
                found += [one for one in reading(item, self.settings) if one.external_id in wanted]
            except values.Bad as error:
                logger.warning("unreadable_item", source=self.code, column=error.column)
        return found

    def _is_gone(self, listing: str) -> bool:
        """Whether the shop itself denies an item that a batch left out in silence."""
        try:
            self.gateway.ask(ITEM, fields="num_iid,approve_status", num_iid=listing)
        except NoSuchThing:
            return True
        return False
