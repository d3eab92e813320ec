"""The typeface of documents: Noto Sans SC, which set-up takes from npm by the lock.

It is never part of this repository; it lies in the environment that Huopan runs in.
"""

import sys
from functools import lru_cache
from pathlib import Path

from fontTools.ttLib import TTFont

from kit.errors import Problem

FILE = Path(sys.prefix) / "share" / "huopan" / "noto-sans-sc.ttf"
"""Where set-up puts it."""

GETA = "〓"
"""Printers' sign for a character that their letter case lacks."""


def file() -> Path:
    """The font's file. Raises Problem 503 where set-up could not build it."""
    if not FILE.is_file():
        raise Problem(503, "font_missing", "this needs the font that set-up brings; run make font")
    return FILE


@lru_cache(maxsize=1)
def characters() -> frozenset[int]:
    """The code points that the font draws. Raises Problem 503."""
    with TTFont(file(), lazy=True) as font:
        return frozenset(font.getBestCmap())


def drawable(text: str) -> str:
    """`text` with 〓 for each character that the font does not draw."""
    there = characters()
    return "".join(char if ord(char) in there else GETA for char in text)
