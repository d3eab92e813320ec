"""The names behind a GB/T 2260 code, for platforms that know places by name."""

import re
from collections.abc import Iterable
from functools import lru_cache

from stdnum import numdb

from kit.hanzi import simplified

_SPAN = re.compile(r"\[[^\]]*\]")
_ENDINGS = re.compile(
    r"(特别行政区|(?:维吾尔|壮族|回族)?自治区|[\u4e00-\u9fff]{0,6}?族自治[州县]|自治[州县]|地区|新区|省|市|区|县|旗|盟)$"
)
_NO_NAME = re.compile(r"市辖区|县|(省|自治区)?直辖县级行政(区划|单位)|省直辖行政单位")

YOUNG = {"330113": "临平区", "330114": "钱塘区", "632857": "大柴旦行政委员会"}
"""Counties that the table of the standard does not have."""


@lru_cache(4096)
def names(code: str) -> tuple[str, str, str]:
    """Province, city and county of a code of 2 to 12 digits; "" where it names none."""
    province = _name(code[:2], "province")
    city = _name(f"{code[:4]}00", "county") if len(code) >= 4 and code[2:4] != "00" else ""
    county = _name(code[:6], "county") if len(code) >= 6 and code[4:6] != "00" else ""
    return province, city, county


def nameless(name: str) -> bool:
    """Whether a level of the table only groups places, such as 市辖区: nobody writes it."""
    return not name or _NO_NAME.fullmatch(name) is not None


def short(name: str) -> str:
    """A place's name without its rank: 广东省 → 广东, 南山区 → 南山. Never shorter than two."""
    bare = _ENDINGS.sub("", name)
    return bare if len(bare) >= 2 else name


def same(one: str, other: str) -> bool:
    """Whether two spellings name one place, with or without its rank."""
    return bool(one) and (one == other or short(one) == short(other))


def mentioned(text: str, places: Iterable[str]) -> str:
    """Which of these places a text names, the longest; "" for none. Where none or several are named
    as they are written, they may be named without their rank."""
    known = list(places)
    found = [place for place in known if place in text]
    if len(found) != 1:
        found = found or [place for place in known if short(place) in text]
    return max(found, key=len, default="")


def _name(code: str, kind: str) -> str:
    if code in YOUNG:
        return YOUNG[code]
    found = {
        key: value for _, facts in numdb.get("cn/loc").info(code) for key, value in facts.items()
    }
    if kind == "province":
        return found.get("province", "")
    if len(code) != 6 or "county" not in found:
        return ""
    newest = _SPAN.sub("", found["county"].split(",")[-1])
    return "" if nameless(newest) else simplified(newest)
