"""The typeface of documents: Noto Sans SC, one of the files that set-up brings."""

from functools import lru_cache
from pathlib import Path

from fontTools.ttLib import TTFont

from kit import extras
from kit.errors import Problem

FILE = extras.FONT

GETA = "〓"
"""Printers' sign for a character that their letter case lacks."""


def file() -> Path:
    """The font's file. Raises Problem 503 where set-up could not build it."""
    if not FILE.is_file():
        raise Problem(
            503, "font_missing", "this needs the font that set-up brings; run make extras"
        )
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
