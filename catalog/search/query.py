"""What was asked for, as queries of the index."""

import hashlib
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from tantivy import FieldType, Occur, Query, Schema, Searcher

from catalog.matching import tree
from catalog.search import labels, opening
from catalog.search.schema import margin_units, price_units
from catalog.shelf import Reader
from kit import clock
from kit.errors import FieldError, Problem

Sort = Literal["relevance", "price", "-price", "-margin", "-sales", "newest"]
SORTS = ("relevance", "price", "-price", "-margin", "-sales", "newest")


@dataclass(frozen=True)
class Asked:
    """A search. Prices in CNY, `margin_min` in percent; None and "" narrow nothing.

    `source` counts only for readers who may know sources.
    """

    text: str = ""
    category: str | None = None
    brand: str | None = None
    gtin: str | None = None
    mode: str | None = None
    price_min: Decimal | None = None
    price_max: Decimal | None = None
    margin_min: Decimal | None = None
    in_stock: bool | None = None
    region: str = ""
    source: str | None = None
    sort: str = "relevance"

    def mark(self, reader: Reader) -> str:
        """Names this search, so that a cursor of another one is not taken for its own."""
        said = repr((*vars(self).values(), reader.prices.id, reader.sees_sources))
        return hashlib.sha256(said.encode()).hexdigest()[:12]

    def checked(self) -> "Asked":
        """The same. Raises Problem 422 for a sort that is not offered."""
        if self.sort in SORTS:
            return self
        code, message = "unknown_sort", f"sort by one of {', '.join(SORTS)}"
        raise Problem(422, code, message, errors=[FieldError("sort", code, message)])


def served(schema: Schema, reader: Reader) -> Reader:
    """The reader by a list that the index has: while one for a new level is being built, the level
    searches by the list that everybody has."""
    one = reader.prices.id
    try:
        Query.term_query(schema, f"mode_{one}", "")
    except ValueError:
        return replace(reader, prices=replace(reader.prices, id=one.partition("_")[0]))
    return reader


def narrowed(
    searcher: Searcher, schema: Schema, asked: Asked, reader: Reader, *, sees_all: bool = False
) -> list[tuple[Occur, Query]]:
    """The conditions that every answer meets: visible to `reader`, and as asked.

    `sees_all`: the index has nothing that readers of this price list may not see.
    """
    one = reader.prices.id
    flags = [] if sees_all else [f"for:{one}"]
    if asked.category:
        flags += _shelf(asked.category)
    if asked.brand:
        flags.append(labels.meant(searcher, schema, asked.brand))
    if asked.gtin:
        flags.append(f"gtin:{asked.gtin.zfill(14)}")
    if asked.mode:
        flags.append(f"mode:{one}:{asked.mode}")
    if asked.in_stock:
        flags.append(f"in_stock:{one}")
    if asked.source and reader.sees_sources:
        flags.append(f"source:{asked.source}")
    conditions = [(Occur.Must, Query.term_query(schema, "flag", flag)) for flag in flags]
    kept_out = [f"in_stock:{one}"] if asked.in_stock is False else []
    if asked.region:
        digits = range(1, len(asked.region) + 1)
        kept_out += [f"refuses:{one}:{asked.region[:count]}" for count in digits]
    conditions += [(Occur.MustNot, Query.term_query(schema, "flag", flag)) for flag in kept_out]
    if reader.grants.closed:
        sources = [source for source, _ in searcher.terms_with_prefix("source", "")]
        opened = opening.condition(schema, reader, sources, asked.region, clock.now())
        conditions += [(Occur.Must, opened)] if opened is not None else []
    conditions += _ranges(schema, asked, one)
    return conditions


def _shelf(category: str) -> list[str]:
    """A category of ours with those below it; any other words as sources use them."""
    if code := tree.asked(category):
        return [f"shelf:{code}"]
    return [f"called:{level}" for level in tree.parts(category) or ("",)]


def _ranges(schema: Schema, asked: Asked, one: str) -> list[tuple[Occur, Query]]:
    ranges = []
    if asked.price_min is not None or asked.price_max is not None:
        low = None if asked.price_min is None else price_units(max(asked.price_min, Decimal(0)))
        high = None if asked.price_max is None else price_units(max(asked.price_max, Decimal(0)))
        price = Query.range_query(schema, f"price_{one}", FieldType.Unsigned, low, high)
        ranges.append((Occur.Must, price))
    if asked.margin_min is not None:
        least = margin_units(asked.margin_min)
        margin = Query.range_query(schema, f"margin_{one}", FieldType.Integer, least, None)
        ranges.append((Occur.Must, margin))
    return ranges
