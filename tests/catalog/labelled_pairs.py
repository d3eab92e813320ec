"""Reads the labelled set of pairs (tests/catalog/labelled): invented goods as sellers list them.

`python -m tests.catalog.labelled_pairs` writes pairs.tsv anew from the listings.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations
from pathlib import Path

from stdnum import ean

from catalog.matching.facts import Brands, Listed
from catalog.matching.naming import settled, told

FOLDER = Path(__file__).parent / "labelled"
PAIRS = FOLDER / "pairs.tsv"
HELD_OUT = ("c", "e")
"""Files written when the matcher was finished; see labelled/README.md."""
SAME, DIFFERENT = True, False
COLUMNS = ("half", "label", "left", "right", "why")


@dataclass(frozen=True)
class Good:
    """One thing as it is: the values of its family's axes, and how sellers list it."""

    values: tuple[str, ...]
    listings: tuple[Listed, ...]


@dataclass(frozen=True)
class Family:
    """Near twins: goods of one kind that differ in the named axes.

    Families, never single pairs, are in one half: a twin seen in one is not in the other.
    """

    number: int
    file: str
    name: str
    axes: tuple[str, ...]
    goods: tuple[Good, ...]

    @property
    def half(self) -> str:
        """development | held-out"""
        return "held-out" if self.file.startswith(HELD_OUT) else "development"


@dataclass(frozen=True)
class Pair:
    """Two listings, whether they are for the same SKU, and the argument for it: the `axes` in which
    their goods differ, with the values.
    """

    half: str
    file: str
    same: bool
    left: Listed
    right: Listed
    names: tuple[str, str]
    axes: tuple[str, ...]
    why: str


def families() -> list[Family]:
    """Every family of the set, in the order of the files."""
    found: list[Family] = []
    for path in sorted(FOLDER.glob("*.txt")):
        for block in path.read_text(encoding="utf-8").split("\n[")[1:]:
            found.append(_family(len(found) + 1, path.stem, block.splitlines()))
    return found


def pairs(read: list[Family]) -> Iterator[Pair]:
    """All pairs within a good; of two goods, listings of the same manner and one across."""
    for family in read:
        for number, good in enumerate(family.goods, 1):
            why = "同一商品：" + "，".join(f"{a}{v}" for a, v in _named(family, good))
            for i, j in combinations(range(len(good.listings)), 2):
                names = (f"{family.name}/{number}.{i + 1}", f"{family.name}/{number}.{j + 1}")
                sides = (good.listings[i], good.listings[j])
                yield Pair(family.half, family.file, SAME, *sides, names, (), why)
        for (m, one), (n, two) in combinations(enumerate(family.goods, 1), 2):
            differ = list(_differences(family, one, two))
            axes = tuple(axis for axis, _ in differ)
            why = "不同商品：" + "，".join(f"{axis}{values}" for axis, values in differ)
            count = min(len(one.listings), len(two.listings))
            for i, j in [*((k, k) for k in range(count)), ((m + n) % count, (m + n + 1) % count)]:
                names = (f"{family.name}/{m}.{i + 1}", f"{family.name}/{n}.{j + 1}")
                sides = (one.listings[i], two.listings[j])
                yield Pair(family.half, family.file, DIFFERENT, *sides, names, axes, why)


def brands(read: list[Family]) -> Brands:
    """The names that the listings tell, as a catalogue would know them."""
    listings = [one for family in read for good in family.goods for one in good.listings]
    known = {name for one in listings for name, _ in told(one.brand)}
    return Brands(settled(pair for one in listings for pair in told(one.brand, one.title, known)))


def _named(family: Family, good: Good) -> list[tuple[str, str]]:
    return list(zip(family.axes, good.values, strict=False))


def _differences(family: Family, one: Good, two: Good) -> Iterator[tuple[str, str]]:
    if len(one.values) != len(two.values):
        yield "", f"{' '.join(one.values)}≠{' '.join(two.values)}"
        return
    axes = (*family.axes, *("规格",) * len(one.values))
    for axis, mine, theirs in zip(axes, one.values, two.values, strict=False):
        if mine != theirs:
            yield axis, f"{mine}≠{theirs}"


def _family(number: int, file: str, lines: list[str]) -> Family:
    name, axes = lines[0].split("]")
    goods: list[tuple[tuple[str, ...], list[Listed]]] = []
    for line in lines[1:]:
        if line.startswith("= "):
            goods.append((tuple(v.strip() for v in line[2:].split("/")), []))
        elif line.strip():
            goods[-1][1].append(_listed(number, line))
    return Family(
        number,
        file,
        name.strip("["),
        tuple(axes.split()),
        tuple(Good(values, tuple(listings)) for values, listings in goods),
    )


def _listed(family: int, line: str) -> Listed:
    title, _, fields = line.rpartition(" | ")
    given = dict(field.split("=", 1) for field in fields.split())
    attributes = dict(a.split(":", 1) for a in given.get("a", "").split(";") if a)
    return Listed(
        title=title,
        brand=given.get("b"),
        gtin=_gtin(family, given.get("g")),
        mpn=given.get("m"),
        pack=int(given.get("p", "1")),
        unit=given.get("u"),
        attributes=attributes or None,
        price=Decimal(given["y"]),
    )


def _gtin(family: int, short: str | None) -> str | None:
    """`3` is the family's third article, `3c` the number of its case."""
    if short is None:
        return None
    digits = f"{'1' if short.endswith('c') else '0'}690{family:05d}{int(short.rstrip('c')):04d}"
    return digits + ean.calc_check_digit(digits)


def main() -> None:
    """Write pairs.tsv."""
    with PAIRS.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(COLUMNS)
        for pair in pairs(families()):
            label = "same" if pair.same else "different"
            writer.writerow((pair.half, label, *pair.names, pair.why))


if __name__ == "__main__":
    main()
