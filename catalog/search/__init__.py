"""Finding goods: a Tantivy index beside the database, which stays the truth."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from catalog.marks import roll_sales
from catalog.reads.products import Card, product_cards
from catalog.search.index import DEEPEST, Hits, SearchIndex
from catalog.search.indexer import Indexer, ask_rebuild, open_indexer
from catalog.search.query import SORTS, Asked
from catalog.shelf import Reader

__all__ = [
    "DEEPEST",
    "SORTS",
    "Asked",
    "Cards",
    "Hits",
    "Indexer",
    "SearchIndex",
    "ask_rebuild",
    "open_indexer",
    "roll_sales",
    "search",
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
    hits = index.search(asked, reader, limit, after, index.thesaurus(session))
    return Cards(product_cards(session, hits.ids, reader, now, asked.region), hits.next)
