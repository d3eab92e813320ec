"""How much of a thing there is: measures, counts and multiplications as sellers write them. Pure.

`500ml`, `0.5L`, `24×500ml`, `5包×100抽`, `L码52片`, `450g(15g×30)`, `5卷共100个`.
"""

import re
from decimal import Decimal
from math import prod
from typing import NamedTuple

from catalog.matching import units
from catalog.matching.units import UNITS, Token


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
    single: bool
    """Whether it says that a packet holds one: 1片 is not 3片; a silent title may be either."""
    content: frozenset[tuple[str, Decimal]]
    numbers: frozenset[str]
    raws: frozenset[str]
    rest: str
    """The text without what was read."""
    alone: frozenset[tuple[str, Decimal]]
    """Masses and volumes that stand by themselves, as stated: 公4两 and 母3两."""
    spans: dict[str, frozenset[tuple[Decimal, Decimal]]]
    """Ranges as written: 3-4斤 of a fruit, 70-80mm across, 6-11kg of a child."""

    def explained(self) -> frozenset[str]:
        """Numbers that it states in whatever way."""
        ends = {f"{end:f}" for spans in self.spans.values() for span in spans for end in span}
        return self.numbers | self.raws | ends


def read(text: str) -> Sizes:
    """The sizes of a normalised text."""
    spans = units.spans(text)
    text = units.prepared(text)
    tokens = units.tokens(text)
    chains = units.chains(text, tokens)
    measures: dict[str, set[Decimal]] = {}
    numbers: set[str] = set()
    counts = _Counts()
    for chain in chains:
        if _is_area(chain):
            measures.setdefault("area", set()).add(
                _mantissa(prod((t.value for t in chain), start=Decimal(1)))
            )
            if unit := next((t.unit for t in reversed(chain) if t.unit), None):
                factor = Decimal(UNITS[unit][1])
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
    )._replace(spans=spans)


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
            inner == [1] and not (times > 1 or stated),
            frozenset(content),
            numbers,
            raws,
            rest,
            frozenset((t.kind, t.value.normalize()) for t in self._amounts),
            {},
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
            factors = {1, times, times * held}
            if t.each:
                factors = {times * held if UNITS[t.each][0] == "inner" else times}
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
        if table is outer and _said_in_pairs(t.unit, value, outer):
            continue
        table[(t.unit if t.kind == "outer" else "", value)] = value
    if not outer:
        outer = {
            (t.unit, int(t.value)): int(t.value) for t in free if t.total and t.kind == "outer"
        }
    if len(inner) > 1 and not any(t.kind == "inner" for t in chained):
        largest = max(inner.values())  # 360张120抽, 2500张: one of them is the sum
        rest = [value for value in inner.values() if value != largest]
        inner = {("", largest): largest} if largest % prod(rest) == 0 else inner
    return [v for v in outer.values() if v > 0], [v for v in inner.values() if v > 0]


def _said_in_pairs(unit: str, value: int, outer: dict[tuple[str, int], int]) -> bool:
    """Whether a count is one that was given before, in pairs or in pieces: 2对4只 are four."""
    return any(value == n and (unit in "对双") != (u in "对双") for u, n in outer)


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
