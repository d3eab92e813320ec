"""How much of a thing there is: measures, counts and multiplications as sellers write them. Pure.

`500ml`, `0.5L`, `24×500ml`, `5包×100抽`, `L码52片`, `450g(15g×30)`, `5卷共100个`.
"""

import re
from decimal import Decimal
from math import prod
from typing import NamedTuple

_UNITS: dict[str, tuple[str, str, str]] = {}
for _kind, _table in {
    "mass": "mg:0.001 g:1 克:1 kg:1000 千克:1000 公斤:1000 斤:500 两:50 磅:454 lb:454 吨:1000000",
    "volume": "ml:1 毫升:1 cc:1 cl:10 l:1000 升:1000",
    "length": "mm:1 毫米:1 cm:10 厘米:10 m:1000 米:1000 寸:25.4 英寸:25.4 ″:25.4",
    "power": "w:1 瓦:1 kw:1000 千瓦:1000",
    "voltage": "v:1 伏:1",
    "charge": "mah:1 毫安时:1 毫安:1 ma:1",
    "storage": "gb:1 tb:1024 t:1024 mb:0.0009765625",
    "frequency": "hz:1 赫兹:1 mhz:1000000 ghz:1000000000",
    "percent": "%:1",
    "degree": "度:1 °:1 %vol:1",
    "stage": "段:1",
    "generation": "代:1",
    "set": "件套:1",
    "layer": "层:1",
    "port": "口:1",
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
        _UNITS[_word] = (_kind, _factor, _word)

_BY_LENGTH = sorted(_UNITS, key=len, reverse=True)
_LATIN_UNITS = "|".join(re.escape(word) for word in _BY_LENGTH if word[-1].isascii())
_HAN_UNITS = "|".join(re.escape(word) for word in _BY_LENGTH if not word[-1].isascii())
_TOKEN = re.compile(
    rf"(?<![a-z0-9.\-])(\d+(?:\.\d+)?)(?![\d.]*\d)[\"”]?\s?"
    rf"(?:({_HAN_UNITS})|({_LATIN_UNITS})(?![a-z])|(?![a-z]))"
)
_INCHES = re.compile(r"(?<=\d)[\"”]|(?<=\d)寸")
_SIZED_COUNT = re.compile(r"(?<![a-z])(nb|xxxl|xxl|xl|[sml]|\dxl)(?=\d+[片枚条])")
_RANGE = re.compile(r"\d+(?:\.\d+)?\s?[-~至]\s?\d+(?:\.\d+)?\s?(?:个月|月龄|岁|kg|斤|公斤|g|克)")
_PERSONS = re.compile(r"(\d+)\s?[-~至]\s?(\d+)\s?人")
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
_CONTAINER = re.compile(r"\s?/\s?([包袋瓶罐听盒箱提支条个只卷双桶套筒卡片])")

EACH = frozenset("包袋瓶罐听盒支条个只卷双桶片")
"""`15g/条` is what one of them holds; `24盒/箱` only names the case."""


class Token(NamedTuple):
    """One number of a text: its value in the base unit, where it stood, what it counts."""

    kind: str
    value: Decimal
    unit: str
    start: int
    end: int
    each: bool
    """Stated per piece: 15g/条, 每包100抽."""
    total: bool
    """Stated as a sum: 共100个."""


class Sizes(NamedTuple):
    """What a text says of amounts.

    `pieces` are the totals that the text may mean; `inner` what one packet may hold, `outer` how
    many packets there are. `content` are the total masses and volumes it may mean.
    """

    measures: dict[str, frozenset[Decimal]]
    pieces: frozenset[int]
    inner: frozenset[int]
    outer: int
    counted: bool
    content: frozenset[tuple[str, Decimal]]
    numbers: frozenset[str]
    raws: frozenset[str]
    rest: str
    """The text without what was read."""


def read(text: str) -> Sizes:
    """The sizes of a normalised text."""
    text = _prepared(text)
    tokens = _tokens(text)
    chains = _chains(text, tokens)
    measures: dict[str, set[Decimal]] = {}
    numbers: set[str] = set()
    counts = _Counts()
    for chain in chains:
        if _is_area(chain):
            measures.setdefault("area", set()).add(
                _mantissa(prod((t.value for t in chain), start=Decimal(1)))
            )
            if unit := next((t.unit for t in reversed(chain) if t.unit), None):
                factor = Decimal(_UNITS[unit][1])
                for t in chain:
                    value = t.value if t.unit else t.value * factor
                    measures.setdefault("length", set()).add(value.normalize())
        elif len(chain) > 1 and _multiplies(chain):
            counts.multiply(chain)
            for t in chain:
                if t.kind not in ("inner", "outer", "mass", "volume", "bare"):
                    measures.setdefault(t.kind, set()).add(t.value.normalize())
        else:
            for t in chain:
                if t.kind in ("inner", "outer"):
                    counts.free(t)
                elif t.kind in ("mass", "volume"):
                    counts.amount(t)
                elif t.kind in ("bare", "number"):
                    numbers.add(f"{t.value.normalize():f}")
                elif t.kind != "age":
                    measures.setdefault(t.kind, set()).add(t.value.normalize())
    return counts.sizes(
        {kind: frozenset(values) for kind, values in measures.items()},
        frozenset(numbers),
        _raws(text, tokens),
        _blanked(text, tokens),
    )


_MANY = 600
"""Sheets from which on a packet's layers are counted apart."""

_COUNTED = ("inner", "outer", "mass", "volume")


class _Counts:
    """Gathers counts and amounts of a text."""

    def __init__(self) -> None:
        self._chains: list[list[Token]] = []
        self._free: list[Token] = []
        self._amounts: list[Token] = []

    def multiply(self, chain: list[Token]) -> None:
        self._chains.append(chain)

    def free(self, token: Token) -> None:
        self._free.append(token)

    def amount(self, token: Token) -> None:
        self._amounts.append(token)

    def sizes(
        self,
        measures: dict[str, frozenset[Decimal]],
        numbers: frozenset[str],
        raws: frozenset[str],
        rest: str,
    ) -> Sizes:
        chained = [
            t for chain in self._chains for t in chain if t.kind in ("inner", "outer", "bare")
        ]
        outer, inner = _split(chained, self._free)
        times = prod(outer)
        held = prod(inner)
        pieces = {times * held}
        if grouped := self._grouped():
            pieces |= {count // grouped for count in pieces if count % grouped == 0}
        stated = {int(t.value) for t in self._free if t.total}
        if stated:
            pieces = stated
        elif inner and times > 1 and held % times == 0 and not self._chained_inner():
            pieces.add(held)  # L208片 四包: the sum may stand first
        pieces |= {count // layers for count in pieces for layers in self._layers(measures)}
        content = self._content(times, held if inner else 1)
        return Sizes(
            measures,
            frozenset(pieces),
            frozenset(
                {held}
                | ({held // times} if held in pieces else set())
                | {held // layers for layers in self._layers(measures)}
            ),
            times,
            bool(outer or inner or stated),
            frozenset(content),
            numbers,
            raws,
            rest,
        )

    def _grouped(self) -> int:
        """Packets that a product is perhaps only spread over: 30g×20袋 两盒 are 20, or 40."""
        made = [prod(int(t.value) for t in c if t.kind in ("inner", "outer")) for c in self._chains]
        free = [int(t.value) for t in self._free if t.kind == "outer" and not t.total]
        return next((n for n in free for of in made if n > 1 and of > n and of % n == 0), 0)

    def _layers(self, measures: dict[str, frozenset[Decimal]]) -> list[int]:
        """Layers by which the sheets may have been multiplied: 4层1280张 are 320抽."""
        counted = [t for chain in self._chains for t in chain] + self._free
        sheets = [t for t in counted if t.unit == "张"]
        if any(t.unit == "抽" for t in counted) or not any(t.value >= _MANY for t in sheets):
            return []
        return [int(n) for n in measures.get("layer", ()) if n > 1]

    def _chained_inner(self) -> bool:
        return any(t.kind == "inner" for chain in self._chains for t in chain) or any(
            t.each for t in self._free if t.kind == "inner"
        )

    def _content(self, times: int, held: int) -> set[tuple[str, Decimal]]:
        content: set[tuple[str, Decimal]] = set()
        for chain in self._chains:
            for t in chain:
                if t.kind in ("mass", "volume"):
                    others = prod(int(o.value) for o in chain if o.kind not in ("mass", "volume"))
                    counts = {max(others, 1)}
                    if others > 1 and times > others and times % others == 0:
                        counts.add(times)  # 6*250ml 2提
                    content |= {(t.kind, (t.value * count).normalize()) for count in counts}
        if content:
            return content
        for t in self._amounts:
            factors = {times} if t.each else {1, times, times * held}
            content |= {(t.kind, (t.value * factor).normalize()) for factor in factors}
        return content


def _split(chained: list[Token], free: list[Token]) -> tuple[list[int], list[int]]:
    """Counts of packets and of pieces inside; what is said twice counts once."""
    outer: dict[tuple[str, int], int] = {}
    inner: dict[tuple[str, int], int] = {}
    sheets = any(t.unit == "抽" for t in (*chained, *free))
    for t in chained:
        table = inner if t.kind == "inner" else outer
        table[(t.unit, int(t.value))] = int(t.value)
    product = prod(outer.values()) * prod(inner.values())
    known = {*outer.values(), *inner.values(), prod(outer.values()), prod(inner.values())}
    for t in free:
        value = int(t.value)
        if (sheets and t.unit == "张") or (chained and value in known) or t.total:
            continue
        if value == product and chained:
            continue
        table = inner if t.kind == "inner" else outer
        table[(t.unit if t.kind == "outer" else "", value)] = value
    if len(inner) > 1 and not any(t.kind == "inner" for t in chained):
        largest = max(inner.values())  # 360张120抽, 2500张: one of them is the sum
        rest = [value for value in inner.values() if value != largest]
        inner = {("", largest): largest} if largest % prod(rest) == 0 else inner
    return [v for v in outer.values() if v > 0], [v for v in inner.values() if v > 0]


def _prepared(text: str) -> str:
    if "-" in text or "~" in text or "至" in text:
        text = _PERSONS.sub(r" \1\2人 ", _RANGE.sub(" ", text))
    if "寸" in text:
        text = _PLUS_INCHES.sub(r"\1寸 \2", text)
    if "+" in text or "/" in text:
        text = _MEMORY.sub(_memory, text)
    if _DISK.search(text):
        text = _GIGA.sub(lambda found: "gb" if found.group(1) == "g" else "tb", text)
    text = _LONE_TIMES.sub(r" \1件", _SMALL.sub("", text))
    return _SIZED_COUNT.sub(r"\1 ", _RUN_ON.sub(r"\1 ", text))


def _memory(found: re.Match[str]) -> str:
    """16+512 and 16+1T are gigabytes and terabytes."""
    unit = "tb" if (found.group(3) or "").startswith("t") else "gb"
    return f" {found.group(1)}gb {found.group(2)}{unit} "


def _tokens(text: str) -> list[Token]:
    tokens = []
    for found in _TOKEN.finditer(text):
        number, unit = found.group(1), found.group(2) or found.group(3) or ""
        if not unit and found.group(0).rstrip()[-1] in '"”':
            unit = "寸"
        kind, factor, word = _UNITS.get(unit, ("bare", "1", ""))
        value = Decimal(number)
        if unit == "双" and value == 1:
            factor = "1"  # a pair of shoes is one pair, ten pairs of gloves are twenty
        if kind in ("inner", "outer") and (value != int(value) or _given(text, found.start())):
            continue
        each = kind not in ("bare",) and bool(
            (per := _CONTAINER.match(text, found.end()))
            and per.group(1) in EACH
            and per.group(1) != word
        )
        before = text[max(0, found.start() - 2) : found.start()]
        each = each or (before[:1] == "每" and before[1:2] in EACH)
        tokens.append(
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
    return tokens


def _given(text: str, at: int) -> bool:
    """Whether a count is of what comes along: 配2布, 送1支."""
    return text[:at].rstrip().endswith(("配", "送", "赠", "附", "约"))


def _chains(text: str, tokens: list[Token]) -> list[list[Token]]:
    chains: list[list[Token]] = []
    for token in tokens:
        between = text[chains[-1][-1].end : token.start] if chains else None
        if between is not None and between and _TIMES.fullmatch(between):
            chains[-1].append(token)
        else:
            chains.append([token])
    return chains


def _multiplies(chain: list[Token]) -> bool:
    """24×500ml, 5包×100抽, 1*12; but not 2560×1440."""
    if any(t.kind in _COUNTED for t in chain) or min(t.value for t in chain) == 1:
        return True
    return any(t.kind != "bare" for t in chain) and _repeated(chain)


def _is_area(chain: list[Token]) -> bool:
    """34×74cm, 2m×2.7m, 45×50; but 1m×2 are two of a metre."""
    if len(chain) < 2 or any(t.kind not in ("bare", "length") for t in chain):
        return False
    if any(t.kind == "length" for t in chain):
        return not _repeated(chain)
    return min(t.value for t in chain) >= 20 and max(t.value for t in chain) < 600


def _mantissa(value: Decimal) -> Decimal:
    """The digits alone: 1.6×2.3 m, 160×230 cm and 160×230 are one area."""
    return Decimal("".join(map(str, value.normalize().as_tuple().digits)))


def _repeated(chain: list[Token]) -> bool:
    last = chain[-1]
    return last.kind == "bare" and last.value == int(last.value) and last.value < 20


def _raws(text: str, tokens: list[Token]) -> frozenset[str]:
    """Every number as written and in its base unit: 24.5cm explains both 24.5 and 245."""
    raws = set()
    for token in tokens:
        if token.kind not in ("inner", "outer"):
            if found := re.match(r"\d+(?:\.\d+)?", text[token.start : token.end]):
                raws.add(f"{Decimal(found.group()).normalize():f}")
            raws.add(f"{token.value.normalize():f}")
    return frozenset(raws)


def _blanked(text: str, tokens: list[Token]) -> str:
    parts, at = [], 0
    for token in tokens:
        parts.append(text[at : token.start])
        at = token.end
    return " ".join((*parts, text[at:]))
