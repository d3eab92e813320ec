"""The town or street (乡, 镇, 街道) that an address names, the fourth level. What is not certain is
not told: names of roads, villages and houses are made of the same words. Pure but for reading the
table once.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from connectors import towns
from connectors.model import ShipTo
from kit.hanzi import simplified
from trade import places
from trade.place_names import MUNICIPALITIES, PEOPLE, stem
from trade.places import RENAMED, WITHOUT_COUNTIES, County
from trade.sighting import City

_RANK = re.compile(rf"(?:街道办事处|地区办事处|街道|(?:{PEOPLE})*(?:民族)?乡|地区|苏木|镇)$")
_RANKS = re.compile(r"街道|街办|办事处|地区|苏木|镇|乡")
"""What may stand behind a town's name: ranks change faster than addresses do."""
_RANKS_OF_CITIES = re.compile(rf"{_RANKS.pattern}|区")
"""The same where towns are the only districts: 东莞市南城区."""
_FARM = re.compile(r"..(农场|林场|牧场|渔场|茶场)$")
_SIGN = r"[\s，,、。·.\-—/|\\_:：;；>()（）\[\]【】]"
_SIGNS = re.compile(rf"{_SIGN}*")
_APART = re.compile(rf"{_SIGN}|[区市县旗镇乡]")
"""Before what stands behind one of these no letter of a town's name can be missing."""
_MORE = re.compile(r"路|大道|巷|弄|胡同|村|桥|站|口|场")
"""What follows words that are part of a longer name: 长安镇路, 建设街道口."""
_STREET = re.compile(r"[东西南北中上下前后新老]?(路|街|道|巷|弄|里)")
_ROADS = "路街道巷弄里门村桥站场园城口"
"""Last letters of names that are as well those of a road, a village or a house: 长江路, 中关村."""
_VILLAGE = re.compile(
    r"(?![新东西南北中大]{0,2}[路街道桥村城])[一-鿿]{1,5}(社区|居委会|管理区|工业区|村)"
)


@dataclass(frozen=True)
class _Words:
    """What the towns of one county are called: `said` are whole names, "" for one of several, of a
    works, an estate or an office; `stems` are without rank (粤海), each of one town."""

    said: Mapping[str, str]
    stems: Mapping[str, str]
    ranks: re.Pattern[str]
    above: frozenset[str]
    """What the county, its city and its province are called without theirs."""
    longest: int


def named(county: str, text: str, start: int = 0, end: int = 0) -> str | None:
    """The nine digits of the town of a county that a text names with certainty; from `start` to
    `end` stand the names of the county, its city and province."""
    words = _words(county)
    if not words.said:
        return None
    plain = _plain(text)
    at = _behind(plain, end)
    if found := _whole(words, plain, at) or _alone(words, plain, at, plain[start:end]):
        return found
    seen = {_whole(words, plain, at, 3) for at in _beginnings(plain, start, end)} - {None}
    return seen.pop() if len(seen) == 1 else None


def deciding(city: City, text: str) -> tuple[County, ...]:
    """Those of a city's counties that have the town which a text names behind the city, or in words
    of their own, by its whole name: all of them where it names none, or where a development zone
    has such a town."""
    words, plain = _city(_prefix(city)), _plain(text)
    starts = [_behind(plain, city.end), *_beginnings(plain, city.start, city.end)]
    found = _longest(words, plain, starts[0])
    if found is None:
        seen = {one for at in starts[1:] if (one := _longest(words, plain, at))}
        found = seen.pop() if len(seen) == 1 else None
    return _those(city, found[0]) if found else city.counties


def behind(city: City, text: str, over: int) -> tuple[County, ...] | None:
    """The same, where right behind the city a town is named whose name goes on beyond `over`; None
    where none is."""
    plain = _plain(text)
    at = _behind(plain, city.once)
    found = _longest(_city(_prefix(city)), plain, at)
    return _those(city, found[0]) if found and at < over < at + found[1] else None


def says(address: str, region: str) -> bool:
    """Whether an address has the name of the town in a region of nine digits in it."""
    name = towns.name(region)
    return bool(name) and _stem(name) in _plain(address)


def wholly(region: str, text: str) -> bool:
    """Whether a text has the whole name of the town in a region of nine digits in it."""
    return towns.name(region) in _plain(text)


def stated(region: str, address: str) -> str:
    """What a region says besides the address: without a town that the address names itself. Whoever
    compares two recipients compares this, for the table of towns changes."""
    return region[:6] if len(region) > 6 and says(address, region) else region


def spoken(to: ShipTo) -> str:
    """The address, behind the town that only the region names."""
    known = len(to.region) > 6 and not says(to.address, to.region)
    return f"{towns.name(to.region)}{to.address}" if known else to.address


def _plain(text: str) -> str:
    simple = simplified(text)
    return simple if len(simple) == len(text) else text


def _behind(plain: str, end: int) -> int:
    """Where the first word behind the names begins."""
    found = _SIGNS.match(plain, end)
    return found.end() if found else end


def _beginnings(plain: str, start: int, end: int) -> Iterator[int]:
    """Where a word may begin, beside the names of the county."""
    if start:
        yield _behind(plain, 0)
    for sign in _APART.finditer(plain):
        if not start <= sign.start() < end or sign.end() == end:
            yield sign.end()


def _whole(words: _Words, plain: str, at: int, shortest: int = 2) -> str | None:
    """The town whose whole name, or whose stem and a rank, stand there; the longest."""
    code, end = "", 0
    for length in _lengths(words, plain, at):
        word, rank = plain[at : at + length], None
        if word in words.said and length > end - at:
            code, end = words.said[word], at + length
        if word in words.stems:
            rank = words.ranks.match(plain, at + length)
        if rank and rank.end() > end:
            code, end = words.stems[word], rank.end()
    fits = code and end - at >= shortest and _ends(plain, at, end)
    return code if fits else None


def _ends(plain: str, at: int, end: int) -> bool:
    """Whether a town's name ends there, and is not the beginning of a longer one."""
    short = end - at < 3 and _STREET.match(plain, end)
    return not short and not _MORE.match(plain, end)


def _alone(words: _Words, plain: str, at: int, names: str) -> str | None:
    """A town without its rank, right behind the county: 粤海街 before a village; 粤海 where all of
    the levels stand apart, or in a city without counties before a village."""
    lengths = _lengths(words, plain, at)
    word = next((x for n in lengths if (x := plain[at : at + n]) in words.stems), "")
    code, end = words.stems.get(word, ""), at + len(word)
    if not code or word in words.above:
        return None
    if plain.startswith("街", end):
        return code if _VILLAGE.match(plain, end + 1) else None
    signs = [names, plain[at - 1 : at], plain[end : end + 1]]
    listed = word[-1] not in _ROADS and all(re.search(_SIGN, one) for one in signs)
    direct = code[:6] in WITHOUT_COUNTIES and _VILLAGE.match(plain, end)
    return code if listed or direct else None


def _lengths(words: _Words, plain: str, at: int) -> range:
    """How long a name that begins there may be, the longest first."""
    return range(min(words.longest, len(plain) - at), 1, -1)


def _longest(
    words: Mapping[str, frozenset[str]], plain: str, at: int
) -> tuple[frozenset[str], int] | None:
    """The counties of the town that is named there, and how long its name is."""
    for length in range(min(15, len(plain) - at), 2, -1):
        if found := words.get(plain[at : at + length]):
            return (found, length) if _ends(plain, at, at + length) else None
    return None


def _those(city: City, codes: frozenset[str]) -> tuple[County, ...]:
    found = tuple(one for one in city.counties if one.code in codes)
    return found if len(found) == len(codes) else city.counties


def _prefix(city: City) -> str:
    code = city.counties[0].code
    return code[:2] if code[:2] in MUNICIPALITIES else code[:4]


def _stem(name: str) -> str:
    """A town's name without its rank, or as it is where that leaves one letter."""
    bare = _RANK.sub("", name)
    return bare if len(bare) > 1 else name


@cache
def _words(county: str) -> _Words:
    above = places.county(county)
    found, stems = defaultdict(set), defaultdict(set)
    for code, name in towns.of(county).items():
        bare = _stem(name)
        stems[bare].add(code)
        told = code if bare != name or _RANK.search(name) or _FARM.search(name) else ""
        found[name].add(told)
        if above and name.startswith(above.name):  # 五原县隆兴昌镇…办事处 in 五原县
            found[name.removeprefix(above.name)].add(told)
    said = {name: min(codes) if len(codes) == 1 else "" for name, codes in found.items()}
    alone = {bare: min(codes) for bare, codes in stems.items() if len(codes) == 1}
    ranked = {bare: code for bare, code in alone.items() if bare not in said}
    if county in WITHOUT_COUNTIES:
        said |= {bare: code for bare, code in ranked.items() if bare.endswith("区")}
    return _Words(
        said,
        ranked,
        _RANKS_OF_CITIES if county in WITHOUT_COUNTIES else _RANKS,
        frozenset(stem(one) for one in (above.name, above.city, above.province) if one)
        if above
        else frozenset(),
        max(map(len, said), default=0),
    )


@cache
def _city(prefix: str) -> Mapping[str, frozenset[str]]:
    """The counties of today, by the whole names of their towns, that have a town called so of any
    rank: one that lost its rank may be meant by those who go on writing it."""
    by_stem, names = defaultdict(set), {}
    for county in towns.counties():
        if county.startswith(prefix):
            for name in towns.of(county).values():
                if _RANK.search(name) and len(name) > 2:
                    by_stem[_stem(name)].add(RENAMED.get(county, county))
                    names[name] = _stem(name)
    return {name: frozenset(by_stem[bare]) for name, bare in names.items()}
