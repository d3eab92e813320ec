"""Which article numbers say what a thing is. Pure."""

from functools import lru_cache

from stdnum import ean


@lru_cache(maxsize=20_000)
def identifying(text: str | None) -> str | None:
    """GTIN-14 of a valid number that names one article in the world, else None.

    Prefixes 02, 04 and 2 are for a shop's own use, 05 and 99 are coupons, 977 are issues of
    periodicals of any month: none of them identifies.
    """
    if text is None or not text.isascii() or not text.isdigit() or len(text) not in (8, 12, 13, 14):
        return None
    if not ean.is_valid(text):
        return None
    gtin14 = text.zfill(14)
    body = gtin14[1:]
    if int(body[:-1]) == 0 or body[0] == "2" or body[:2] in ("02", "04", "05", "99"):
        return None
    return None if body[:3] == "977" else gtin14


def article(gtin14: str) -> str:
    """What a case's number and its single's have in common: the digits between level and check."""
    return gtin14[1:13]


def as_printed(gtin14: str | None) -> str | None:
    """A GTIN by as many digits as stand under the bars of its code: 13, 8, or 14 of a case."""
    if gtin14 is None or len(gtin14) != 14 or not gtin14.startswith("0"):
        return gtin14
    return gtin14.removeprefix("000000" if gtin14.startswith("000000") else "0")
