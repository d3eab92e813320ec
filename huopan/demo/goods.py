"""Invented goods of an invented supplier; brands, prices and barcodes are made up."""

from dataclasses import dataclass
from decimal import Decimal
from importlib.resources import files


@dataclass(frozen=True)
class Item:
    """One row of the price list. Prices in CNY a unit, weight in kg, `gtin` with check digit."""

    code: str
    listing: str
    section: str
    title: str
    brand: str
    unit: str
    spec: str
    price: Decimal
    msrp: Decimal
    weight: Decimal
    gtin: str


_FILE = "goods.txt"
_COMPANY = "69000008"
"""A made-up company's part of the barcodes."""


def items() -> list[Item]:
    """Every item, in the order of the price list."""
    found: list[Item] = []
    section, listing = "", 0
    text = files(__package__).joinpath(_FILE).read_text(encoding="utf-8")
    for line in text.partition("\n\n")[2].splitlines():
        if line.startswith("# "):
            section = line[2:]
            continue
        listing += 1
        brand, title, unit, variants = line.split("|")
        for variant in _variants(variants):
            spec, price, msrp, weight = variant.rsplit(":", 3)
            found.append(
                Item(
                    code=f"QH{listing:03d}-{len(found) + 1:03d}",
                    listing=f"QH{listing:03d}",
                    section=section,
                    title=title,
                    brand=brand,
                    unit=unit,
                    spec=spec,
                    price=Decimal(price),
                    msrp=Decimal(msrp),
                    weight=Decimal(weight),
                    gtin=_gtin(len(found) + 1),
                )
            )
    return found


def _variants(text: str) -> list[str]:
    """A specification may hold spaces: a variant ends where its weight does."""
    found, words = [], []
    for word in text.split(" "):
        words.append(word)
        if word.count(":") == 3:
            found.append(" ".join(words))
            words = []
    return found


def _gtin(number: int) -> str:
    digits = f"{_COMPANY}{number:04d}"
    odd, even = digits[::2], digits[1::2]
    check = -(sum(map(int, odd)) + 3 * sum(map(int, even))) % 10
    return f"{digits}{check}"
