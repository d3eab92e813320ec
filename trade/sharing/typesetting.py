"""Chinese set in lines: no line begins with a mark that closes, words and numbers stay whole. Pure.

Widths are in whatever unit `measure` answers.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator

Measure = Callable[[str], float]

MORE = "…"
_CLOSES = frozenset("，。、；：？！）】》〉」』”’％%,.;:?!)]}…·～—")
_OPENS = frozenset("（【《〈「『“‘([{￥¥")
_PIECES = re.compile(r"[A-Za-z0-9]+(?:[.,'/×*+\-][A-Za-z0-9]+)*%?|\s+|.", re.DOTALL)


def plain(text: str, drawable: Callable[[str], str]) -> str:
    """`text` on one line, without emoji and what else is no letter and cannot be drawn."""
    kept = (
        char
        for char in unicodedata.normalize("NFC", text)
        if unicodedata.category(char)[0] not in "C" and (drawable(char) == char or _written(char))
    )
    return drawable(" ".join("".join(kept).split()))


def lines(text: str, measure: Measure, width: float, most: int) -> list[str]:
    """`text` in at most `most` lines of `width`; what is left over ends in an ellipsis."""
    found: list[str] = []
    line = ""
    rest = list(_whole(text, measure, width))
    while rest:
        piece = rest[0]
        if measure((line + piece).rstrip()) <= width:
            line += rest.pop(0)
            continue
        if len(found) == most - 1:
            return [*found, _cut(line + "".join(rest), measure, width)]
        found.append(line.rstrip())
        line = ""
        while rest and rest[0].isspace():
            rest.pop(0)
    return [*found, line.rstrip()] if line.strip() else found


def _cut(text: str, measure: Measure, width: float) -> str:
    while text and measure(text.rstrip() + MORE) > width:
        text = text[:-1]
    return text.rstrip() + MORE


def _whole(text: str, measure: Measure, width: float) -> Iterator[str]:
    """Pieces that a line is not broken in: words, and characters with marks beside them."""
    held = ""
    for piece in _PIECES.findall(text):
        if (held and piece in _CLOSES) or (held and held[-1] in _OPENS):
            held += piece
        else:
            yield from _fitting(held, measure, width)
            held = piece
    yield from _fitting(held, measure, width)


def _fitting(piece: str, measure: Measure, width: float) -> Iterator[str]:
    """A piece too wide for any line comes by its characters."""
    if not piece:
        return
    if measure(piece) <= width:
        yield piece
    else:
        yield from piece


def _written(char: str) -> bool:
    """Whether a character is part of writing, so that its absence must show."""
    return unicodedata.category(char)[0] in "LN"
