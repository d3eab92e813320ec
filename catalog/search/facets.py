"""How many of the goods found there are of each kind, as one reader sees them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from tantivy import Occur, Query

from catalog.matching import tree
from catalog.search.ladder import Ladder
from catalog.search.query import Asked
from catalog.search.schema import margin_units, price_units
from catalog.search.walk import NO_WORDS, State
from catalog.shelf import Reader

MOST_VALUES = 50
MOST_IN_ALL = 20_000
PRICE_STEPS = (0, 10, 20, 50, 100, 200, 500, 1000, 5000)
"""CNY; a step reaches up to the next one and includes both, as `price_min` and `price_max` do: what
costs as much as a step is counted on either side of it. The last one has no end."""

MARGIN_STEPS = (0, 10, 20, 30, 40, 50)
"""Percent; a step counts all from there on, as `margin_min` does."""


@dataclass(frozen=True)
class Value:
    """One value that a search can be narrowed by, and how many products it leaves."""

    value: str
    products: int


Facets = Mapping[str, list[Value]]


def facets(state: State, asked: Asked, reader: Reader, words: Ladder) -> Facets:
    """Category, brand, mode, region (by province), price, margin, and for whoever sees them source.

    A facet that the search is narrowed by already counts as if it were not, so that another value
    can be chosen. A search that is narrowed by a value finds as many as that counts.
    """
    one = reader.prices.id
    wanted: dict[str, tuple[str, dict[str, Any]]] = {
        "category": ("category", _terms("category")),
        "brand": ("brand", _terms("brand")),
        "mode": ("mode", _terms(f"mode_{one}")),
        "price": ("price_min price_max", _ranges(f"price_{one}", _prices())),
        "margin": ("margin_min", _ranges(f"margin_{one}", _spans(_margins()))),
        "region": ("region", _terms(f"refuses_{one}")),
    }
    if reader.sees_sources:
        wanted["source"] = ("source", _terms("source"))
    found: dict[str, list[Value]] = {}
    for without, group in _grouped(asked, wanted).items():
        freed = replace(asked, **{name: _EMPTY[name] for name in without})
        query = Query.boolean_query(_found(state, freed, reader, words))
        counted = {name: wanted[name][1] for name in group} | _TOTAL
        answers = state.searcher.aggregate(query, counted)
        for name in group:
            found[name] = _READ.get(name, _read)(answers[name])
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


def _found(state: State, asked: Asked, reader: Reader, words: Ladder) -> list[tuple[Occur, Query]]:
    """What goods meet that a search finds: by its words in the strictest way that finds any."""
    if words is NO_WORDS:
        return state.conditions(asked, reader, worded=False)
    conditions = state.conditions(asked, reader, worded=True)
    for level in range(len(words.tiers)):
        if (query := words.query(level)) is None:
            continue
        narrowed = [*conditions, (Occur.Must, query)]
        if state.searcher.search(Query.boolean_query(narrowed), 1, count=False).hits:
            return narrowed
    return [(Occur.Must, Query.empty_query())]


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


def _ranges(field: str, spans: Iterable[tuple[int, int | None]]) -> dict[str, Any]:
    """Spans of whole units, their ends left out; named by where they begin."""
    ranges = [
        {"key": str(low), "from": low} | ({} if high is None else {"to": high})
        for low, high in spans
    ]
    return {"range": {"field": field, "ranges": ranges}}


def _spans(steps: Sequence[int]) -> Iterable[tuple[int, int | None]]:
    """From each step to the next one."""
    return zip(steps, (*steps[1:], None), strict=True)


def _prices() -> Iterable[tuple[int, int | None]]:
    """Each step by itself, and what lies behind it: spans of one facet may not overlap."""
    steps = [price_units(Decimal(step)) for step in PRICE_STEPS]
    for low, high in _spans(steps):
        yield low, low + 1
        yield low + 1, high


def _margins() -> list[int]:
    return [margin_units(Decimal(step)) for step in MARGIN_STEPS]


def _read_prices(answer: Mapping[str, Any]) -> list[Value]:
    counts = dict(_counted(answer))
    found = []
    for low, high in _spans(PRICE_STEPS):
        begin = price_units(Decimal(low))
        parts = (
            [begin, begin + 1] if high is None else [begin, begin + 1, price_units(Decimal(high))]
        )
        products = sum(counts.get(str(part), 0) for part in parts)
        found.append(Value(f"{low}-{'' if high is None else high}", products))
    return [value for value in found if value.products]


def _read_margins(answer: Mapping[str, Any]) -> list[Value]:
    counts = dict(_counted(answer))
    each = [counts.get(str(begin), 0) for begin in _margins()]
    found = [Value(f"{low}-", sum(each[n:])) for n, low in enumerate(MARGIN_STEPS)]
    return [value for value in found if value.products]


def _read(answer: Mapping[str, Any]) -> list[Value]:
    return [Value(key, count) for key, count in _counted(answer) if count]


def _counted(answer: Mapping[str, Any]) -> list[tuple[str, int]]:
    return [(str(bucket["key"]), int(bucket["doc_count"])) for bucket in answer["buckets"]]


_READ = {"price": _read_prices, "margin": _read_margins}
