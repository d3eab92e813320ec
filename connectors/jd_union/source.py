"""JD Union as a source of affiliate offers: it follows, prices and promotes, and never sells."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from connectors.calls import GARBLED, Call, Failure, Limit, Outgoing, Reply
from connectors.errors import NoSuchThing, Refused, Unreadable
from connectors.http import Road
from connectors.jd import router
from connectors.jd.reading import batches, moment, pick, table, text, yes
from connectors.links import leads_to
from connectors.model import Cursor, Listing, Page, PriceFact, Watched, page
from connectors.settings import span
from connectors.surroundings import Surroundings
from connectors.tokens import Token
from connectors.trading import Commissions, Link
from kit.clock import SHANGHAI

from . import mapping
from .settings import UnionSettings

GOODS = Call("jd.union.open.goods.query", "api", token=False)
JINGFEN = Call("jd.union.open.goods.jingfen.query", "api", token=False)
PROMOTED = Call("jd.union.open.goods.promotiongoodsinfo.query", "api", token=False)
ORDER_ROWS = Call("jd.union.open.order.row.query", "api", token=False)
LINK = Call("jd.union.open.promotion.common.get", "api", urgent=True, token=False)
SUB_LINK = Call("jd.union.open.promotion.bysubunionid.get", "api", urgent=True, token=False)

WINDOW = timedelta(hours=1)
CHANGED = 3
_NEAR = timedelta(minutes=1)
"""JD asks to be polled once a minute: what is younger waits for the next time."""
_IDS = 20
_PROMOTED_IDS = 100
_LONGEST_SUB_ID = 80
_ID = re.compile(r"[\w-]+", re.ASCII)
_PAGES = ("jd.com", "jd.hk")
_PAGE = re.compile(r"/([\w-]+)\.html(?:[?#]|$)", re.ASCII)


class UnionDialect:
    """The router under v 1.0; the payload is JSON in a string and has a code of its own."""

    def __init__(self, settings: UnionSettings) -> None:
        self._app = router.App(
            settings.base_url.rstrip("/"),
            settings.app_key.get_secret_value(),
            settings.app_secret.get_secret_value(),
            "1.0",
            settings.sign_method,
        )
        self.limits = {"api": Limit(settings.calls_per_second, settings.calls_per_day)}

    def outgoing(
        self, call: Call, args: Mapping[str, Any], token: Token | None, now: datetime
    ) -> Outgoing:
        """Union calls need no token."""
        return router.outgoing(self._app, call, args, None, now)

    def failure(self, reply: Reply) -> Failure | None:
        """The router's errors, then the Union's."""
        if failed := router.failure(reply):
            return failed
        try:
            return mapping.failure(router.payload(reply))
        except Unreadable as error:
            return Failure(GARBLED, error.code, error.message)


class UnionSource:
    """One Union application. Close it when done. Safe to use from many threads."""

    Settings = UnionSettings

    price_batch = _PROMOTED_IDS
    read_batch = _IDS

    def __init__(self, code: str, settings: UnionSettings, around: Surroundings) -> None:
        self.code = code
        self.settings = settings
        self._now = around.now
        self.road = Road(code, UnionDialect(settings), around)

    def close(self) -> None:
        """Close the connections."""
        self.road.close()

    def follow(self, watched: Sequence[Watched], *, after: Cursor | None = None) -> Listing:
        """The goods that are asked for: ids, links, and queries up to their number of pages.

        A query is words, or JSON text of JD's own fields (`{"eliteId": 22}` reads 京粉 channels).
        """
        as_of = self._now()
        lost = [x.value[:80] for x in watched if x.kind != "query" and self.id_of(x) is None]
        notes = {"watched": len(watched)} | ({"links": lost} if lost else {})
        return Listing(as_of, False, notes, self._pages(watched, after))  # noqa: FBT003

    def id_of(self, watched: Watched) -> str | None:
        """The SKU, or the Union product, that an id or a link to its page names."""
        value = watched.value.strip()
        if watched.kind == "id":
            return value if _ID.fullmatch(value) else None
        found = _PAGE.search(value) if leads_to(value, _PAGES) else None
        return found[1] if found else None

    def read(self, external_ids: Sequence[str]) -> Page:
        """Goods again: SKU ids by their promotion, Union ids by the query."""
        found = list(self._by_ids(list(dict.fromkeys(external_ids))))
        return page([self._row(good) for good in found])

    def prices(self, external_ids: Sequence[str]) -> Sequence[PriceFact]:
        """What consumers pay and what we get. SKUs without promotion are simply missing."""
        use = self.settings.coupon_price
        return [
            mapping.price_fact(good, coupon_price=use)
            for good in self._by_ids(list(dict.fromkeys(external_ids)))
        ]

    def link(self, item: str, leader: str) -> Link:
        """An attributed link; `leader` comes back as `subUnionId` with each order row."""
        if len(leader) > _LONGEST_SUB_ID:
            raise Refused("subUnionId", f"JD takes sub ids of {_LONGEST_SUB_ID} signs at most")
        common = self.settings.links == "common"
        asked = {
            "materialId": mapping.material(item),
            "siteId": self.settings.site_id if common else None,
            "positionId": self.settings.position_id or None,
            "subUnionId": leader,
            "chainType": None if common else 3,
            "sceneId": self.settings.scene if common else None,
        }
        given = {name: value for name, value in asked.items() if value is not None}
        said = self._ask(LINK if common else SUB_LINK, {"promotionCodeReq": given})
        found = table(said.get("data"))
        long, short = text(pick(found, "clickURL")), text(pick(found, "shortURL"))
        if not (long or short):
            raise NoSuchThing("link", f"JD makes no link for {item}")
        return Link(long or short, short, text(found.get("jCommand")))

    def commissions(self, since: Cursor | None = None) -> Commissions:
        """One page of the order rows that changed, an hour's window at most.

        The cursor is the window and the page; the newest window is read again with an overlap.
        """
        now = self._now()
        start, page_number = self._start(since, now)
        end = min(start + WINDOW, now)
        told = moment((since or {}).get("to"))
        if page_number > 1 and told is not None:
            end = told  # the pages of one window count from the same rows
        asked = {
            "pageIndex": page_number,
            "pageSize": self.settings.rows_page,
            "type": CHANGED,
            "startTime": _beijing(start),
            "endTime": _beijing(end),
            "fields": "goodsInfo,categoryInfo",
        }
        said = self._ask(ORDER_ROWS, {"orderReq": asked})
        found = tuple(mapping.commission(row, now) for row in mapping.payload_rows(said))
        if yes(said.get("hasMore")):
            cursor = {"from": start.isoformat(), "to": end.isoformat(), "page": page_number + 1}
            return Commissions(found, cursor, more=True)
        behind = now - end > _NEAR
        following = end if behind else max(start, end - span(self.settings.overlap))
        return Commissions(found, {"from": following.isoformat(), "page": 1}, more=behind)

    def _start(self, since: Cursor | None, now: datetime) -> tuple[datetime, int]:
        earliest = now - timedelta(days=90)
        known = moment((since or {}).get("from"))
        if since is None or known is None:
            return max(earliest, now - span(self.settings.history)), 1
        return max(earliest, known), int(since.get("page") or 1)

    def _pages(self, watched: Sequence[Watched], after: Cursor | None) -> Iterator[Page]:
        """Ids in batches, then each query page by page; the cursor counts these steps."""
        done = int((after or {}).get("step", 0))
        named = (self.id_of(each) for each in watched if each.kind != "query")
        singles = [each for each in named if each is not None]
        step = 0
        for batch in batches(singles, _IDS):
            step += 1
            if step > done:
                found = [self._row(good) for good in self._by_ids(batch)]
                yield page(found, cursor={"step": step})
        for query in (each for each in watched if each.kind == "query"):
            for number in range(1, query.pages + 1):
                step += 1
                if step <= done:
                    continue
                goods = self._query(query.value, number)
                yield page([self._row(good) for good in goods], cursor={"step": step})
                if not goods:
                    step += query.pages - number
                    break

    def _query(self, words: str, number: int) -> list[dict[str, Any]]:
        given = json.loads(words) if words.lstrip().startswith("{") else {"keyword": words}
        paging = {"pageIndex": number, "pageSize": self.settings.page_size}
        if "eliteId" in given:
            return mapping.payload_rows(self._ask(JINGFEN, {"goodsReq": given | paging}))
        asked = given | paging | {"sceneId": self.settings.scene}
        return mapping.payload_rows(self._ask(GOODS, {"goodsReqDTO": asked}))

    def _by_ids(self, wanted: list[str]) -> Iterator[dict[str, Any]]:
        """SKU ids and Union ids are read by different calls."""
        skus = [each for each in wanted if each.isdigit()]
        items = [each for each in wanted if not each.isdigit()]
        for batch in batches(skus, _PROMOTED_IDS):
            said = self._ask(PROMOTED, {"skuIds": ",".join(batch)})
            for row in mapping.payload_rows(said):
                if good := mapping.promoted(row):
                    yield good
        for batch in batches(items, _IDS):
            asked = {"itemIds": batch, "sceneId": 1, "pageIndex": 1, "pageSize": _IDS}
            for good in mapping.payload_rows(self._ask(GOODS, {"goodsReqDTO": asked})):
                asked_for = text(good.get("itemId"))
                yield good if asked_for not in batch else good | {"skuId": None}

    def _row(self, good: Mapping[str, Any]) -> dict[str, Any]:
        return mapping.row(good, coupon_price=self.settings.coupon_price)

    def _ask(self, call: Call, args: Mapping[str, Any]) -> dict[str, Any]:
        return table(router.payload(self.road.call(call, args)))


def _beijing(at: datetime) -> str:
    return at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")
