"""Reading what is followed: offers by id or link, and searches page by page.

Before an offer is read for the first time its distribution relation is made: without one most
offers may not be read, and none of their messages come.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from connectors import jsontext
from connectors.errors import NoSuchThing, Refused, Unreadable
from connectors.links import leads_to
from connectors.model import Cursor, Page, Reject, Watched, page
from kit import log

from . import products, values
from .calls import FOLLOW, PRODUCT, PUSH_RELATION, RELATE, SEARCH
from .gateway import Gateway
from .settings import AliSettings
from .values import Bad, Record

logger = log.get(__name__)

THREADS = 5
_IN_LINK = re.compile(r"(?:/offer/|[?&](?:offerId|id)=)(\d{1,20})")
_PAGES = ("1688.com",)
_NO_RELATION = "查询权限"
WATCH_LIST = "watch list"


@dataclass(frozen=True)
class Leg:
    """Some offers, or one page of a search: what one page of ours is read from."""

    offers: tuple[str, ...] = ()
    query: str = ""
    number: int = 0


def offer_id(watched: str) -> str | None:
    """The offer that an id or a link to a page of 1688 names; None where it names none."""
    word = watched.strip()
    if word.isascii() and word.isdigit():
        return word
    found = _IN_LINK.search(word) if leads_to(word, _PAGES) else None
    return found.group(1) if found else None


def id_of(watched: Watched) -> str | None:
    """The offer that is to be followed; an id may be that of one of its SKUs."""
    return offer_id(products.offer_of(watched.value) if watched.kind == "id" else watched.value)


def legs(watched: Sequence[Watched]) -> tuple[list[Leg], list[Reject]]:
    """What is to be read, each offer once, and what names nothing at 1688."""
    offers: dict[str, None] = {}
    queries: dict[str, int] = {}
    rejects = []
    for line, one in enumerate(watched, 1):
        if one.kind == "query":
            queries[one.value] = max(queries.get(one.value, 1), one.pages)
        elif offer := id_of(one):
            offers[offer] = None
        else:
            why = "this is no offer of 1688; give its id or the address of its page"
            rejects.append(Reject(WATCH_LIST, line, one.kind, one.value[:200], why))
    listed = list(offers)
    found = [Leg(tuple(listed[at : at + RELATE])) for at in range(0, len(listed), RELATE)]
    found += [Leg((), query, n) for query, most in queries.items() for n in range(1, most + 1)]
    return found, rejects


def mark(found: Sequence[Leg]) -> str:
    """A word that changes when what is followed changes: a cursor serves one list only."""
    text = json.dumps([[leg.offers, leg.query, leg.number] for leg in found])
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


class Reader:
    """Reads offers of one account. Safe to use from threads."""

    def __init__(self, gateway: Gateway, given: AliSettings) -> None:
        self._gateway = gateway
        self._given = given
        self._related: set[str] = set()

    def pages(
        self, found: Sequence[Leg], rejects: list[Reject], after: Cursor | None
    ) -> Iterator[Page]:
        """A page for each leg behind the cursor. Raises SupplierError where it breaks off."""
        which = mark(found)
        at = int(after["leg"]) if after and after.get("of") == which else 0
        if rejects and at == 0:
            yield replace(page([]), rejects=rejects)
        while at < len(found):
            leg = found[at]
            offers, last = (leg.offers, False) if leg.offers else self._searched(leg)
            at += 1
            while last and at < len(found) and found[at].query == leg.query:
                at += 1
            read = self.read(offers)
            yield replace(read, cursor={"of": which, "leg": at})

    def read(self, offers: Sequence[str]) -> Page:
        """Every SKU of some offers; an offer that 1688 denies is `gone`."""
        self.relate(offers)
        rows: list[dict[str, Any]] = []
        rejects: list[Reject] = []
        gone: list[str] = []
        for offer, told in zip(offers, self._all(offers), strict=True):
            if isinstance(told, NoSuchThing):
                gone.append(offer)
            elif isinstance(told, Refused | Unreadable):
                rejects.append(Reject(f"offer {offer}", 1, "", told.code, told.message))
            else:
                good, bad = products.read(told, self._given, f"offer {offer}")
                rows += good
                rejects += bad
        return replace(page(rows, gone=tuple(gone)), rejects=rejects)

    def told(self, offers: Sequence[str]) -> list[Record]:
        """The products of offers, without those that cannot be read."""
        return [one for one in self._all(offers) if not isinstance(one, Exception)]

    def relate(self, offers: Sequence[str]) -> None:
        """Make the distribution relation of offers that have none yet, as far as we know."""
        if self._given.relation == "none":
            return
        new = [offer for offer in dict.fromkeys(offers) if offer not in self._related]
        for at in range(0, len(new), RELATE):
            some = new[at : at + RELATE]
            try:
                self._make_relation(some)
            except Refused:
                for offer in some if len(some) > 1 else ():
                    self._try_relation(offer)
            self._related.update(some)

    def _make_relation(self, offers: Sequence[str]) -> None:
        if self._given.relation == "push":
            self._gateway.ask(PUSH_RELATION, productIdList=[int(offer) for offer in offers])
            return
        for offer in offers:
            self._gateway.ask(FOLLOW, productId=offer)

    def _try_relation(self, offer: str) -> None:
        """One that 1688 will not relate may be readable all the same; reading it will tell."""
        try:
            self._make_relation([offer])
        except Refused as error:
            logger.warning("relation_refused", offer=offer, code=error.code)

    def _all(self, offers: Sequence[str]) -> list[Record | Refused | Unreadable]:
        if len(offers) == 1:
            return [self._product(offers[0])]
        with ThreadPoolExecutor(THREADS, thread_name_prefix="offers") as pool:
            return list(pool.map(self._product, offers))

    def _product(self, offer: str) -> Record | Refused | Unreadable:
        """A product as it was told, or why there is none. Raises what stops the whole reading."""
        try:
            try:
                return self._asked(offer)
            except Refused as error:
                if _NO_RELATION not in error.message or self._given.relation == "none":
                    raise
            self._make_relation([offer])
            return self._asked(offer)
        except (Refused, Unreadable) as error:
            return error

    def _asked(self, offer: str) -> Record:
        call = PRODUCT[self._given.product_api]
        if self._given.product_api == "fenxiao":
            reply = self._gateway.ask(call, offerId=offer)
        elif self._given.product_api == "cross":
            reply = self._gateway.ask(call, productId=offer)
        else:
            wanted = {"offerId": int(offer), "country": self._given.country}
            reply = self._gateway.ask(call, offerDetailParam=wanted)
        try:
            return products.product_of(reply)
        except Bad as bad:
            raise Unreadable("product", f"offer {offer}: {bad}") from bad

    def _searched(self, leg: Leg) -> tuple[tuple[str, ...], bool]:
        """The offers on one page of a search, and whether it is the last."""
        asked = {
            "beginPage": leg.number,
            "pageSize": self._given.query_page_size,
            "country": self._given.country,
        }
        reply = self._gateway.ask(SEARCH, offerQueryParam=_query(leg.query) | asked)
        told = values.part(values.part(reply, "result"), "result")
        found = [values.text(one, "offerId") for one in values.parts(told, "data")]
        pages = values.whole(told, "totalPage")
        last = not found or (pages is not None and leg.number >= pages)
        return tuple(dict.fromkeys(one for one in found if one)), last


def _query(text: str) -> dict[str, Any]:
    """A search by its words, or in 1688's own form."""
    if text.lstrip().startswith("{"):
        told = jsontext.parse(text)
        if isinstance(told, dict):
            return told
    return {"keyword": text}
