"""What an offer says of the thing itself, read from its title, attributes and columns. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

import rjieba

from catalog.matching import gtin as gtins
from catalog.matching import sizes
from catalog.matching.lexicon import Scanner, lexicon
from catalog.matching.sizes import Sizes
from catalog.matching.text import normalise, short

VERSION = 1
"""Rises when the same text gives other facts or keys, so that stored keys are made anew."""


@dataclass(frozen=True)
class Listed:
    """An offer as far as matching looks at it. `pack` 1 may mean that nothing was said."""

    title: str
    brand: str | None = None
    category: str | None = None
    gtin: str | None = None
    mpn: str | None = None
    pack: int = 1
    unit: str | None = None
    attributes: Mapping[str, object] | None = None
    price: Decimal | None = None
    """What the source asks for one selling unit, in CNY."""


@dataclass(frozen=True)
class Brands:
    """Names of brands as the catalogue and its operators know them: normalised name → brand."""

    names: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = {name: brand for name, brand in self.names.items() if len(name) > 1}
        object.__setattr__(self, "_scanner", Scanner(known))

    def of(self, written: str | None) -> frozenset[str]:
        """The brands that a brand column names: `启萌/QIMENG` is one with two names."""
        return frozenset(self.names.get(name, name) for name in brand_names(written))

    def within(self, text: str) -> list[tuple[int, str, str]]:
        """(position, name, brand) of the known names in a normalised title."""
        scanner: Scanner[str] = self._scanner  # type: ignore[attr-defined]
        return list(scanner.find(text))


class Facts(NamedTuple):
    """What matching compares."""

    brands: frozenset[str]
    stated_brand: bool
    """Whether a brand column named it, rather than words of the title."""
    models: frozenset[tuple[str, ...]]
    """Each as (whole, tail after the first hyphen, …), without hyphens."""
    sizes: Sizes
    pack: int
    unit: str | None
    standards: frozenset[str]
    """Words of standards: spf50, e27, usb3; many goods share them."""
    letters: frozenset[str]
    """Sizes of clothes: s, m, l, xl …"""
    traits: Mapping[str, frozenset[str]]
    text: str
    words: frozenset[str]
    """What is neither brand, amount, trait nor noise."""
    soft: frozenset[str]
    """Adjectives and Latin words: they say little across sellers, and much within one."""
    denied: frozenset[str]
    """What the title says that it is not: 加碘 of 未加碘."""
    stated: Mapping[str, str]
    """Attributes by their normalised names."""
    core: str
    """The title in its own order, without brand, amounts and noise."""
    gtin: str | None
    category: str | None
    price: Decimal | None


_SPLIT = re.compile(r"[/()|·,;、（）]+")
_ALNUM = re.compile(r"[a-z0-9]+(?:[-.][a-z0-9]+)*")
_HAN = re.compile(r"[一-鿿]+")
_WORD_RUNS = re.compile(r"[一-鿿]+|(?<![a-z0-9])[a-z]{2,}(?![a-z0-9])")
_EDITION = re.compile(r"(?<=[0-9])(pro|max|plus|lite|mini|ultra)$")
_NAMED_MODEL = re.compile(r"^([a-z]{4,})(\d)$")
_LETTERS = frozenset(["xs", "s", "m", "l", "xl", "xxl", "xxxl", "2xl", "3xl", "4xl", "nb"])
_COLOURS = ("颜色", "颜色分类", "色号")
_DENIED = re.compile(r"[不未无非](?=([一-鿿]{2}))")
_STANDARD = re.compile(
    r"(?<![a-z0-9.])(?:\d{1,2}w-?\d{2}|spf\d+\+?|e27|e14|b22|usb\d[.\d]*|ipx?\d+|wifi\d|pcie\d[.\d]*|[45]g|\d+d)(?![a-z0-9])"
)
_LONE = frozenset({"colour", "accessory"})
_GENDER = re.compile("[男女]")
_MADE_FOR = re.compile(r"(?:适用于?|兼容|for )\s?[^\s,，]*")


@lru_cache(maxsize=20_000)
def brand_names(written: str | None) -> tuple[str, ...]:
    """The names in a brand column, normalised: `启萌（QIMENG）` are two."""
    if not written:
        return ()
    parts = (part.strip(" .-") for part in _SPLIT.split(normalise(written)))
    return tuple(dict.fromkeys(part for part in parts if part and part not in ("无", "其他", "-")))


def facts(listed: Listed, brands: Brands) -> Facts:
    """Read what `listed` says."""
    title = normalise(listed.title)
    own = brands.of(listed.brand)
    named, unbranded = _unbranded(title, brands, listed.brand)
    values = _attributes(listed.attributes)
    text = f"{unbranded} , {values}" if values else unbranded
    traits, names, rest = _traits(text)
    stated = _stated(listed.attributes)
    if "colour" not in traits and (
        colour := next((stated[k] for k in _COLOURS if k in stated), "")
    ):
        traits["colour"] = frozenset({colour})
    standards = frozenset(word.replace("-", "") for word in _STANDARD.findall(rest))
    found = sizes.read(_STANDARD.sub(" ", rest))
    models, numbers, letters, editions = _tokens(found.rest, listed.mpn)
    if editions:
        traits["edition"] = traits.get("edition", frozenset()) | editions
    said = tuple(_words(found.rest))
    soft = frozenset(word for word in said if word.isascii() or word in lexicon().soft)
    words = tuple(word for word in said if word not in soft)
    free = (w for w in words if not any(w in name for name in names))
    return Facts(
        brands=own or named,
        stated_brand=bool(own),
        models=models,
        sizes=found._replace(numbers=found.numbers | numbers, raws=found.raws | numbers),
        pack=listed.pack,
        unit=short(listed.unit) if listed.unit else None,
        standards=standards,
        letters=letters,
        traits=traits,
        text=text,
        words=frozenset(free),
        soft=soft,
        denied=frozenset(_DENIED.findall(text)),
        stated=stated,
        core="".join(words),
        gtin=gtins.identifying(listed.gtin),
        category=short(listed.category) if listed.category else None,
        price=listed.price,
    )


def _unbranded(title: str, brands: Brands, written: str | None) -> tuple[frozenset[str], str]:
    """The brands that a title names, and the title without brands."""
    made_for = _MADE_FOR.search(title)
    named = set()
    parts, at = [], 0
    for start, name, brand in brands.within(title):
        if made_for is None or not made_for.start() <= start < made_for.end():
            named.add(brand)
        parts.append(title[at:start])
        at = start + len(name)
    rest = " ".join((*parts, title[at:]))
    for name in brand_names(written):
        rest = rest.replace(name, " ")
    return frozenset(named), rest


def _attributes(attributes: Mapping[str, object] | None) -> str:
    return " , ".join(short(str(value)) for value in (attributes or {}).values())


def _stated(attributes: Mapping[str, object] | None) -> dict[str, str]:
    return {short(name): short(str(value)) for name, value in (attributes or {}).items()}


def _traits(text: str) -> tuple[dict[str, frozenset[str]], set[str], str]:
    """Traits by table, the names that they have, and the text with one name for each.

    Names with digits or letters (2.4g, 316, m.2) are taken out, lest they be read as amounts.
    """
    words = lexicon()
    found: dict[str, set[str]] = {}
    names: set[str] = set()
    parts, done = [], 0
    for at, term, meanings in words.values.find(text):
        for table, value in meanings:
            found.setdefault(table, set()).add(value)
        value = meanings[0][1]
        names |= {term, value}
        parts += [text[done:at], value if _HAN.fullmatch(value) else " "]
        done = at + len(term)
    rest = "".join((*parts, text[done:]))
    for run in _HAN.findall(rest):
        if len(run) == 1 or (len(run) == 3 and run[-1] != "粉"):
            for table, value in words.lone.get(run[-1], ()):
                if table in _LONE and not _known(run, table):
                    found.setdefault(table, set()).add(value)
                    names.add(run)
    for char in _GENDER.findall(text):
        found.setdefault("gender", set()).add(char)
        names.add(char)
    return {name: frozenset(values) for name, values in found.items()}, names, rest


def _known(run: str, name: str) -> bool:
    """Whether the run's colour was read already, as 樱花粉 or 深蓝."""
    meanings = lexicon().values.find(run)
    return any(table == name for _, _, meaning in meanings for table, _ in meaning)


def _tokens(
    rest: str, mpn: str | None
) -> tuple[frozenset[tuple[str, ...]], frozenset[str], frozenset[str], frozenset[str]]:
    models: set[tuple[str, ...]] = set()
    numbers, letters, editions = set(), set(), set()
    written = _ALNUM.findall(rest)
    if mpn:
        written += _ALNUM.findall(normalise(mpn).replace(" ", ""))
    for token in written:
        if token in _LETTERS:
            letters.add(token)
        elif token.isdigit():
            numbers.add(token)
        elif any(c.isdigit() for c in token) and not token.isdigit():
            if edition := _EDITION.search(token):
                editions.add(edition.group(1))
                token = token[: edition.start()]
            if named := _NAMED_MODEL.match(token):
                numbers.add(named.group(2))
                continue
            parts = token.replace(".", "").split("-")
            tails = (parts[i:] for i in range(len(parts)))
            models.add(tuple("".join(tail) for tail in tails if _mixed("".join(tail))))
    return (
        frozenset(model for model in models if model),
        frozenset(n.lstrip("0") or "0" for n in numbers),
        frozenset(letters),
        frozenset(editions),
    )


def _mixed(token: str) -> bool:
    return any(c.isdigit() for c in token) and any(c.isalpha() for c in token)


def _words(rest: str) -> Iterable[str]:
    """What is left of a title: words that are neither brand, amount nor seller's noise."""
    noise = lexicon().noise
    for run in _WORD_RUNS.findall(rest):
        for word in (run,) if run.isascii() else rjieba.cut(run):
            if word not in noise and word not in _LETTERS:
                yield word
