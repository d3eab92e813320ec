"""The brand by which a product is found and counted, whatever its sources call it.

Its value is one for all products of the brand; its names are what it may be asked for by. A word
that tells who sells the product is neither.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session
from tantivy import Query, Schema, Searcher

from catalog import shop_names
from catalog.deals import Deal
from catalog.matching import wordings
from catalog.matching.naming import brand_names, is_joint, parted, rivals
from catalog.matching.text import short


@dataclass(frozen=True)
class Label:
    """`own` is how its first source writes the brand, `shown` how it is counted."""

    own: str | None = None
    shown: str | None = None
    names: frozenset[str] = frozenset()

    @property
    def flags(self) -> list[str]:
        """By which it is found; empty: nobody names a brand."""
        if self.shown is None:
            return []
        return [f"brand:{short(self.shown)}", *(f"worded:{name}" for name in sorted(self.names))]


def of(session: Session, goods: Sequence[tuple[str | None, Collection[Deal]]]) -> list[Label]:
    """The labels of products, each given by the brand that it came with and its deals."""
    told = [_told(brand, deals) for brand, deals in goods]
    called = wordings.meant(session, {word for words in told for word in words})
    aliases = wordings.aliases(session, {one.brand for one in called.values()})
    labels = []
    for words, (_, deals) in zip(told, goods, strict=True):
        if not words:
            labels.append(Label())
            continue
        own = called[words[0]]
        alike = [word for word in words if called[word].brand == own.brand]
        names = {name for word in alike for name in (short(word), *_named(word, own.brand))}
        sellers = {deal.seller for deal in deals}
        shown = shop_names.of_goods(own.shown, sellers) or words[0]
        labels.append(Label(words[0], shown, frozenset(names.union(aliases.get(own.brand, ())))))
    return labels


def _told(brand: str | None, deals: Collection[Deal]) -> list[str]:
    """What the product's brand is called, its own word first; nothing where that tells a seller."""
    sellers = {deal.seller for deal in deals}
    own = shop_names.of_goods(brand, sellers)
    if not own:
        return []
    others = sorted({deal.brand for deal in deals if deal.brand})
    return [own, *(word for word in others if shop_names.of_goods(word, sellers) == word)]


def _named(word: str, brand: str) -> tuple[str, ...]:
    """The names in a wording for its brand; of several brands none is."""
    return () if is_joint(brand) else brand_names(word)


def meant(searcher: Searcher, schema: Schema, asked: str) -> str:
    """The brand flag that goods bear whose brand is called so."""
    whole = short(asked)
    if flag := _borne(searcher, schema, (whole,)):
        return flag
    names = rivals(brand_names(asked))
    flags = {_borne(searcher, schema, (name, *(parted(name) or ()))) for name in names}
    flag = flags.pop() if len(flags) == 1 else None
    return flag or f"brand:{whole}"


def _borne(searcher: Searcher, schema: Schema, names: Iterable[str]) -> str | None:
    """The flag of the brand that the first of the names is for which there are goods."""
    for name in dict.fromkeys(names):
        called = Query.term_query(schema, "flag", f"brand:{name}")
        if name and searcher.search(called, 1, count=False).hits:  # a frequency counts what is gone
            return f"brand:{name}"
        worded = Query.term_query(schema, "flag", f"worded:{name}")
        most = {"brand": {"terms": {"field": "brand", "size": 1}}}
        if found := searcher.aggregate(worded, most)["brand"]["buckets"]:
            return f"brand:{short(str(found[0]['key']))}"
    return None
