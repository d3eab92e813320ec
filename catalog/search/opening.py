"""What brands opened to a reader, as words of a product and as a condition of a search. Pure.

A product says which sources have a deal in it that its readers see, and by which of their own
brands and categories: that is all that a grant names, besides SKUs, which are found by their codes.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from tantivy import Occur, Query, Schema

from catalog.deals import Deal
from catalog.matching import tree
from catalog.scopes import EVERY_SOURCE, Scope
from catalog.search.schema import sku_code
from catalog.shelf import Reader


def flags(visible: Mapping[str, Iterable[Deal]]) -> list[str]:
    """The flags of a product with these deals, by what their readers buy for (resell, procure)."""
    by_purpose = {
        serves: {word for deal in deals for word in _words(deal)}
        for serves, deals in visible.items()
    }
    for_all = set.intersection(*by_purpose.values()) if by_purpose else set()
    own = {f"by-{serves}:{w}" for serves, words in by_purpose.items() for w in words - for_all}
    return sorted(own | {f"by:{word}" for word in for_all})


def condition(
    schema: Schema, reader: Reader, sources: Iterable[str], region: str, now: datetime
) -> Query | None:
    """What goods must meet to be open to `reader`, or None: all are. `sources` are all there are;
    `region` "" is anywhere at all."""
    grants = reader.grants
    closed = grants.closed - {grants.own}
    if not closed:
        return None
    words = {source for source in sources if source not in closed}
    skus: dict[str, set[int]] = defaultdict(set)
    ways = []
    for grant in grants.named:
        scope = grant.scope
        if not scope.holds(now) or (region and not scope.reaches(region)):
            continue
        for source in closed if scope.source == EVERY_SOURCE else closed & {scope.source}:
            named = list(_named(source, scope))
            if scope.sku_id is None and len(named) == 1:
                words |= named[0]
            elif scope.brand is None and scope.category is None and scope.sku_id is not None:
                skus[source].add(scope.sku_id)
            else:
                codes = [] if scope.sku_id is None else [_coded(schema, {scope.sku_id})]
                ways.append(_all([*(_said(schema, reader, one) for one in named), *codes]))
    for source, ids in skus.items():
        ways.append(_all([_said(schema, reader, {source}), _coded(schema, ids)]))
    return Query.boolean_query(
        [(Occur.Should, way) for way in (_said(schema, reader, words), *ways)]
    )


def _words(deal: Deal) -> Iterator[str]:
    yield deal.source
    if brand := deal.goods.brand:
        yield f"{deal.source}:brand:{brand}"
    levels = deal.category.split(" > ") if deal.category else []
    for depth in range(len(levels)):
        yield f"{deal.source}:in:{' > '.join(levels[: depth + 1])}"
    if code := tree.of(deal.category, deal.ours):
        yield from (f"{deal.source}:of:{one}" for one in tree.down_to(code))


def _named(source: str, scope: Scope) -> Iterator[set[str]]:
    """What a scope names of a source besides a SKU: its brand and category, or all of it; of each
    set one word must be there."""
    if scope.brand is not None:
        yield {f"{source}:brand:{scope.brand_of or scope.brand}"}
    if scope.category is not None:
        code = tree.meant(scope.category)
        yield {f"{source}:in:{scope.category}", *([f"{source}:of:{code}"] if code else ())}
    if scope.brand is None and scope.category is None:
        yield {source}


def _said(schema: Schema, reader: Reader, words: Iterable[str]) -> Query:
    """Goods with one of these words, for all readers or for those of this kind."""
    kinds = ("by", f"by-{reader.prices.serves}")
    terms = [f"{kind}:{word}" for word in words for kind in kinds]
    return Query.boolean_query(  # far cheaper than a set, and they are few
        [(Occur.Should, Query.term_query(schema, "flag", term)) for term in terms]
    )


def _coded(schema: Schema, skus: Iterable[int]) -> Query:
    return Query.term_set_query(schema, "code", [sku_code(one) for one in skus])


def _all(queries: Iterable[Query]) -> Query:
    return Query.boolean_query([(Occur.Must, one) for one in queries])
