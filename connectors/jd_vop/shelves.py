"""Reading JD's goods: batches of facts, whole rows, and the contract's pools page by page."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from connectors.errors import NoSuchThing, Refused, Unreadable
from connectors.http import CONNECTIONS
from connectors.jd.reading import batches, ids, pick, rows, table, text, whole
from connectors.model import Cursor, Page, PriceFact, Reject, StockFact, page

from . import mapping
from .mapping import Goods, Price
from .settings import VopSettings
from .wire import Area, Said, Wire, area_of


class Shelves:
    """What one contract may buy. Safe to use from many threads."""

    def __init__(self, wire: Wire, given: VopSettings) -> None:
        self._wire = wire
        self._given = given
        self._categories: dict[str, str] = {}

    def prices(
        self, skus: Sequence[str], *, urgent: bool = False
    ) -> tuple[dict[str, Price], frozenset[str]]:
        """Prices of up to a batch, and the SKUs of which JD says that it quotes none.

        Classic drops what is outside the pool and says so in prose, though `success` is true; the
        router refuses the whole batch (2004), which is asked again without the ids it names.
        """
        answer, gone = without_strangers(
            list(skus), lambda wanted: self._wire.prices(wanted, urgent=urgent)
        )
        if answer is None:
            return {}, gone
        found = mapping.prices(answer.result, self._given)
        named = mapping.outside_pool(answer.message)
        listed = {text(pick(row, "skuId", "sku")) for row in rows(answer.result)}
        missing = {sku for sku in skus if sku not in found and (sku in listed or sku in named)}
        return found, gone | missing

    def stock(
        self, lines: Sequence[tuple[str, int]], area: Area, *, urgent: bool = False
    ) -> dict[str, StockFact]:
        """Stock of up to a batch for an area. One SKU outside the pool fails the whole batch
        (0010): it is asked again without it, and that one is out."""
        units = dict(lines)
        answer, gone = without_strangers(
            list(units),
            lambda wanted: self._wire.stock(
                [(sku, units[sku]) for sku in wanted], area, urgent=urgent
            ),
        )
        found = mapping.stock(answer.result, self._given) if answer else {}
        return found | {sku: StockFact(sku, "out") for sku in units if sku in gone}

    def price_facts(self, skus: Sequence[str]) -> list[PriceFact]:
        """Prices in our words; of what JD neither prices nor names nothing is concluded."""
        found, gone = self.prices(skus)
        facts = [mapping.price_fact(sku, price, self._given) for sku, price in found.items()]
        return facts + [PriceFact(sku) for sku in skus if sku in gone]

    def page(self, skus: Sequence[str], cursor: Cursor | None = None) -> Page:
        """Whole rows of up to a batch: details one by one in parallel, the rest in batches."""
        wanted = list(skus)
        with ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="vop") as pool:
            details = dict(zip(wanted, pool.map(self._detail, wanted), strict=True))
            goods = self._goods(wanted, pool)
        found, rejects, gone = [], [], []
        for sku, detail in details.items():
            if isinstance(detail, NoSuchThing):
                gone.append(sku)
            elif isinstance(detail, Refused | Unreadable):
                rejects.append(Reject("getDetail", 0, "sku", sku, detail.message))
            else:
                row = mapping.row(sku, detail, goods, self._given)
                if row["title"]:
                    found.append(row)
                else:
                    rejects.append(Reject("getDetail", 0, "name", sku, "JD gives no name"))
        read = page(found, cursor=cursor, gone=tuple(gone))
        unread = tuple(one.value for one in rejects)
        return Page(read.rows, rejects, cursor, tuple(gone), unread)

    def checks(self, skus: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Sale checks, asked by somebody who waits."""
        return mapping.checks(known(lambda x: self._wire.check(x, urgent=True), list(skus)))

    def restricted(self, skus: Sequence[str], area: Area) -> dict[str, bool]:
        """Whether each SKU is kept from an area."""
        return mapping.restricted(known(lambda x: self._wire.limits(x, area), list(skus)))

    def freight(self, lines: Sequence[tuple[str, int]], area: Area) -> Decimal | None:
        """Of all lines together; None where JD will not say."""
        units = dict(lines)
        answer = known(lambda x: self._wire.freight([(s, units[s]) for s in x], area), list(units))
        return mapping.freight(answer)

    def _detail(self, sku: str) -> dict[str, Any] | Refused | Unreadable:
        try:
            detail = table(self._wire.detail(sku).result)
        except (Refused, Unreadable) as error:
            return error
        for category in ids(text(detail.get("category")).replace(";", ",")):
            self._learn(category)
        return detail

    def _learn(self, category: str) -> None:
        if category in self._categories:
            return
        try:
            found = rows(self._wire.category(category).result)
        except (Refused, Unreadable):  # its number has to do for a name
            found = []
        name = text(pick(found[0], "name", "categoryName")) if found else ""
        self._categories[category] = name or category

    def _goods(self, skus: list[str], pool: ThreadPoolExecutor) -> Goods:
        area = area_of(self._given.default_area)
        prices = pool.submit(self.prices, skus)
        stock = pool.submit(self.stock, [(sku, 1) for sku in skus], area)
        states = pool.submit(known, self._wire.states, skus)
        checks = pool.submit(known, self._wire.check, skus)
        images = pool.submit(known, self._wire.images, skus)
        return Goods(
            prices.result()[0],
            mapping.states(states.result()),
            mapping.checks(checks.result()),
            mapping.images(images.result(), self._given.image_base),
            stock.result(),
            self._categories,
        )


def known(ask: Callable[[list[str]], Said], skus: list[str]) -> Any:
    """The result without the ids that JD refuses; facts of those are unknown."""
    answer, _ = without_strangers(skus, ask)
    return answer.result if answer else None


def without_strangers(
    skus: list[str], ask: Callable[[list[str]], Said]
) -> tuple[Said | None, frozenset[str]]:
    """The answer for what is in the pool, and what JD says is not; asked again without those."""
    gone: set[str] = set()
    wanted = skus
    while wanted:  # it gets shorter each time: JD may name one id at a time
        try:
            return ask(wanted), frozenset(gone)
        except NoSuchThing as error:
            named = set(mapping.outside_pool(error.message)) & set(wanted)
            if not named and len(wanted) == 1:
                named = set(wanted)
            if not named:
                raise
            gone |= named
            wanted = [sku for sku in wanted if sku not in named]
    return None, frozenset(gone)


@dataclass(frozen=True)
class _Place:
    """Where in the pools a reading stands: a page number or an offset, and ids done of it."""

    pool: str
    at: str
    done: int = 0

    @classmethod
    def of(cls, cursor: Cursor) -> "_Place":
        return cls(text(cursor["pool"]), text(cursor["at"]), whole(cursor.get("done")) or 0)

    def cursor(self) -> Cursor:
        return {"pool": self.pool, "at": self.at, "done": self.done}


class Pools:
    """The ids of the contract's pools, in JD's order, so that a reading can go on where it was."""

    def __init__(self, wire: Wire, given: VopSettings, shelves: Shelves) -> None:
        self._wire = wire
        self._given = given
        self._shelves = shelves
        self._cursor_paging = given.protocol == "router" or given.paging == "cursor"

    def names(self) -> list[str]:
        """The pools to read."""
        if self._given.pools:
            return self._given.pools
        found = rows(self._wire.pools().result)
        return [text(pick(row, "page_num", "pageNum", "bizPoolId")) for row in found]

    def pages(self, pools: list[str], after: Cursor | None) -> Iterator[Page]:
        """Rows of every pool, a batch a page; a SKU of several pools is read once."""
        start = _Place.of(after) if after else None
        if start is not None and start.pool in pools:
            pools = pools[pools.index(start.pool) :]
        else:
            start = None
        seen: set[str] = set()
        for pool in pools:
            for place, skus in self._ids(pool, start):
                done = place.done
                for batch in batches(skus[done:], self._given.sku_batch):
                    done += len(batch)
                    fresh = [sku for sku in dict.fromkeys(batch) if sku not in seen]
                    seen.update(fresh)
                    cursor = _Place(pool, place.at, done).cursor()
                    yield self._shelves.page(fresh, cursor) if fresh else page([], cursor=cursor)
            start = None

    def _ids(self, pool: str, start: _Place | None) -> Iterator[tuple[_Place, list[str]]]:
        at, done = (start.at, start.done) if start else ("", 0)
        read = self._by_cursor if self._cursor_paging else self._by_page
        for where, skus in read(pool, at):
            yield _Place(pool, where, done), skus
            done = 0

    def _by_page(self, pool: str, at: str) -> Iterator[tuple[str, list[str]]]:
        """Pages in order. A short or an empty one is not the end; `pageCount` is, or 0010."""
        number = max(1, whole(at) or 1)
        while True:
            answer = self._wire.pool_page(pool, number)
            if answer.code == "0010":
                return
            found = table(answer.result)
            yield str(number), ids(pick(found, "skuIds", "skus") or [])
            number += 1
            if number > (whole(found.get("pageCount")) or number):
                return

    def _by_cursor(self, pool: str, at: str) -> Iterator[tuple[str, list[str]]]:
        """The offset that each page returns leads to the next. The same one twice is no end."""
        offset, passed = at or "0", set[str]()
        while True:
            found = table(self._wire.pool_cursor(pool, offset, self._given.page_size).result)
            skus = ids(pick(found, "skus", "skuIds") or [])
            yield offset, skus
            left = whole(found.get("remainPage"))
            if left == 0 or (left is None and not skus):
                return
            passed.add(offset)
            offset = text(found.get("offset"))
            if not offset or offset in passed:
                raise Unreadable("paging", f"pool {pool}: JD gives the offset {offset!r} again")
