"""Chinese characters: simplified ones, and numbers that are written in them. Pure."""

from functools import cache

import opencc

_DIGITS = {character: value for value, character in enumerate("零一二三四五六七八九")} | {"两": 2}
_WEIGHTS = {"十": 10, "百": 100}


@cache
def _simplifier() -> opencc.OpenCC:
    return opencc.OpenCC("t2s")


def simplified(text: str) -> str:
    """The text in simplified characters."""
    result: str = text if text.isascii() else _simplifier().convert(text)
    return result


def number(numeral: str) -> int:
    """`三` is 3, `十二` 12, `三十` 30, `百` 100; digits after one another are read as digits."""
    if _WEIGHTS.keys().isdisjoint(numeral):
        return int("".join(str(_DIGITS[character]) for character in numeral))
    total = digit = 0
    for character in numeral:
        if weight := _WEIGHTS.get(character):
            total += (digit or 1) * weight
            digit = 0
        else:
            digit = _DIGITS[character]
    return total + digit
