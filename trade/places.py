"""Places of China: GB/T 2260 codes as people and programs give them, and names read from text.

The table is the standard's own, every year of it, so a code that was retired still resolves. Pure
but for reading the table once.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

WITHOUT_COUNTIES = frozenset({"441900", "442000", "460400", "620200"})
"""Cities whose streets hang directly below them: 东莞, 中山, 儋州, 嘉峪关."""

RENAMED = {
    "110103": "110101",  # 崇文 → 东城
    "110104": "110102",  # 宣武 → 西城
    "310103": "310101",  # 卢湾 → 黄浦
    "310108": "310106",  # 闸北 → 静安
    "310119": "310115",  # 南汇 → 浦东
    "310230": "310151",  # 崇明县 → 崇明区
    "110228": "110118",  # 密云县 → 密云区
    "110229": "110119",  # 延庆县 → 延庆区
    "120221": "120117",  # 宁河县 → 宁河区
    "120223": "120118",  # 静海县 → 静海区
    "120225": "120119",  # 蓟县 → 蓟州区
    "120107": "120116",  # 塘沽 → 滨海新区
    "120108": "120116",  # 汉沽 → 滨海新区
    "120109": "120116",  # 大港 → 滨海新区
    "330103": "330105",  # 下城 → 拱墅
    "330104": "330102",  # 江干 → 上城
    "500105": "500157",  # 江北 → 两江新区
    "500112": "500157",  # 渝北 → 两江新区
    "460003": "460400",  # 儋州, once below the province
    "469003": "460400",
}
"""Codes that parcels still carry, and the county that took the place of theirs."""

_ROW = re.compile(r'\s+(\d{4}) county="(.*)"')
_NAME = re.compile(r"(?:\[(\d*)-(\d*)\])?([^,\[\]]+)")
_SHORT = re.compile(r"(特别行政区|壮族自治区|回族自治区|维吾尔自治区|自治区|省|市|地区|盟)$")
_MUNICIPALITIES = ("北京市", "天津市", "上海市", "重庆市")
_NOT_NAMES = ("市辖区", "县", "省直辖县级行政区划", "自治区直辖县级行政区划", "郊区")


@dataclass(frozen=True)
class County:
    """A county, district, or city without either, as it is today."""

    code: str
    province: str
    city: str
    name: str

    @property
    def spelled(self) -> str:
        """`广东省深圳市南山区`, without the names that stand for nothing."""
        city = "" if self.city in (self.province, *_NOT_NAMES) else self.city
        name = "" if self.name == city else self.name
        return f"{self.province}{city}{name}"


@dataclass(frozen=True)
class _Table:
    names: dict[str, str]  # 6 digits → the newest name, also of what is gone
    counties: tuple[County, ...]  # of today
    by_code: dict[str, County]
    provinces: tuple[str, ...]  # as people write them
    whole: dict[str, list[tuple[str, County]]]  # first two letters → names and their counties
    clipped: dict[str, list[tuple[str, County]]]  # the same for names as people shorten them


def resolve(code: str) -> str | None:
    """A code of 6, 9 or 12 digits as we keep it (6, or 9 with the street), or None.

    Retired codes become those of their successors where that is known and stay otherwise;
    counties younger than the table and development zones are taken as long as their city is known.
    """
    if not re.fullmatch(r"\d{6}|\d{9}|\d{12}", code):
        return None
    county, street = code[:6], code[6:9]
    names = _table().names
    if county in RENAMED:
        return RENAMED[county]
    if f"{county[:2]}0000" not in names:
        return None
    if county.endswith("00"):
        if county not in WITHOUT_COUNTIES:
            return None
    elif county not in names and f"{county[:4]}00" not in names and county[2:4] not in "0190":
        return None
    return county + street if street.strip("0") else county


def division(code: str) -> str | None:
    """A division of any level, by 2, 4, 6 or 9 digits, as rules name it: a retired county by its
    successor; None for one that is not known."""
    names = _table().names
    if len(code) < 6 or code.endswith("0000") or (code.endswith("00") and code in names):
        return code if any(name.startswith(code) for name in names) else None
    return resolve(code)


def all_counties() -> tuple[County, ...]:
    """Every county of today."""
    return _table().counties


def spelled(code: str) -> str:
    """The names of a kept code, for example `广东省深圳市南山区`; "" for one without a name."""
    table = _table()
    county = code[:6]
    found = table.by_code.get(county)
    if found is not None:
        return found.spelled
    parts = (f"{county[:2]}0000", f"{county[:4]}00", county)
    told = [table.names[part] for part in parts if part in table.names]
    return "".join(name for name in dict.fromkeys(told) if name not in _NOT_NAMES)


def whole(code: str, address: str) -> str:
    """What is written on a parcel: the names of the place, unless the address begins with them."""
    begins = address.startswith(_table().provinces)
    return address if begins else f"{spelled(code)}{address}"


@dataclass(frozen=True)
class Sighting:
    """A county named in a text, from `start` to `end`; `others` name it as well as this one."""

    county: County
    start: int
    end: int
    others: tuple[County, ...] = ()


def sight(text: str) -> Sighting | None:
    """The county that a text names, with what stands before it (province, city) as its proof.

    Where no county's name stands whole, `深圳南山` is taken for 深圳市南山区.
    """
    return _sighted(text, _table().whole) or _sighted(text, _table().clipped)


def within(text: str) -> tuple[County, ...]:
    """The counties of the one city that a text names; () where it names none, or several."""
    named = [counties for city, counties in _cities().items() if city in text]
    return named[0] if len(named) == 1 else ()


@cache
def _cities() -> dict[str, tuple[County, ...]]:
    """Short name of a city, or of a municipality → its counties."""
    found: dict[str, list[County]] = {}
    for county in _table().counties:
        alone = county.city in _NOT_NAMES
        if not alone or county.province in _MUNICIPALITIES:
            found.setdefault(short(county.province if alone else county.city), []).append(county)
    return {city: tuple(counties) for city, counties in found.items()}


def _sighted(text: str, words: Mapping[str, Sequence[tuple[str, County]]]) -> Sighting | None:
    seen: dict[str, tuple[tuple[int, int, int], int, int, County]] = {}
    for at in range(len(text) - 1):
        for word, county in words.get(text[at : at + 2], ()):
            if county.code not in seen and text.startswith(word, at):
                weight = _weight(text[:at] + _given(word, county), county, word)
                seen[county.code] = (weight, *_span(text, at, word, county))
    if not seen:
        return None
    best = sorted(seen.values(), key=lambda one: one[0], reverse=True)
    top = [one for one in best if one[0] == best[0][0]]
    _, start, end, county = top[0]
    return Sighting(county, start, end, tuple(one[3] for one in top[1:]))


def _given(word: str, county: County) -> str:
    """What a clipped word says of the city or province before the county's own name."""
    return "" if word.startswith(county.name) else word


def _words(county: County) -> tuple[str, ...]:
    if county.code in WITHOUT_COUNTIES:
        return (county.name,)
    return (county.name,) if len(county.name) > 2 else (county.city + county.name,)


def _clipped(county: County) -> tuple[str, ...]:
    """`深圳南山`, `深圳市南山`, `北京朝阳`; `广东东莞` for a city without counties."""
    own = re.sub(r"(新区|[区县市旗])$", "", county.name)
    if county.code in WITHOUT_COUNTIES:
        return tuple(f"{above}{own}" for above in (county.province, short(county.province)))
    above = county.province if county.city in _NOT_NAMES else county.city
    return tuple(f"{one}{own}" for one in (above, short(above))) if len(own) > 1 else ()


def _span(text: str, at: int, word: str, county: County) -> tuple[int, int, County]:
    """From the first of the names before the county's to the end of its own."""
    start = at
    for name in (county.province, county.city, short(county.province), short(county.city)):
        before = text.find(name)
        if 0 <= before < start:
            start = before
    return start, at + len(word), county


def _weight(before: str, county: County, word: str) -> tuple[int, int, int]:
    """How much a text says for a county: names of its city and province, and a longer name."""
    city = short(county.city) in before and county.city not in _NOT_NAMES
    province = short(county.province) in before
    own = county.city in _NOT_NAMES and province
    return (2 * bool(city or own) + province, len(word), -len(before))


def short(name: str) -> str:
    """`广东省` → `广东`: as people write it."""
    return _SHORT.sub("", name) or name


@cache
def _table() -> _Table:
    names: dict[str, str] = {}
    today: dict[str, str] = {}
    province = ""
    for line in files("stdnum.cn").joinpath("loc.dat").read_text("utf-8").splitlines():
        if line[:2].isdigit():
            province = line[:2]
        elif row := _ROW.match(line):
            code = province + row[1]
            for _, until, name in _NAME.findall(row[2]):
                names[code] = name
                if not until:
                    today[code] = name
    counties = []
    for code, name in today.items():
        whole = code.endswith("00")
        if (whole and code not in WITHOUT_COUNTIES) or name in _NOT_NAMES:
            continue
        city = today.get(f"{code[:4]}00", "市辖区")
        counties.append(County(code, today[f"{code[:2]}0000"], city, name))
    return _Table(
        names,
        tuple(counties),
        {county.code: county for county in counties},
        tuple({short(county.province) for county in counties}),
        _index([*_spoken(counties, _words), *_former(names, counties)]),
        _index(_spoken(counties, _clipped)),
    )


def _spoken(
    counties: Iterable[County], words: Callable[[County], Iterable[str]]
) -> list[tuple[str, County]]:
    return [(word, county) for county in counties for word in words(county)]


def _former(names: Mapping[str, str], counties: Iterable[County]) -> list[tuple[str, County]]:
    """Names that people go on writing, and the county that took their place."""
    today = {county.code: county for county in counties}
    return [(names[old], today[new]) for old, new in RENAMED.items() if old != "469003"]


def _index(words: Iterable[tuple[str, County]]) -> dict[str, list[tuple[str, County]]]:
    index: dict[str, list[tuple[str, County]]] = {}
    for word, county in words:
        index.setdefault(word[:2], []).append((word, county))
    return index
