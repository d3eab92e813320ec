"""Numbers with their units, as a text has them. Pure, on normalised text."""

import re
from decimal import Decimal
from typing import NamedTuple

UNITS: dict[str, tuple[str, str, str]] = {}
for _kind, _table in {
    "mass": (
        "mg:0.001 毫克:0.001 g:1 克:1 kg:1000 千克:1000 公斤:1000 斤:500 两:50 磅:454 lb:454"
        " 吨:1000000"
    ),
    "volume": "ml:1 毫升:1 cc:1 cl:10 l:1000 升:1000",
    "length": "mm:1 毫米:1 cm:10 厘米:10 m:1000 米:1000 寸:25.4 英寸:25.4 ″:25.4",
    "power": "w:1 瓦:1 kw:1000 千瓦:1000",
    "voltage": "v:1 伏:1",
    "charge": "mah:1 毫安时:1 毫安:1 ma:1",
    "storage": "gb:1 tb:1024 t:1024 mb:0.0009765625",
    "frequency": "hz:1 赫兹:1 mhz:1000000 ghz:1000000000",
    "percent": "%:1",
    "degree": "度:1 °c:1 °:1 %vol:1",
    "stage": "段:1",
    "generation": "代:1",
    "set": "件套:1",
    "layer": "层:1",
    "port": "口:1",
    "colours": "色:1",
    "keys": "键:1",
    "person": "人:1",
    "number": "号:1 码:1 #:1 年:1",
    "age": "岁:1 个月:1 月龄:1",
    "inner": "抽:1 张:1 片:1 粒:1 颗粒:1 颗:1 枚:1 页:1 p:1",
    "outer": (
        "包:1 袋:1 瓶:1 罐:1 听:1 盒:1 箱:1 提:1 支:1 条:1 个:1 只:1 卷:1 双:2 节:1 把:1 杯:1 桶:1"
        " 件:1 套:1 册:1 本:1 入:1 对:2 拍:1 根:1 捆:1 筒:1 块:1 贴:1 枝:1 组:1 连包:1 联包:1"
        " 连罐:1 连瓶:1 连杯:1 联罐:1 份:1 餐:1 丸:1 管:1 板:1 扎:1 串:1 束:1 副:1 付:1 碗:1 盆:1"
        " 壶:1 沓:1 帖:1 朵:1 顶:1 台:1 日装:1 天装:1 pcs:1"
    ),
}.items():
    for _entry in _table.split():
        _word, _, _factor = _entry.rpartition(":")
        UNITS[_word] = (_kind, _factor, _word)

_NO_UNIT = {
    "包": "邮",
    "支": "持架",
    "双": "面层头肩",
    "条": "纹",
    "个": "性",
    "本": "色",
    "米": "色白黄",
    "口": "味",
    "板": "材",
    "管": "道",
    "台": "灯",
    "卷": "发筒",
}
"""What stands behind the character where it is no unit: 24包邮, 2支架."""

_BY_LENGTH = sorted(UNITS, key=len, reverse=True)
_LATINUNITS = "|".join(re.escape(word) for word in _BY_LENGTH if word[-1].isascii())
_HANUNITS = "|".join(
    re.escape(word) + (f"(?![{_NO_UNIT[word]}])" if word in _NO_UNIT else "")
    for word in _BY_LENGTH
    if not word[-1].isascii()
)
_TOKEN = re.compile(
    rf"(?<![a-z0-9.\-])(\d+(?:\.\d+)?)(?![\d.]*\d)[\"”]?\s?"
    rf"(?:({_HANUNITS})|({_LATINUNITS})(?![a-z])|(?![a-z]))"
)
_INCHES = re.compile(r"(?<=\d)[\"”]|(?<=\d)寸")
_SIZED_COUNT = re.compile(r"(?<![a-z])(nb|xxxl|xxl|xl|[sml]|\dxl)(?=\d+[片枚条])")
_RANGE = re.compile(
    r"(?<![\d.a-z\-])(\d+(?:\.\d+)?)\s?[-~至到]\s?(\d+(?:\.\d+)?)\s?"
    r"(个月|月龄|岁|kg|斤|公斤|g|克|两|cm|mm|厘米|毫米)(?![a-z])"
)
_BOUND = re.compile(
    r"(?<![\d.a-z\-~])(\d+(?:\.\d+)?)\s?(kg|公斤|斤|g|克|岁|个月|cm|厘米)(?:及)?(以[下内上])"
)
"""2.5kg以下 is a range with one end."""
_BELOW = re.compile(r"(?:-|[零0]下)\s?(\d{1,2})\s?(?:°c|摄氏度|度)(?!\d)")
"""-35℃, 零下35度"""
_PERSONS = re.compile(r"(\d+)\s?[-~至]\s?(\d+)\s?人")
_HYPHENED = re.compile(
    r"(?<![a-z0-9])([a-z][a-z0-9]*)-(?=\d+(?:\.\d+)?\s?(?:[gt]b|mm|cm|ml|kg)(?![a-z0-9]))"
)
"""gx4060-8gb is the model gx4060 with 8gb."""
_YEARS = re.compile(
    r"(?<![\d.a-z\-~])(?=\d)(?:((?:20)?\d\d)\s?[-~至]\s?((?:20)?\d\d)\s?[款年]|([012]\d)款)(?!份)"
)
_MEMORY = re.compile(
    r"(?<![\d.+])(\d{1,2})\s?(?:gb?)?\s?[+/]\s?(\d{2,4}(?=\s?gb?)|(?<=\+)\d{2,4}|\d(?=\s?tb?))"
    r"\s?(gb?|tb?)?(?![\d寸a-z])"
)
_PLUS_INCHES = re.compile(r"(\d{2})(?:英寸)?[+/](\d{2})(?=英?寸)")
_RUN_ON = re.compile(r"(?<![a-z0-9\-])(\d+(?:\.\d+)?(?:mah|ml|kg|mm|cm|gb|tb|g|l))(?=\d)")
_GIGA = re.compile(r"(?<=\d)\s?([gt])(?![a-z])")
_DISK = re.compile(r"固态|硬盘|ssd|内存|存储卡|u盘|手机")
_SMALL = re.compile(r"(?<=\d)(?:小|大|独立|迷你|真空)(?=[包袋瓶罐盒条片支枚个粒块杯听])")
_LONE_TIMES = re.compile(
    r"(?<![\d.][一-鿿])(?<![\d.]\s[一-鿿])(?<![\d.][一-鿿]{2})(?<=[一-鿿)])\s?\*\s?(\d{1,3})(?![\d.]|\s?[a-z*])"
)
"""抽纸*3: times without a number before."""
_TIMES = re.compile(r"(?:\s?/\s?[包袋瓶罐听盒箱支条个只卷桶套筒])?[宽高长]?\s?\*\s?")
_CONTAINER = re.compile(r"\s?/\s?([包袋瓶罐听盒箱提支条个只卷双桶套筒卡片块枚粒颗杯])")

EACH = frozenset("包袋瓶罐听盒支条个只卷双桶片块枚粒颗杯")
"""`15g/条` is what one of them holds; `24盒/箱` only names the case."""


class Token(NamedTuple):
    """One number of a text: its value in the base unit, where it stood, what it counts."""

    kind: str
    value: Decimal
    unit: str
    start: int
    end: int
    each: str
    """The unit it is stated for each of: 条 of 15g/条, 包 of 每包100抽; empty: none."""
    total: bool
    """Stated as a sum: 共100个."""


def prepared(text: str) -> str:
    """The text with one way to write what numbers and units are written in several ways."""
    if "款" in text or "年" in text:
        text = _YEARS.sub(_years, text)
    if not _RANGED.isdisjoint(text):
        text = _PERSONS.sub(r" \1\2人 ", _RANGE.sub(" ", text))
    if "以" in text:
        text = _BOUND.sub(" ", text)
    if "-" in text or "下" in text:
        text = _BELOW.sub(r" \1度 ", text)
    if "寸" in text:
        text = _PLUS_INCHES.sub(r"\1寸 \2", text)
    if "-" in text:
        text = _HYPHENED.sub(r"\1 ", text)
    if "+" in text or "/" in text:
        text = _MEMORY.sub(_memory, text)
    if _DISK.search(text):
        text = _GIGA.sub(lambda found: "gb" if found.group(1) == "g" else "tb", text)
    text = _LONE_TIMES.sub(r" \1件", _SMALL.sub("", text))
    return _SIZED_COUNT.sub(r"\1 ", _RUN_ON.sub(r"\1 ", text))


def _years(found: re.Match[str]) -> str:
    """20-23款 and 2020-2023年 are two years, 23款 is one."""
    return " ".join(
        f" {year if len(year) > 2 else f'20{year}'} " for year in found.groups() if year
    )


def _memory(found: re.Match[str]) -> str:
    """16+512 and 16+1T are gigabytes and terabytes."""
    unit = "tb" if (found.group(3) or "").startswith("t") else "gb"
    return f" {found.group(1)}gb {found.group(2)}{unit} "


def tokens(text: str) -> list[Token]:
    """Every number of a prepared text."""
    read = []
    for found in _TOKEN.finditer(text):
        number, unit = found.group(1), found.group(2) or found.group(3) or ""
        if not unit and found.group(0).rstrip()[-1] in '"”':
            unit = "寸"
        kind, factor, word = UNITS.get(unit, ("bare", "1", ""))
        value = Decimal(number)
        if kind == "colours" and number[0] == "0":
            kind = "number"  # 03色 is a shade, 24色 are so many
        if text[: found.start()].rstrip().endswith("第"):
            kind = "number"  # 第12册 is one of them
        if unit == "双" and value == 1:
            factor = "1"  # a pair of shoes is one pair, ten pairs of gloves are twenty
        if kind in ("inner", "outer") and (value != int(value) or _given(text, found.start())):
            continue
        per = _CONTAINER.match(text, found.end()) if kind != "bare" else None
        each = per.group(1) if per and per.group(1) in EACH - {word} else ""
        before = text[max(0, found.start() - 2) : found.start()]
        if before[:1] == "每" and before[1:2] in EACH:
            each = before[1]
        read.append(
            Token(
                kind,
                value * Decimal(factor),
                word,
                found.start(),
                found.end(),
                each,
                before.endswith(("共", "计")),
            )
        )
    return read


def _given(text: str, at: int) -> bool:
    """Whether a count is of what comes along: 配2布, 送1支."""
    return text[:at].rstrip().endswith(("配", "送", "赠", "附", "约"))


def chains(text: str, found: list[Token]) -> list[list[Token]]:
    """Numbers that stand in one multiplication."""
    made: list[list[Token]] = []
    for token in found:
        between = text[made[-1][-1].end : token.start] if made else None
        if between is not None and between and _TIMES.fullmatch(between):
            made[-1].append(token)
        else:
            made.append([token])
    return made


_RANGED = frozenset("-~至到以")


def spans(text: str) -> dict[str, frozenset[tuple[Decimal, Decimal]]]:
    """Ranges by their unit, as written."""
    if _RANGED.isdisjoint(text):
        return {}
    found: dict[str, set[tuple[Decimal, Decimal]]] = {}
    for low, high, unit in _RANGE.findall(text):
        if Decimal(low) < Decimal(high):
            found.setdefault(unit, set()).add((Decimal(low).normalize(), Decimal(high).normalize()))
    for end, unit, side in _BOUND.findall(text):
        low, high = (end, "Infinity") if side == "以上" else ("0", end)
        found.setdefault(unit, set()).add((Decimal(low).normalize(), Decimal(high).normalize()))
    return {kind: frozenset(ends) for kind, ends in found.items()}
