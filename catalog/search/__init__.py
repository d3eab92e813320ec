"""Finding goods: a Tantivy index beside the database, which stays the truth."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy.orm import Session

from catalog.marks import roll_sales
from catalog.reads.products import Card, cards
from catalog.search.index import DEEPEST, Hits, SearchIndex
from catalog.search.indexer import Indexer, ask_rebuild, open_indexer
from catalog.search.query import SORTS, Asked
from catalog.search.words import indexed, sounds
from catalog.shelf import Reader
from kit.statements import Ask, send

__all__ = [
    "DEEPEST",
    "SORTS",
    "Asked",
    "Cards",
    "Hits",
    "Indexer",
    "SearchIndex",
    "ask_rebuild",
    "found",
    "open_indexer",
    "roll_sales",
    "search",
    "warm",
]


@dataclass(frozen=True)
class Cards:
    """A page of a search: cards as the database has them now, and the cursor to go on from."""

    items: list[Card]
    next: str | None


def search(
    session: Session,
    index: SearchIndex,
    asked: Asked,
    reader: Reader,
    now: datetime,
    limit: int,
    after: str | None = None,
) -> Cards:
    """A page of up to `limit` products. What was sold off since it was indexed is left out.

    Raises Problem 422 for a malformed search or cursor, 503 while there is no index.
    """
    ask = partial(send, session)
    return found(ask, index, asked, reader, now, limit, after)


def found(
    ask: Ask,
    index: SearchIndex,
    asked: Asked,
    reader: Reader,
    now: datetime,
    limit: int,
    after: str | None = None,
) -> Cards:
    """As `search`, by whatever sends statements and returns the rows of each."""
    hits = index.search(asked, reader, limit, after, index.thesaurus(ask))
    if not hits.ids:
        return Cards([], hits.next)
    return Cards(cards(ask, hits.ids, reader, now, asked.region), hits.next)


def warm() -> None:
    """Read the dictionaries that the first search would wait a second for."""
    for word in indexed("繁體字的绿茶"):
        sounds(word)
