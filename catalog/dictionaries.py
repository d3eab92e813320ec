"""Dictionaries of Chinese: where words end, and how they are said.

Both are read when the first word is asked about: most commands do without, and would be a third
slower.
"""

from collections.abc import Container, Sequence
from typing import Any


def words(text: str) -> list[str]:
    """The words of a text one after another."""
    import rjieba

    found: list[str] = rjieba.cut(text)
    return found


def words_within(text: str) -> list[str]:
    """The words of a text, and the short ones inside long ones."""
    import rjieba

    found: list[str] = rjieba.cut_for_search(text)
    return found


def is_word(text: str) -> bool:
    """Whether the dictionary has it."""
    import rjieba

    return bool(rjieba.has_word(text))


def phrases() -> Container[str]:
    """Characters that may be said otherwise together than alone."""
    from pypinyin.constants import PHRASES_DICT

    return PHRASES_DICT


def said(text: str, **options: Any) -> Sequence[str]:
    """The pinyin without tones of each character; `options` are pypinyin's own."""
    from pypinyin import lazy_pinyin

    return lazy_pinyin(text, **options)
