"""Taobao Alliance as a source: it follows what it is told to, and pays for recommendations."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from connectors.errors import NoSuchThing, NotAuthorised, SupplierError, Unreadable
from connectors.links import leads_to
from connectors.model import Cursor, Listing, Page, PriceFact, Watched, page
from connectors.surroundings import Surroundings
from connectors.top import faults, values
from connectors.top.envelope import Record, records
from connectors.top.gateway import Gateway
from connectors.top.settings import span
from connectors.trading import Commission, Commissions, Link
from kit import log

from . import mapping, report
from .calls import INFO, INFO_NEW, LINK, NUMBERS, OPAQUE, ORDERS, PAGE, SEARCH, SEARCH_NEW
from .report import Place
from .settings import TbkSettings

logger = log.get(__name__)

_ID = re.compile(r"[\w-]+", re.ASCII)
_PAGES = ("taobao.com", "tmall.com", "tmall.hk")
_ID_IN_LINK = re.compile(r"[?&](?:id|item_id|itemId|num_iid)=([\w-]+)")


class TaobaoTbk:
    """One alliance account. Follows, Reads, Prices, Promotes; absence means nothing here."""

    Settings = TbkSettings

    def __init__(self, code: str, settings: TbkSettings, around: Surroundings) -> None:
        self.code = code
        self.settings = settings
        self.gateway = Gateway(code, settings, around)
        self._new = settings.api == "upgrade"
        self.read_batch = self.price_batch = OPAQUE if self._new else NUMBERS

    def close(self) -> None:
        """Close the connections."""
        self.gateway.road.close()

    def authorise_page(self, redirect_uri: str, state: str) -> str:
        """Where the seller authorises this app."""
        return self.gateway.sessions.page(redirect_uri, state)

    def authorise(self, code: str, redirect_uri: str) -> None:
        """Keep the session that the code stands for."""
        self.gateway.authorise(code, redirect_uri)

    def follow(self, watched: Sequence[Watched], *, after: Cursor | None = None) -> Listing:
        """Ids and links first, a batch a page, then each query's pages."""
        notes: dict[str, Any] = {}
        ids = [one for each in watched if (one := self._id(each, notes))]
        queries = [each for each in watched if each.kind == "query"]
        place = dict(after) if after else {"ids": 0, "query": 0, "page": 1}
        pages = self._followed(list(dict.fromkeys(ids)), queries, place)
        return Listing(self.gateway.now(), complete=False, notes=notes, pages=pages)

    def id_of(self, watched: Watched) -> str | None:
        """The item that an id or a link to its page names."""
        value = watched.value.strip()
        if watched.kind == "id":
            return value if _ID.fullmatch(value) else None
        linked = watched.kind == "link" and leads_to(value, _PAGES)
        found = _ID_IN_LINK.search(value) if linked else None
        return found[1] if found else None

    def read(self, external_ids: Sequence[str]) -> Page:
        """Items again; of those that are left out nothing is concluded."""
        items = self._infos(list(dict.fromkeys(external_ids)))
        rows, rejects = mapping.rows(items, self._info.name)
        return replace(page(rows), rejects=rejects)

    def prices(self, external_ids: Sequence[str]) -> list[PriceFact]:
        """What consumers pay for these items now."""
        found = []
        for item in self._infos(external_ids):
            try:
                found.append(mapping.priced(item))
            except values.Bad as error:
                logger.warning("unreadable_item", source=self.code, column=error.column)
        return found

    def link(self, item: str, leader: str) -> Link:
        """An attributed link, with its coupon where there is one.

        Raises NoSuchThing for an item that nobody pays for, NotAuthorised without a session.
        """
        given = self.settings
        if not self.gateway.has_session():
            return self._link_without_session(item, leader)
        asked: dict[str, Any] = {"item_id": item, given.leader_param: leader}
        reply = self.gateway.ask(LINK, adzone_id=given.adzone, site_id=given.site, **asked)
        result = reply.get("result")
        data = result.get("data", result) if isinstance(result, dict) else {}
        for key in ("coupon_click_url", "item_url", "coupon_short_url"):
            if address := values.picture(values.text(data, key)):
                return Link(address)
        raise NoSuchThing("no-link", f"the alliance gives no link for item {item}")

    def commissions(self, since: Cursor | None = None) -> Commissions:
        """One page of the order report, and where it goes on. A row may come again, changed."""
        given, now = self.settings, self.gateway.now()
        scenes: list[int] = [*given.order_scenes]
        place = report.at(since) if since else report.first(now, scenes, given.report_days)
        start, end = report.window(place, span(given.report_window), now)
        if end - start < timedelta(seconds=1):
            return Commissions((), report.cursor(place), more=False)
        try:
            reply = self._reported(place, values.stamp(start), values.stamp(end))
        except SupplierError as error:
            shorter = report.shorter(place, start, end) if faults.narrower(error) else None
            if shorter is None:
                raise
            return Commissions((), report.cursor(shorter), more=True)
        data = reply.get("data")
        if not isinstance(data, dict):
            raise Unreadable("report", "the order report has no data")
        rows = tuple(self._rows(data))
        if values.flag(data, "has_next"):
            position = values.text(data, "position_index")
            if position is None or position == place.position:
                raise Unreadable(
                    "report", "the order report leads nowhere: the same position twice"
                )
            following = report.behind(place, end, position, place.page)
            return Commissions(rows, report.cursor(following), more=True)
        following = report.beyond(place, start, end, scenes)
        more = following.end is not None or end < now
        if not more:  # caught up: next time a little is read again, for rows written late
            back = max(start, end - span(given.overlap))
            following = replace(following, start=back.isoformat())
        return Commissions(rows, report.cursor(following), more=more)

    @property
    def _info(self) -> Any:
        return INFO_NEW if self._new else INFO

    def _reported(self, place: Place, start: str, end: str) -> Record:
        return self.gateway.ask(
            ORDERS,
            query_type=report.QUERY_TYPES[self.settings.report_by],
            start_time=start,
            end_time=end,
            order_scene=place.scene,
            page_size=PAGE,
            page_no=place.page,
            position_index=place.position,
            jump_type=report.NEXT if place.position else None,
        )

    def _rows(self, data: Record) -> Iterator[Commission]:
        own_only = self.settings.own_adzone_only
        for row in mapping.order_rows(data):
            if own_only and values.text(row, "adzone_id") != self.settings.adzone:
                continue
            try:
                yield mapping.commission(row, self.settings.leader_param)
            except values.Bad as error:
                logger.warning("unreadable_commission", source=self.code, column=error.column)

    def _followed(
        self, ids: list[str], queries: list[Watched], place: dict[str, Any]
    ) -> Iterator[Page]:
        for start in range(place["ids"], len(ids), self.read_batch):
            batch = ids[start : start + self.read_batch]
            following = {**place, "ids": start + len(batch)}
            yield replace(self.read(batch), cursor=following)
        place = {**place, "ids": len(ids)}
        for number in range(place["query"], len(queries)):
            wanted = queries[number]
            first = place["page"] if number == place["query"] else 1
            for count in range(first, wanted.pages + 1):
                items, total = self._found(wanted.value, count)
                last = count >= wanted.pages or count * PAGE >= total
                following = {"query": number + 1, "page": 1} if last else {"page": count + 1}
                rows, rejects = mapping.rows(items, f"{wanted.value[:40]} {count}")
                cursor = {**place, "query": number, **following}
                yield replace(page(rows, cursor=cursor), rejects=rejects)
                if last:
                    break

    def _found(self, query: str, number: int) -> tuple[list[Record], int]:
        """One page of a search: words, or JSON of the platform's own parameters."""
        asked = {
            "adzone_id": self.settings.adzone,
            "material_id": self.settings.material_id,
            **_asked(query),
            "page_no": number,
            "page_size": PAGE,
        }
        reply = self.gateway.ask(SEARCH_NEW if self._new else SEARCH, **asked)
        return records(reply, "result_list"), values.whole(reply, "total_results") or 0

    def _infos(self, ids: Sequence[str]) -> list[Record]:
        if not ids:
            return []
        asked: dict[str, Any] = {"item_id" if self._new else "num_iids": list(ids)}
        return records(self.gateway.ask(self._info, **asked), "results")

    def _id(self, watched: Watched, notes: dict[str, Any]) -> str | None:
        found = self.id_of(watched)
        if found is None and watched.kind != "query":
            notes.setdefault("links", []).append(f"no item in {watched.value[:80]}")
        return found

    def _link_without_session(self, item: str, leader: str) -> Link:
        """The new form of items carries a link of the adzone, and of a relation where asked."""
        if self._new and self.settings.leader_param == "relation_id":
            reply = self.gateway.ask(INFO_NEW, item_id=item, relation_id=leader)
            for found in records(reply, "results"):
                if address := mapping.link_of(found):
                    return Link(address)
            raise NoSuchThing("no-link", f"the alliance gives no link for item {item}")
        raise NotAuthorised(
            "no-session", f"{self.code}: links need a session (sources.{self.code}.session)"
        )


def _asked(query: str) -> dict[str, Any]:
    if query.lstrip().startswith("{"):
        try:
            told = json.loads(query)
        except ValueError as error:
            raise Unreadable("query", f"this query is no JSON: {query[:80]}") from error
        return dict(told)
    return {"q": query}
