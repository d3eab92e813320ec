"""What people call provinces, cities and counties: whole, without rank, and as it was before."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from connectors.regions import nameless, short
from trade import places
from trade.places import RENAMED, County

MUNICIPALITIES = frozenset({"11", "12", "31", "50"})
ABROAD = frozenset({"71", "81", "82"})
"""Provinces of which the standard names no counties: 台湾, 香港, 澳门."""

_MOST_CHARACTERS = 15
_PEOPLES = (
    "蒙古|回|藏|苗|彝|壮|布依|朝鲜|满|侗|瑶|白|土家|哈尼|傣|黎|傈僳|佤|畲|拉祜|水|东乡|纳西|景颇|土|达斡尔|仫佬|羌"
    "|布朗|撒拉|毛南|仡佬|普米|怒|鄂温克|保安|裕固|独龙|鄂伦春|各"
)
PEOPLE = rf"(?:(?:{_PEOPLES})族|蒙古|哈萨克|柯尔克孜|塔吉克|锡伯|维吾尔)"
"""A people, as the names of places of its own have it."""
_OWN = re.compile(rf"({PEOPLE})+自治([州县旗])$")
_RANK = re.compile(r"(特别行政区|自治区|行政委员会|地区|新区|林区|[省市县区旗盟])$")
_SAID = {
    "内蒙": "150000",
    "巴州": "652800",
    "博州": "652700",
    "克州": "653000",
    **dict.fromkeys(("九龙", "新界", "香港岛"), "810000"),
    **dict.fromkeys(
        ("台北", "台中", "台南", "高雄", "基隆", "新北市", "桃园市", "新竹市", "嘉义市"), "710000"
    ),
}
"""Names that the table does not have; Taiwan's cities stand for it."""
_ORDINARY = frozenset({"中山"})
"""Short names of cities that more streets than letters have: they count behind a province only."""


@dataclass
class Word:
    """What a word may stand for; `whole`: it has its rank, so it is hardly anything else.

    `provinces` are codes of 2 digits, `cities` of 4. `clipped` counties lack their rank, `former`
    ones were called so once.
    """

    text: str
    whole: bool = False
    provinces: set[str] = field(default_factory=set)
    cities: set[str] = field(default_factory=set)
    counties: set[County] = field(default_factory=set)
    clipped: set[County] = field(default_factory=set)
    former: set[County] = field(default_factory=set)


def stem(name: str) -> str:
    """What people call a place, without its rank and peoples: 恩施土家族苗族自治州 → 恩施.

    Never shorter than two. Platforms' names are compared by `regions.short`, which keeps the
    peoples: a prefecture and its seat (大理白族自治州, 大理市) are two places there.
    """
    bare = _OWN.sub("", name)
    bare = _RANK.sub("", bare) if bare == name else bare
    return bare if len(bare) > 1 else name


def longest_at(text: str, at: int) -> Word | None:
    """The longest word that begins there."""
    known = _words().get(text[at : at + 2])
    return next((word for word in known or () if text.startswith(word.text, at)), None)


@cache
def counties_of(prefix: str) -> tuple[County, ...]:
    """Those of a city or municipality, by the digits with which their codes begin."""
    return tuple(one for one in places.all_counties() if one.code.startswith(prefix))


@cache
def _words() -> Mapping[str, Sequence[Word]]:
    """The words that begin with two letters, the longest first."""
    found: dict[str, Word] = {}
    for text, kind, member in (*_above(), *_counties(), *_former()):
        if 1 < len(text) <= _MOST_CHARACTERS:
            getattr(found.setdefault(text, Word(text)), kind).add(member)
    for word in found.values():
        ranked = word.counties or word.former or _RANK.search(word.text) or word.text in _SAID
        word.whole = len(word.text) > 2 and bool(ranked)
    index: dict[str, list[Word]] = defaultdict(list)
    for word in sorted(found.values(), key=lambda one: -len(one.text)):
        index[word.text[:2]].append(word)
    return dict(index)


def _above() -> Iterator[tuple[str, str, str]]:
    """Provinces and cities."""
    codes = [(name, code) for code, name in places.names().items() if code.endswith("00")]
    gone = [(name, code) for code, name in places.former() if code.endswith("00")]
    for name, code in (*codes, *gone, *_SAID.items()):
        kind, prefix = ("provinces", code[:2]) if code.endswith("0000") else ("cities", code[:4])
        if nameless(name) or (kind == "cities" and prefix not in _living()):
            continue
        for said in {name, stem(name), _brief(name), short(name)} - _ORDINARY:
            yield said, kind, prefix


def _counties() -> Iterator[tuple[str, str, County]]:
    for county in places.all_counties():
        yield county.name, "counties", county
        if _brief(county.name) != county.name:
            yield _brief(county.name), "counties", county
        if (bare := stem(county.name)) != county.name:
            yield bare, "clipped", county


def _former() -> Iterator[tuple[str, str, County]]:
    """Names that people go on writing, and the county that took their place: the same code's, the
    one that is known, or the one of the same city that only changed its rank."""
    today = {county.code: county for county in places.all_counties()}
    by_stem: dict[tuple[str, str], list[County]] = defaultdict(list)
    for county in today.values():
        by_stem[_parent(county.code), stem(county.name)].append(county)
    cities = {name for code, name in places.names().items() if code.endswith("00")}
    for code, name in places.former():
        if code.endswith("00") or len(name) < 2 or name in cities:
            continue
        heirs = by_stem[_parent(code), stem(name)]
        heir = today.get(RENAMED.get(code, code)) or (heirs[0] if len(heirs) == 1 else None)
        if heir is not None and heir.name != name:
            yield name, "former", heir


def _parent(code: str) -> str:
    return code[:2] if code[:2] in MUNICIPALITIES else code[:4]


@cache
def _living() -> frozenset[str]:
    return frozenset(county.code[:4] for county in places.all_counties())


def _brief(name: str) -> str:
    """恩施土家族苗族自治州 → 恩施州, 恭城瑶族自治县 → 恭城县."""
    own = _OWN.search(name)
    return f"{name[: own.start()]}{own[2]}" if own and own.start() > 1 else name
