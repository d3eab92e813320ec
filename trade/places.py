"""Places of China: GB/T 2260 codes as people and programs give them, and names read from text.

The table is the standard's own, every year of it, so a code that was retired still resolves. Pure
but for reading the table once.
"""

import re
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
    "460003": "460400",  # 儋州, once below the province
    "469003": "460400",
}
"""Codes that parcels still carry, and the county that took the place of theirs."""

_ROW = re.compile(r'\s+(\d{4}) county="(.*)"')
_NAME = re.compile(r"(?:\[(\d*)-(\d*)\])?([^,\[\]]+)")
_SHORT = re.compile(r"(特别行政区|壮族自治区|回族自治区|维吾尔自治区|自治区|省|市|地区|盟)$")
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


def spelled(code: str) -> str:
    """The names of a kept code, for example `广东省深圳市南山区`; "" for one without a name."""
    table = _table()
    county = code[:6]
    found = next((one for one in table.counties if one.code == county), None)
    if found is not None:
        return found.spelled
    parts = (f"{county[:2]}0000", f"{county[:4]}00", county)
    told = [table.names[part] for part in parts if part in table.names]
    return "".join(name for name in dict.fromkeys(told) if name not in _NOT_NAMES)


def whole(code: str, address: str) -> str:
    """What is written on a parcel: the names of the place, unless the address begins with them."""
    names = spelled(code)
    provinces = {short(county.province) for county in _table().counties}
    begins = any(address.startswith(province) for province in provinces)
    return address if begins else f"{names}{address}"


@dataclass(frozen=True)
class Sighting:
    """A county named in a text, from `start` to `end`; `others` name it as well as this one."""

    county: County
    start: int
    end: int
    others: tuple[County, ...] = ()


def sight(text: str) -> Sighting | None:
    """The county that a text names, with what stands before it (province, city) as its proof."""
    best: list[tuple[tuple[int, int, int], int, int, County]] = []
    for county in _table().counties:
        for word in _words(county):
            at = text.find(word)
            if at >= 0:
                best.append((_weight(text[:at], county, word), *_span(text, at, word, county)))
                break
    if not best:
        return None
    best.sort(key=lambda one: one[0], reverse=True)
    top = [one for one in best if one[0] == best[0][0]]
    _, start, end, county = top[0]
    return Sighting(county, start, end, tuple(one[3] for one in top[1:]))


def _words(county: County) -> tuple[str, ...]:
    if county.code in WITHOUT_COUNTIES:
        return (county.name,)
    return (county.name,) if len(county.name) > 2 else (county.city + county.name,)


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
    return _Table(names, tuple(counties))
