"""Places of China: GB/T 2260 codes as people and programs give them, and their names.

The table is the standard's own, every year of it, so a code that was retired still resolves. Pure
but for reading the table once.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from connectors import regions, towns
from connectors.regions import YOUNG, nameless
from kit.hanzi import simplified

LEVELS = ("province", "city", "county", "town")

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
    "230105": "230104",  # 太平 → 道外
    "230107": "230110",  # 动力 → 香坊
    "310102": "310101",  # 南市 → 黄浦
    "320103": "320104",  # 白下 → 秦淮
    "320107": "320106",  # 下关 → 鼓楼
    "320202": "320213",  # 崇安 → 梁溪
    "320203": "320213",  # 南长 → 梁溪
    "320204": "320213",  # 北塘 → 梁溪
    "320405": "320412",  # 戚墅堰 → 武进
    "320502": "320508",  # 沧浪 → 姑苏
    "320503": "320508",  # 平江 → 姑苏
    "320504": "320508",  # 金阊 → 姑苏
    "321011": "321003",  # 维扬 → 邗江
    "330204": "330212",  # 江东 → 鄞州
    "330621": "330603",  # 绍兴县 → 柯桥
    "340208": "340209",  # 三山 → 弋江
    "340221": "340210",  # 芜湖县 → 湾沚
    "341402": "340181",  # 居巢 → 巢湖
    "370205": "370203",  # 四方 → 市北
    "370284": "370211",  # 胶南 → 黄岛
    "370802": "370811",  # 市中 → 任城
    "371202": "370116",  # 莱城 → 莱芜
    "371203": "370117",  # 钢城, once of 莱芜
    "371421": "371403",  # 陵县 → 陵城
    "130521": "130503",  # 邢台县 → 信都
    "130603": "130606",  # 北市 → 莲池
    "410211": "410202",  # 金明 → 龙亭
    "410224": "410212",  # 开封县 → 祥符
    "410306": "410308",  # 吉利 → 孟津
    "410322": "410308",  # 孟津县 → 孟津
    "411023": "411003",  # 许昌县 → 建安
    "420621": "420607",  # 襄阳县 → 襄州
    "440102": "440104",  # 东山 → 越秀
    "440107": "440103",  # 芳村 → 荔湾
    "440116": "440112",  # 萝岗 → 黄埔
    "510124": "510117",  # 郫县 → 郫都
    "511521": "511504",  # 宜宾县 → 叙州
    "610125": "610118",  # 户县 → 鄠邑
    "422921": "429021",  # 神农架, once of 十堰
}
"""Codes that parcels still carry, and the county that took the place of theirs."""

_GONE = frozenset({"429001"})
"""What the table does not know to be gone: 随州 was below the province until it had counties."""

_ROW = re.compile(r'\s+(\d{4}) county="(.*)"')
_NAME = re.compile(r"(?:\[(\d*)-(\d*)\])?([^,\[\]]+)")


@dataclass(frozen=True)
class County:
    """A county, district, or city without either, as it is today; `city` is "" where the county
    hangs directly below its province."""

    code: str
    province: str
    city: str
    name: str

    @property
    def spelled(self) -> str:
        """`广东省深圳市南山区`, without the names that stand for nothing."""
        name = "" if self.name == self.city else self.name
        return f"{self.province}{self.city}{name}"


@dataclass(frozen=True)
class _Table:
    names: Mapping[str, str]  # 6 digits → the newest name, also of what is gone
    former: tuple[tuple[str, str], ...]  # 6 digits and a name that is not used any more
    counties: tuple[County, ...]  # of today
    by_code: Mapping[str, County]
    provinces: tuple[str, ...]  # as people write them


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


def county(code: str) -> County | None:
    """The county of a kept code, as it is today."""
    return _table().by_code.get(code[:6])


def all_counties() -> tuple[County, ...]:
    """Every county of today."""
    return _table().counties


def spelled(code: str) -> str:
    """The names of a kept code, for example `广东省深圳市南山区`; "" for one without a name."""
    table = _table()
    if (found := county(code)) is not None:
        return found.spelled
    parts = (f"{code[:2]}0000", f"{code[:4]}00", code[:6])
    told = [table.names[part] for part in parts if part in table.names]
    return "".join(name for name in dict.fromkeys(told) if not nameless(name))


def levels(code: str) -> dict[str, str | None]:
    """The names of a kept code's four levels, from the province to the town; None for what it does
    not tell, or what has no name of its own."""
    found = county(code)
    told = (found.province, found.city, found.name) if found else regions.names(code)
    return {
        level: name or None for level, name in zip(LEVELS, (*told, towns.name(code)), strict=True)
    }


def whole(code: str, address: str) -> str:
    """What is written on a parcel: the names of the place, unless the address begins with them."""
    begins = address.startswith(_table().provinces)
    return address if begins else f"{spelled(code)}{address}"


def names() -> Mapping[str, str]:
    """The newest name of every code of 6 digits, also of what is gone."""
    return _table().names


def former() -> tuple[tuple[str, str], ...]:
    """Names that are not used any more, and the codes that had them."""
    return _table().former


@cache
def _table() -> _Table:
    names: dict[str, str] = {}
    today: dict[str, str] = {}
    former: list[tuple[str, str]] = []
    for code, name, gone in _rows():
        names[code] = name
        if gone or code in RENAMED or code in _GONE:
            former.append((code, name))
        else:
            today[code] = name
    counties = []
    for code, name in today.items():
        whole = code.endswith("00")
        if (whole and code not in WITHOUT_COUNTIES) or nameless(name):
            continue
        city = today.get(f"{code[:4]}00", "")
        province = today[f"{code[:2]}0000"]
        counties.append(County(code, province, "" if nameless(city) else city, name))
    return _Table(
        names,
        tuple(former),
        tuple(counties),
        {county.code: county for county in counties},
        tuple({regions.short(name) for code, name in today.items() if code.endswith("0000")}),
    )


def _rows() -> Iterator[tuple[str, str, bool]]:
    """Code, name, and whether that is over, of every place that the standard ever had."""
    text = files("stdnum.cn").joinpath("loc.dat").read_text("utf-8")
    province = ""
    for line in simplified(text).splitlines():
        if line[:2].isdigit():
            province = line[:2]
        elif row := _ROW.match(line):
            for _, until, name in _NAME.findall(row[2]):
                yield province + row[1], name, bool(until)
    for code, name in YOUNG.items():
        yield code, name, False
