"""How many of the goods found there are of each kind, as one reader sees them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from tantivy import Occur, Query

from catalog.matching import tree
from catalog.search.query import Asked
from catalog.search.schema import margin_units, price_units
from catalog.search.walk import State
from catalog.shelf import Reader

MOST_VALUES = 50
MOST_IN_ALL = 20_000
PRICE_STEPS = (0, 10, 20, 50, 100, 200, 500, 1000, 5000)
"""CNY; a step reaches up to the next one, the last has no end."""

MARGIN_STEPS = (0, 10, 20, 30, 40, 50)
"""Percent."""


@dataclass(frozen=True)
class Value:
    """One value that a search can be narrowed by, and how many products it leaves."""

    value: str
    products: int


Facets = Mapping[str, list[Value]]


def facets(state: State, asked: Asked, reader: Reader, text: Query | None) -> Facets:
    """Category, brand, mode, region (by province), price, margin, and for whoever sees them source.

    A facet that the search is narrowed by already counts as if it were not, so that another value
    can be chosen. `text` is what the words found.
    """
    one = reader.prices.id
    wanted: dict[str, tuple[str, dict[str, Any]]] = {
        "category": ("category", _terms("category")),
        "brand": ("brand", _terms("brand")),
        "mode": ("mode", _terms(f"mode_{one}")),
        "price": ("price_min price_max", _ranges(f"price_{one}", _prices())),
        "margin": ("margin_min", _ranges(f"margin_{one}", _margins())),
        "region": ("region", _terms(f"refuses_{one}")),
    }
    if reader.sees_sources:
        wanted["source"] = ("source", _terms("source"))
    found: dict[str, list[Value]] = {}
    for without, group in _grouped(asked, wanted).items():
        freed = replace(asked, **{name: _EMPTY[name] for name in without})
        conditions = state.conditions(freed, reader, worded=text is not None)
        if text is not None:
            conditions.append((Occur.Must, text))
        query = Query.boolean_query(conditions)
        counted = {name: wanted[name][1] for name in group} | _TOTAL
        answers = state.searcher.aggregate(query, counted)
        for name in group:
            found[name] = _read(answers[name])
        if "region" in group:
            total = int(answers["total"]["value"])
            found["region"] = [Value(v.value, total - v.products) for v in found["region"]]
    return {name: found[name] for name in wanted}


@dataclass(frozen=True)
class Shelf:
    """A category with the products in it and below; `code` is None for words of a source's own."""

    code: str | None
    name: str
    parent: str | None
    products: int


def every(state: State, reader: Reader, name: str) -> list[Value]:
    """All values of one facet that are in goods that `reader` sees, by name."""
    conditions = state.conditions(Asked(), state.served(reader), worded=False)
    visible = Query.boolean_query(conditions)
    wanted = {name: {"terms": {"field": name, "size": MOST_IN_ALL}}}
    return sorted(_read(state.searcher.aggregate(visible, wanted)[name]), key=lambda one: one.value)


def shelves(values: Iterable[Value]) -> list[Shelf]:
    """Categories in the order of our tree, then those that are none of it, by name."""
    counts = {one.value: one.products for one in values}
    ours = [
        Shelf(node.code, node.name, node.parent, counts.pop(node.name))
        for node in tree.tree().values()
        if node.name in counts
    ]
    return ours + [Shelf(None, name, None, products) for name, products in counts.items()]


_TOTAL = {"total": {"value_count": {"field": "id"}}}
_EMPTY = {name: getattr(Asked(), name) for name in Asked.__dataclass_fields__}


def _grouped(
    asked: Asked, wanted: Mapping[str, tuple[str, Any]]
) -> dict[tuple[str, ...], list[str]]:
    """Facets by the filters that they are counted without: most are counted together."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for name, (filters, _) in wanted.items():
        without = tuple(f for f in filters.split() if getattr(asked, f) != _EMPTY[f])
        groups.setdefault(without, []).append(name)
    return groups


def _terms(field: str) -> dict[str, Any]:
    return {"terms": {"field": field, "size": MOST_VALUES}}


def _ranges(field: str, steps: Iterable[tuple[str, int, int | None]]) -> dict[str, Any]:
    ranges = [
        {"key": key, "from": low} | ({} if high is None else {"to": high})
        for key, low, high in steps
    ]
    return {"range": {"field": field, "ranges": ranges}}


def _prices() -> Iterable[tuple[str, int, int | None]]:
    for low, high in zip(PRICE_STEPS, (*PRICE_STEPS[1:], None), strict=True):
        name = f"{low}-{'' if high is None else high}"
        yield name, price_units(Decimal(low)), None if high is None else price_units(Decimal(high))


def _margins() -> Iterable[tuple[str, int, int | None]]:
    for low, high in zip(MARGIN_STEPS, (*MARGIN_STEPS[1:], None), strict=True):
        name = f"{low}-{'' if high is None else high}"
        top = None if high is None else margin_units(Decimal(high))
        yield name, margin_units(Decimal(low)), top


def _read(answer: Mapping[str, Any]) -> list[Value]:
    buckets = answer["buckets"]
    found = [Value(str(bucket["key"]), bucket["doc_count"]) for bucket in buckets]
    return [value for value in found if value.products]
