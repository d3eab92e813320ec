"""What a title loses before it may be read by somebody who may not know the source. Pure.

Platforms, kinds of shops and the seller's own name go out; a brand stays, also where the shop is
called by it (鸭掌门官方旗舰店 leaves 鸭掌门).
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TypeVar

from catalog.matching.lexicon import Scanner
from catalog.matching.naming import brand_names, famous
from kit.hanzi import simplified

T = TypeVar("T")

_ENDS = re.compile(
    r"(?:官方|品牌|海外)?(?:(?:旗舰|专营|专卖|企业|工厂|直营|自营|官方|折扣|网)店|店铺)$"
    r"|(?:股份|责任)?有限(?:责任)?公司$|(?:公司|集团|商行|商贸|贸易|经营部|批发部)$"
)
_OWN = re.compile(r"(?:旗舰店|直营店|官方店)$")
"""Shops that are called by the brand that keeps them."""
_BRACKETS = re.compile(r"[【\[(（「『][^【\[(（「『】\])）」』]{0,40}[】\])）」』]")
_EMPTY = re.compile(r"[【\[(（「『][\s·|,，、/\-:：]*[】\])）」』]")
_LOOSE = re.compile(r"^[\s·|,，、/\-:：—_]+|[\s·|,，、/\-:：—_]+$")
_GAP = re.compile(r"\s{2,}")
_JOINTS = re.compile(r"\s*([|/·])(?:\s*[|/·])+\s*")
_HALF = {full: full - 0xFEE0 for full in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
_GONE = "\x00"
"""Stands where something was taken out, until the brackets around it are looked at."""


class Rules:
    """The words that titles lose, and names that stay; made from (word, stays)."""

    def __init__(self, words: Iterable[tuple[str, bool]]) -> None:
        terms = {_folded(word): stays for word, stays in words}
        self.words = sorted(word for word, stays in terms.items() if not stays)
        """The folded words that go; a title without any of them, and without its seller's name,
        stays as it is."""
        self._scanner: Scanner[bool] = Scanner(terms)

    def shown(
        self, title: str, seller: str | None, brand: str | None, category: str | None = None
    ) -> str:
        """The title as it may leave the house: never empty."""
        cut = self.stripped(title, [(seller, brand)])
        return cut or brand or (category or "").rpartition(" > ")[2] or "商品"

    def stripped(self, text: str, sold_by: Iterable[tuple[str | None, str | None]]) -> str:
        """A text without the words, and without the sellers of `sold_by`, (seller, brand); it may
        be empty. What names none of them stays as it is."""
        cut = text
        for seller, brand in sold_by:
            if seller:
                cut = _without_seller(cut, seller, _brands(brand))
        cut = self._without_words(cut)
        if cut == text:
            return text
        cut = _BRACKETS.sub(lambda found: _inside(found.group()), cut).replace(_GONE, " ")
        return _tidy(cut)

    def _without_words(self, title: str) -> str:
        parts, at = [], 0
        for start, word, stays in self._scanner.find(_folded(title)):
            if not stays and not _within_model(title, start, len(word)):
                parts += [title[at:start], _GONE]
                at = start + len(word)
        return "".join((*parts, title[at:])) if parts else title


def _within_model(title: str, start: int, length: int) -> bool:
    """Whether a number or Latin word is a part of a longer one: the 1688 of XR-1688."""
    if not title[start].isascii():
        return False
    return "-" in (title[start - 1 : start], title[start + length : start + length + 1])


def _folded(text: str) -> str:
    """Half width and lower case, in which every character has its place still."""
    low = text.translate(_HALF).lower()
    return (
        low
        if len(low) == len(text)
        else "".join(c if len(c.lower()) > 1 else c.lower() for c in text)
    )


@lru_cache(maxsize=5_000)
def _brands(written: str | None) -> tuple[str, ...]:
    return tuple(_folded(name) for name in brand_names(written))


@lru_cache(maxsize=50_000)
def seller_names(seller: str) -> tuple[str, ...]:
    """What a title may call a seller, folded: its whole name, and the beginning of that without
    what shops and companies are called, last. The short name of a flagship store is its brand's.
    """
    whole = _folded(seller).strip()
    short = whole[: len(_short(seller)[0])]
    if _OWN.search(whole) or short in famous() or len(short) < _SHORTEST:
        return (whole,) if len(whole) > 1 else ()
    return tuple(dict.fromkeys(name for name in (whole, short) if len(name) > 1))


def holding(texts: Mapping[T, str], words: Iterable[str]) -> set[T]:
    """Under which keys a text holds one of these words, in whatever width and case."""
    terms = [_folded(word) for word in words]
    return {key for key, text in texts.items() if any(term in _folded(text) for term in terms)}


def of_goods(word: str | None, sellers: Iterable[str | None]) -> str | None:
    """A brand or a word for a category, unless one of the sellers is called so and it ends as shops
    and companies do: of a flagship store its brand is left, of any other nothing."""
    if word is None or not (short := _short(word))[1]:
        return word
    if not any(seller and _short(seller)[0] == short[0] for seller in sellers):
        return word
    return _own_brand(_folded(word).strip(), word.strip()) or None


@lru_cache(maxsize=50_000)
def _short(name: str) -> tuple[str, bool]:
    """A name without what shops and companies are called, folded, and whether it had that."""
    whole = short = simplified(_folded(name).strip())
    while (cut := _ENDS.sub("", short)) != short and cut:
        short = cut
    return short, short != whole


def category_of_goods(category: str | None, sellers: Collection[str | None]) -> str | None:
    """A source's category without the levels that are a seller's name."""
    if category is None:
        return None
    levels = (of_goods(level, sellers) for level in category.split(" > "))
    return " > ".join(level for level in levels if level) or None


_SHORTEST = 3
"""Characters that a short name has at least: 小二 may mean anything."""


def _without_seller(title: str, seller: str, brands: Sequence[str]) -> str:
    folded = _folded(title)
    for name in seller_names(seller):
        if name in brands or (name in famous() and not brands):
            continue
        at = folded.find(name)
        while at >= 0:
            end = at + len(name)
            if _whole(folded, at, end):
                stays = _brand_in(title[at:end], brands) or _own_brand(name, title[at:end])
                title = f"{title[:at]}{stays}{_GONE}{title[end:]}"
                folded, end = _folded(title), at + len(stays)
            at = folded.find(name, end)
    return title


def _whole(text: str, at: int, end: int) -> bool:
    """Whether no letter or digit goes on where a Latin name begins or ends."""
    before, after = text[at - 1 : at] if at else "", text[end : end + 1]
    return not (_latin(text[at]) and _latin(before)) and not (
        _latin(text[end - 1]) and _latin(after)
    )


def _latin(char: str) -> bool:
    return char.isascii() and char.isalnum()


def _brand_in(text: str, brands: Iterable[str]) -> str:
    """The brand within a text as it is written there; empty: none."""
    folded = _folded(text)
    for brand in brands:
        if (at := folded.find(brand)) >= 0:
            return text[at : at + len(brand)]
    return ""


def _own_brand(name: str, written: str) -> str:
    """What a flagship store is called by: the part of its name before what shops are called."""
    plain = simplified(name)
    return written[: len(_ENDS.sub("", plain))] if _OWN.search(plain) else ""


def _inside(bracket: str) -> str:
    """A bracket from which something was taken: what else it says, unless it named a shop."""
    if _GONE not in bracket:
        return bracket
    rest = _LOOSE.sub("", bracket[1:-1].replace(_GONE, " "))
    return f"{bracket[0]}{rest}{bracket[-1]}" if rest else " "


def _tidy(title: str) -> str:
    title = _JOINTS.sub(r" \1 ", _EMPTY.sub(" ", title))
    return _LOOSE.sub("", _GAP.sub(" ", title))
