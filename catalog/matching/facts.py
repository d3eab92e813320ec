"""What an offer says of the thing itself, read from its title, attributes and columns. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from catalog import dictionaries
from catalog.matching import gtin as gtins
from catalog.matching import sizes, tokens
from catalog.matching.lexicon import lexicon
from catalog.matching.naming import Brands, brand_names
from catalog.matching.sizes import Sizes
from catalog.matching.talk import plain
from catalog.matching.text import normalise, short

__all__ = ["VERSION", "Brands", "Facts", "Listed", "brand_names", "facts"]

VERSION = 4
"""Part of every key. It rises where titles are read otherwise than before: then all keys are made
anew in the background; see `remaking`.
"""


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
    latin: bool
    """Whether it has no Chinese word."""
    words: frozenset[str]
    """What is neither brand, amount, trait nor anything that sellers say of all goods."""
    names: frozenset[str]
    """Words that no dictionary knows: names of makers and series."""
    kinds: Mapping[str, frozenset[str]]
    """What it is: kind → the words in which the text says so."""
    soft: frozenset[str]
    """Adjectives and Latin words: they say little across sellers, and much within one."""
    denied: frozenset[str]
    """What the title says that it is not: 加碘 of 未加碘."""
    sides: frozenset[str]
    """Words that have an opposite, with the character behind: 无盐, 单边, 前轮."""
    stated: Mapping[str, str]
    """Attributes by their normalised names."""
    marks: frozenset[str]
    """Letters that name a variant: c调, a款, b类."""
    extras: frozenset[str]
    """What comes with it: +64g, 含琴架套餐, 配1m双c线."""
    said: tuple[str, ...]
    """Words of the title in its own order, without brand, amounts and what sellers say."""
    gtin: str | None
    category: str | None
    price: Decimal | None


_HAN = re.compile(r"[一-鿿]+")
_COLOURS = ("颜色", "颜色分类", "色号")
_DENIED = re.compile(r"[不未无非免](?=([一-鿿]{2}))")
_STANDARD = re.compile(
    r"(?<![a-z0-9.\-])(?:\d{1,2}w-?\d{2}|spf\d+\+?|e27|e14|b22|usb\d[.\d]*|ipx?\d+|wifi\d|pcie\d[.\d]*|[45]g|ddr\d|i[3579]|\d+d)(?![a-z0-9])"
)
_EACH = re.compile(r"每[袋包瓶罐盒条片支枚粒块杯听只个卷](?!\d)")
_MARK = re.compile(r"(?<![a-z0-9])[a-z][调款类组套班轨](?![一-鿿])|(?<![a-z0-9])[a-h][款调]")
_EXTRA = re.compile(
    r"(?<=[一-鿿 )])\+(\d+gb?(?![a-z])|(?!\d+[一-鿿a-z]{1,2}(?![一-鿿]))[一-鿿0-9]{2,10})"
    r"|(?<=[a-z0-9])(?<!pf\d\d)\+([一-鿿]{1,8})"
    r"|(?:含|加(?![大厚长宽量固])|配)([一-鿿0-9]{2,8}?)(?:套餐|套装|\d+[个只支块片条])"
    r"|(?<![不自])[含配带附](?:\d+(?:\.\d+)?\s?[米m条根])?(?:双?[a-z][a-z0-9 \-]*)?"
    r"[一-鿿]{0,3}(线)(?![一-鿿])"
)
_ADDED = frozenset("+含加配带附")
_LONE = frozenset({"colour", "accessory"})
_COMBINED = re.compile(
    r"(?<![一-鿿])([红粉橙黄绿蓝紫灰棕黑白银金米]底?[拼配间]?[红粉橙黄绿蓝紫灰棕黑白银金米][花格条点边纹]?[纹色]?)(?![一-鿿])"
)
"""蓝底白花, 黑白格, 红黑: of two colours."""
_GENDER = re.compile("[男女]")
_TYPE = re.compile(r"([一-鿿]{2,3})型(?![号录格犬])")
_PARTS = frozenset("柄壳框盖把杆架底身边")
"""What a colour is said of: 黑柄, 白框."""
_STYLE = re.compile(r"([一-鿿]{2,4})(?:款(?!号)|系列)")
"""小鹿款: the one of a range that has a little deer on it."""
_TASTE = re.compile(r"([一-鿿]{2,4})味(?![道精觉增噌极])")
"""滋滋烤肉味: what stands before 味 is a flavour, also one that no list knows."""
_SCENT = re.compile(r"([一-鿿]{2,4})香(?:型|氛|味|调)?(?![一-鿿])")
"""So is what stands before 香 at the end of a phrase: 雪松香."""
_MADE_FOR = re.compile(r"(?:适用于?|兼容|for )\s?[^\s,，]*")


def facts(listed: Listed, brands: Brands) -> Facts:
    """Read what `listed` says."""
    title = normalise(listed.title)
    own = brands.of(listed.brand)
    named, unbranded = _unbranded(title, brands, listed.brand)
    unbranded = plain(unbranded)
    values = _attributes(listed.attributes)
    text = f"{unbranded} , {values}" if values else unbranded
    traits, known, rest = _traits(text)
    rest = _gapped(_EACH.sub(" ", rest) if "每" in rest else rest)
    stated = _stated(listed.attributes)
    if "colour" not in traits and (
        colour := next((stated[k] for k in _COLOURS if k in stated), "")
    ):
        traits["colour"] = frozenset({colour})
    standards = frozenset(word.replace("-", "") for word in _STANDARD.findall(rest))
    found = sizes.read(_STANDARD.sub(" ", rest) if standards else rest)
    kinds = _kinds(text)
    read = tokens.read(found.rest, listed.mpn, nappy="纸尿裤" in kinds)
    if read.editions:
        traits["edition"] = traits.get("edition", frozenset()) | read.editions
    latin = not _HAN.search(text)  # in English titles, Latin words are the words
    said = tuple(w for w in read.words if w not in read.soft or (latin and w.isascii()))
    free = frozenset(w for w in said if not any(w in name for name in known))
    return Facts(
        brands=own | named,
        stated_brand=bool(own),
        models=read.models,
        sizes=found._replace(numbers=found.numbers | read.numbers, raws=found.raws | read.numbers),
        pack=listed.pack,
        unit=short(listed.unit) if listed.unit else None,
        standards=standards,
        letters=read.letters,
        traits=traits,
        text=text,
        latin=latin,
        words=free,
        names=frozenset(w for w in free if len(w) > 1 and not dictionaries.is_word(w)),
        kinds=kinds,
        soft=read.soft,
        denied=frozenset(_DENIED.findall(text)),
        sides=frozenset(map("".join, lexicon().sides.findall(text))),
        stated=stated,
        marks=frozenset(_MARK.findall(text)),
        extras=_extras(title),
        said=said,
        gtin=gtins.identifying(listed.gtin),
        category=short(listed.category) if listed.category else None,
        price=listed.price,
    )


def _extras(title: str) -> frozenset[str]:
    if _ADDED.isdisjoint(title):
        return frozenset()
    return frozenset("".join(found) for found in _EXTRA.findall(title))


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


def _kinds(text: str) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for _, term, kinds in lexicon().kinds.find(text):
        for kind in kinds:
            found[kind] = found.get(kind, frozenset()) | {term}
    return found


def _traits(text: str) -> tuple[dict[str, frozenset[str]], set[str], str]:
    """Traits by table, the names that they have, and the text with one name for each.

    Names with digits or letters (2.4g, 316, m.2) are taken out, lest they be read as amounts.
    """
    words = lexicon()
    found: dict[str, set[str]] = {}
    names: set[str] = set()
    parts, done = [], 0
    plain_parts = []
    for at, term, told in words.values.find(text):
        for table, value in told:
            found.setdefault(table, set()).add(value)
        spoken = next((v for table, v in told if words.traits[table].speaks(text)), None)
        if spoken is None:
            continue
        names |= {term, spoken}
        parts += [text[done:at], f" {spoken} " if _HAN.fullmatch(spoken) else " "]
        plain_parts += [text[done:at], spoken if _HAN.fullmatch(spoken) else " "]
        done = at + len(term)
    rest = "".join((*parts, text[done:]))
    bare = "".join((*plain_parts, text[done:]))
    for run in _COMBINED.findall(text):
        mixed = {
            value for char in run for table, value in words.lone.get(char, ()) if table == "colour"
        }
        if len(mixed) > 1:
            found.setdefault("colour", set()).update(mixed)
            names.add(run)
    for run in _HAN.findall(_kindless(bare)) if not words.lone.keys().isdisjoint(bare) else ():
        if len(run) == 2 and run[1] in _PARTS:
            run = run[0]
        if len(run) == 1 or _coined(run) or (len(run) == 3 and run[-1] != "粉"):
            for table, value in words.lone.get(run[-1], ()):
                if table in _LONE and not _known(run, table):
                    found.setdefault(table, set()).add(value)
                    names.add(run)
    if named := words.shades.findall(text):
        found["shade"] = set(named)
    for char in _GENDER.findall(text):
        found.setdefault("gender", set()).add(char)
        names.add(char)
    for run in _TYPE.findall(text) if "型" in text else ():
        found.setdefault("type", set()).add(dictionaries.words(run)[-1])
    for run in _STYLE.findall(text) if "款" in text or "系列" in text else ():
        style = run if len(run) == 2 else dictionaries.words(run)[-1]
        if len(style) > 1 and style not in words.soft and style not in words.noise:
            found.setdefault("style", set()).add(style)
    if "flavour" not in found:
        tasted = _TASTE.findall(text) if "味" in text else []
        tasted += _SCENT.findall(text) if "香" in text else []
        for run in tasted:
            taste = dictionaries.words(run)[-1]
            if len(taste) > 1 and taste not in words.soft:
                found.setdefault("flavour", set()).add(taste)
                names.add(taste)
    return {name: frozenset(values) for name, values in found.items()}, names, rest


def _coined(run: str) -> bool:
    """Whether two characters are no word, as names of colours are: 雾蓝, but not 美白."""
    return len(run) == 2 and not dictionaries.is_word(run)


def _gapped(text: str) -> str:
    """The text with blanks around what names a kind, lest words be cut across it."""
    parts, at = [], 0
    for start, term, _ in lexicon().kinds.find(text):
        parts += [text[at:start], f" {term} "]
        at = start + len(term)
    return "".join((*parts, text[at:]))


def _kindless(text: str) -> str:
    """The text with gaps for what names a kind, so that 黑笔芯 leaves 黑."""
    parts, at = [], 0
    for start, term, _ in lexicon().kinds.find(text):
        parts.append(text[at:start])
        at = start + len(term)
    return " ".join((*parts, text[at:]))


def _known(run: str, name: str) -> bool:
    """Whether the run's colour was read already, as 樱花粉 or 深蓝."""
    meanings = lexicon().values.find(run)
    return any(table == name for _, _, meaning in meanings for table, _ in meaning)
