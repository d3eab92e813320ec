"""How many: numbers of units as people write them in a cell. Pure."""

import re

from connectors.feed.text import plain
from kit import hanzi

_WORDS = (
    "件个份盒箱包瓶套袋罐支只提条双对组听卷桶枚片块本把根杯扎"
    "捆筐篮张台部板版串粒颗朵株棵碗壶坛床副幅盆管"
)
_NUMBER = re.compile(rf"(?:共|[x×*])?\s*(\d{{1,6}})(?:\.0+)?\s*/?[{_WORDS}]?", re.IGNORECASE)
_SPOKEN = re.compile(rf"共?([一二两三四五六七八九十百]+)[{_WORDS}]?")
_HUNDREDS = re.compile(
    r"(?:[一二两三四五六七八九]百)?(?:[一二三四五六七八九]?十)?[一二两三四五六七八九]?"
)
_BRACKETS = re.compile(r"[()\[\]]")


def units(text: str) -> int | None:
    """`2`, `2.0`, `x2`, `2份`, `2（盒）`, `1,000`, `两份`, `十二`; None for what is no whole number
    of units, such as 2斤, 约2 or 1.5."""
    bare = _BRACKETS.sub("", plain(text)).replace(",", "").replace("，", "").strip()
    if found := _NUMBER.fullmatch(bare):
        return int(found[1])
    spoken = _SPOKEN.fullmatch(bare)
    if spoken and _HUNDREDS.fullmatch(spoken[1]):
        return hanzi.number(spoken[1])
    return None
