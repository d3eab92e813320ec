"""Counties named in a text, as people write addresses: levels left out, ranks left out, names of
yesterday, traditional characters, any order. What is not certain is open, never guessed. Pure.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kit.hanzi import simplified
from trade.place_names import ABROAD, MUNICIPALITIES, Word, counties_of, longest_at
from trade.places import County

_SIGNS = r"[，,、。·.\-—/|\\_:：;；>]*"
_GAP = re.compile(
    rf"{_SIGNS}(市辖区|市?县|(省|自治区)?直辖县级行政(区划|单位))?"
    rf"((生产建设)?兵团)?(第?[一二三四五六七八九十\d]{{1,3}}师)?{_SIGNS}"
)
"""What may stand between two names of one place."""
_STREET = re.compile(
    r"([东西南北中内外新老大]|[一二三四五六七八九十\d]{1,3}|文化|国际)?"
    r"(路|街(?!道)|道|巷|胡同|弄|里|湾|寺|祠|庙|门|大桥|火车站|高铁站|机场|广场|花园|公园|大厦"
    r"|小区|大学|学院|医院|宾馆|酒店|饭店|足球场|体育)"
)
"""What follows a short name that is that of a street or a house: 南京东路, 朝阳门."""
_TOWN = re.compile(r"镇|乡|街道")
_LIKE_TOWN = re.compile(r"村|山|河|开发区|经济|工业|高新|[一-鿿]?(街道|镇|乡|农场|林场|牧场)")
"""What follows a name that is that of a town: 古县乡; and one without rank: 饶阳店镇."""

_AGAINST, _ALONE, _PROVINCE, _BEHIND, _PROVINCE_NEAR, _CITY, _CITY_NEAR = range(7)
"""How well a text says that a county is meant, the least first."""


@dataclass(frozen=True)
class Sighting:
    """A county named in a text, from `start` to `end`; `others` may be meant as well as this.
    `against`: the text contradicts all of them."""

    county: County
    start: int
    end: int
    others: tuple[County, ...] = ()
    against: bool = False


@dataclass(frozen=True)
class City:
    """A city named in a text, from `start` to `end`, by its counties; behind `once` its name is
    said again."""

    counties: tuple[County, ...]
    start: int
    end: int
    once: int


@dataclass(frozen=True)
class _Mention:
    """A word at its place. `head`: nothing before it could make it part of another word."""

    start: int
    end: int
    word: Word
    head: bool

    def city_of(self, county: County) -> bool:
        direct = not county.city or county.code[:2] in MUNICIPALITIES
        return county.code[:4] in self.word.cities or (direct and self.province_of(county))

    def province_of(self, county: County) -> bool:
        return county.code[:2] in self.word.provinces

    def holds(self, county: County) -> bool:
        """Whether this is the county's own name, or that of its city or province."""
        own = county in self.word.counties or county in self.word.former
        return own or self.city_of(county) or self.province_of(county)

    def denies(self, county: County) -> bool:
        """Whether this names a city or province in which the county is not."""
        return bool(self.word.cities or self.word.provinces) and not self.holds(county)


@dataclass(frozen=True)
class _Claim:
    rank: int
    county: County
    start: int
    end: int


def sight(text: str) -> Sighting | None:
    """The county that a text names, with what stands around it (province, city) as its proof; where
    that leaves several, or contradicts it, the others too. None where it names none."""
    plain, where = _squeezed(text)
    mentions = _mentions(plain, text, where)
    claims = _claims(plain, mentions, former=False)
    if not claims or claims[0].rank <= _ALONE:
        claims = sorted([*claims, *_claims(plain, mentions, former=True)], key=lambda c: -c.rank)
    city = _counties(mentions)[0]
    if not claims:
        return _city_itself(mentions, city, where)
    best = claims[0]
    others = [one.county for one in claims[1:] if one.rank == best.rank]
    if best.rank == _AGAINST:
        if any(mention.word.provinces & ABROAD for mention in mentions):
            return None
        others += city
        if not others:
            return None
    rest = tuple(dict.fromkeys(one for one in others if one != best.county))
    start, end = where[best.start], where[best.end - 1] + 1
    return Sighting(best.county, start, end, rest, best.rank == _AGAINST)


def within(text: str) -> City | None:
    """The one city that a text names; None where it names none, or several."""
    plain, where = _squeezed(text)
    counties, start, end, once = _counties(_mentions(plain, text, where))
    if not counties:
        return None
    return City(counties, where[start], where[end - 1] + 1, where[once - 1] + 1)


def abroad(text: str) -> bool:
    """Whether a text names Hong Kong, Macau or Taiwan, of which there are no counties."""
    plain, where = _squeezed(text)
    return any(one.word.provinces & ABROAD for one in _mentions(plain, text, where))


def _squeezed(text: str) -> tuple[str, list[int]]:
    """The text in simplified characters without white space, and where each of them was."""
    simple = simplified(text)
    simple = simple if len(simple) == len(text) else text
    where = [at for at, letter in enumerate(simple) if not letter.isspace()]
    return "".join(simple[at] for at in where), where


def _mentions(plain: str, text: str, where: Sequence[int]) -> list[_Mention]:
    """The words of a text in their order."""
    taken = _apart(plain, text, where)
    found: list[_Mention] = []
    for number, (at, word) in enumerate(taken):
        end = at + len(word.text)
        behind = bool(found) and _joined(plain, found[-1].end, at)
        head = behind or _begins(text, where, at)
        leads = number + 1 < len(taken) and end == taken[number + 1][0]
        leads = leads and _inside(word, taken[number + 1][1])
        ranked = word.whole or (behind and word.counties)
        if ranked or ((head or leads) and not _street(plain, end)):
            found.append(_Mention(at, end, word, head))
    return found


def _apart(plain: str, text: str, where: Sequence[int]) -> list[tuple[int, Word]]:
    """Words that do not overlap, but for a 市 that ends one and begins the other: 济南市中区.

    Of two that would, the one that leads to a place within it (in 信阳新县 is no 阳新县), the one
    with its rank, the longer.
    """
    seen = [
        (at, word)
        for at in range(len(plain) - 1)
        if (word := longest_at(plain, at)) and (word.whole or _unbroken(where, at, word))
    ]

    def last(one: tuple[int, Word]) -> tuple[bool, bool, int, int]:
        at, word = one
        follower = longest_at(plain, at + len(word.text))
        leads = follower and _begins(text, where, at) and _inside(word, follower)
        return not leads, not word.whole, -len(word.text), at

    taken: list[tuple[int, Word]] = []
    for at, word in sorted(seen, key=last):
        end = at + len(word.text)
        shared = plain[at] == "市" and bool(word.counties)
        if all(
            end <= start or at >= start + len(had.text) - (shared and had.text[-1] == "市")
            for start, had in taken
        ):
            taken.append((at, word))
    return sorted(taken, key=lambda one: one[0])


def _begins(text: str, where: Sequence[int], at: int) -> bool:
    """Whether no letter of another word can stand directly before it."""
    return at == 0 or where[at] - where[at - 1] > 1 or not "一" <= text[where[at - 1]] <= "鿿"


def _unbroken(where: Sequence[int], at: int, word: Word) -> bool:
    last = at + len(word.text) - 1
    return where[last] - where[at] == last - at


def _inside(word: Word, follower: Word) -> bool:
    """Whether a word names a place within the one before, as in 张三广东深圳."""
    counties = (*follower.counties, *follower.clipped)
    within_it = (*follower.cities, *(county.code for county in counties))
    return any(c.startswith(p) for c in within_it for p in (*word.provinces, *word.cities))


def _joined(plain: str, end: int, at: int) -> bool:
    return at < end or _GAP.fullmatch(plain, end, at) is not None


def _street(plain: str, end: int) -> bool:
    return _STREET.match(plain, end) is not None and longest_at(plain, end) is None


def _claims(plain: str, mentions: Sequence[_Mention], *, former: bool) -> list[_Claim]:
    """The counties that are named, the best first; each once."""
    best: dict[str, _Claim] = {}
    for at, mention in enumerate(mentions):
        near = at
        while near and _joined(plain, mentions[near - 1].end, mentions[near].start):
            near -= 1
        for county, clipped in _meant(mention, former=former):
            rank = _rank(plain, mentions, at, near, county)
            if not _enough(plain, mention, county, rank, mentions[near:at], clipped=clipped):
                continue
            had = best.get(county.code)
            if had is None or rank > had.rank:
                start, end = _span(plain, mentions, at, near, county)
                best[county.code] = _Claim(rank, county, start, end)
    return sorted(best.values(), key=lambda one: (-one.rank, one.start))


def _meant(mention: _Mention, *, former: bool) -> Iterator[tuple[County, bool]]:
    if former:
        yield from ((county, False) for county in mention.word.former)
        return
    yield from ((county, False) for county in mention.word.counties)
    yield from ((county, True) for county in mention.word.clipped - mention.word.counties)


def _rank(plain: str, mentions: Sequence[_Mention], at: int, near: int, county: County) -> int:
    chain, earlier = mentions[near:at], mentions[:at]
    if any(one.city_of(county) for one in chain):
        return _CITY_NEAR
    if any(one.denies(county) for one in chain):
        return _AGAINST
    if any(one.city_of(county) for one in earlier):
        return _CITY
    if any(one.province_of(county) for one in chain):
        return _PROVINCE_NEAR
    follower = mentions[at + 1] if at + 1 < len(mentions) else None
    if follower and _joined(plain, mentions[at].end, follower.start) and follower.city_of(county):
        return _BEHIND
    if any(one.denies(county) and one.word.whole for one in earlier):
        return _AGAINST
    if any(one.province_of(county) for one in earlier):
        return _PROVINCE
    return _ALONE if mentions[at].head else _AGAINST


def _enough(
    plain: str,
    mention: _Mention,
    county: County,
    rank: int,
    chain: Sequence[_Mention],
    *,
    clipped: bool,
) -> bool:
    """Whether so short a name says anything: 朝阳 only behind 北京, 城区 only behind its city."""
    near = rank in (_CITY_NEAR, _PROVINCE_NEAR)
    another = any(one.word.counties and not one.holds(county) for one in chain)
    if clipped:
        city = any(one.city_of(county) for one in chain)
        itself = any(
            code[:2] in one.word.provinces for code in mention.word.cities for one in chain
        )
        town = _LIKE_TOWN.match(plain, mention.end)
        return near and not another and not town and (city or not itself)
    if len(mention.word.text) < 3:
        town = _TOWN.match(plain, mention.end)
        alone = rank == _ALONE and mention.word.text.endswith("县") and not town
        return alone or (near and not (another and town))
    return True


def _span(
    plain: str, mentions: Sequence[_Mention], at: int, near: int, county: County
) -> tuple[int, int]:
    """From the first of the names that belong to it before a county's own to the last behind."""
    first, last = at, at
    while first > near and mentions[first - 1].holds(county):
        first -= 1
    while (
        last + 1 < len(mentions)
        and _joined(plain, mentions[last].end, mentions[last + 1].start)
        and mentions[last + 1].holds(county)
    ):
        last += 1
    return mentions[first].start, mentions[last].end


def _city_itself(
    mentions: Sequence[_Mention], city: Sequence[County], where: Sequence[int]
) -> Sighting | None:
    """A city that has no counties is its own: 东莞长安镇."""
    found = next((one for one in mentions if one.word.cities), None)
    if found is None or len(city) != 1:
        return None
    return Sighting(city[0], where[found.start], where[found.end - 1] + 1)


def _counties(mentions: Sequence[_Mention]) -> tuple[tuple[County, ...], int, int, int]:
    """Those of the one city that is named, from where to where it is, with the province before it
    and as often as it is said again, and where it has been said once."""
    named: set[str] = set()
    start = end = once = last = 0
    for at, mention in enumerate(mentions):
        word = mention.word
        above = mentions[at - 1].word.provinces if at else set()
        if word.provinces & MUNICIPALITIES:
            found = word.provinces
        elif not word.provinces:
            found = word.cities
        else:
            found = {city for city in word.cities if city[:2] in above}
        if not found:
            continue
        if not named:
            start = mentions[at - 1].start if above and at else mention.start
            once = mention.end
        if not named or at == last + 1:
            end, last = mention.end, at
        named |= found
    if len(named) != 1:
        return (), 0, 0, 0
    return counties_of(named.pop()), start, end, once
