"""Fits what observations weigh to the labelled pairs: `python -m bench.weighing [--write]`.

A logistic regression, judged by leaving out one file of the labelled set after the other: what is
printed for a file was found without it. Every pair is seen in several ways: with the whole lexicon
and with half its lines taken out at random, as it is with goods that no list knows; as it is
listed, and without prices or GTINs. Files that are held out of the labelled set are held out here.
"""

import argparse
import math
import random
import re
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from catalog.matching import lexicon as words
from catalog.matching import text
from catalog.matching.facts import Listed, facts
from catalog.matching.support import support
from catalog.matching.verdict import doubtful
from catalog.matching.vetoes import vetoes
from catalog.matching.weights import FILE, Weights, weights
from tests.catalog.labelled_pairs import HELD_OUT, Family, brands, families, pairs

HALVES = (1, 2, 3, 4)
"""Seeds by which half of the lexicon is taken out."""

PRECISION = 0.984
"""Of joins in all the ways in which a pair is seen, most of them with half a lexicon. With the
whole one it is higher: see what is printed.
"""

_RIDGE = 3.0
"""Pull of every weight to zero, so that what was seen a few times weighs little."""

_STEPS = 12

_GIVEN = {
    "gtin_same": 1.0,
    "name_same": 0.5,
    "gtin_differs": -0.8,
    "price_near": 1.0,
    "price_apart": -2.0,
    "price_far": -2.5,
}
"""In our listings half the GTINs are wrong on purpose, and nobody asks much more than another for
one thing. So what these weigh is not left to the fit.
"""


class Seen(NamedTuple):
    """One pair in one way of seeing it."""

    file: str
    way: str
    same: bool
    amounts: tuple[tuple[str, float], ...]
    """Observation → how much of it; empty where a veto keeps the two apart."""
    open: bool
    """Whether weights decide: no veto, no doubt."""


@dataclass(frozen=True)
class Way:
    """A way of seeing pairs: with which lexicon, with prices and GTINs or without."""

    name: str
    half: int | None = None
    priced: bool = True
    numbered: bool = True

    def of(self, listing: Listed) -> Listed:
        """A listing so seen."""
        price = listing.price if self.priced else None
        return replace(listing, price=price, gtin=listing.gtin if self.numbered else None)


WAYS = (
    Way("whole"),
    Way("no price", priced=False),
    Way("no GTIN", numbered=False),
    *(Way("half", half=seed) for seed in HALVES),
)


def observe() -> list[Seen]:
    """All pairs of the files that are not held out, in every way."""
    read = [family for family in families() if not family.file.startswith(HELD_OUT)]
    found: list[Seen] = []
    for way in WAYS:
        with _lexicon(way.half):
            found += _seen(way, read)
    return found


def _seen(way: Way, read: list[Family]) -> Iterator[Seen]:
    known, kept = brands(read), {}
    for pair in pairs(read):
        for listing in (pair.left, pair.right):
            if id(listing) not in kept:
                kept[id(listing)] = facts(way.of(listing), known)
        left, right = kept[id(pair.left)], kept[id(pair.right)]
        if any(True for _ in vetoes(left, right)):
            yield Seen(pair.file, way.name, pair.same, (), open=False)
            continue
        evidence = tuple(support(left, right))
        amounts = tuple(sorted((one.code, one.amount) for one in evidence))
        yield Seen(pair.file, way.name, pair.same, amounts, open=not doubtful(evidence))


@contextmanager
def _lexicon(half: int | None) -> Iterator[None]:
    """The lexicon, or what is left of it with half its lines taken out."""
    whole = words.DATA
    with tempfile.TemporaryDirectory() as folder:
        if half is not None:
            for path in whole.iterdir():
                kept = _halved(path, half) if path.stem in ("kinds", "traits", "words") else None
                lines = path.read_text(encoding="utf-8") if kept is None else kept
                (Path(folder) / path.name).write_text(lines, encoding="utf-8")
            words.DATA = Path(folder)
        _forget()
        try:
            yield
        finally:
            words.DATA = whole
            _forget()


def _forget() -> None:
    words.lexicon.cache_clear()
    text.short.cache_clear()


_OPEN = re.compile(r'^(values|kinds) = """$')
_ALIAS = re.compile(r'^"(.+)" = "(.+)"')


def _halved(path: Path, seed: int) -> str:
    """A data file without half the lines that are a value, a kind or another name."""
    chance, inside, kept = random.Random(f"{seed} {path.name}"), False, []  # noqa: S311 - no secret
    for line in path.read_text(encoding="utf-8").split("\n"):
        alias = _ALIAS.match(line)
        if inside and line == '"""':
            inside = False
        elif (inside or (alias and alias[1] != alias[2])) and chance.random() < 0.5:
            continue
        inside = inside or bool(_OPEN.match(line))
        kept.append(line)
    return "\n".join(kept)


def fit(seen: Iterable[Seen]) -> tuple[dict[str, float], float]:
    """Weights and bias that make the labels likeliest, by Newton's method."""
    count = Counter((one.amounts, one.same) for one in seen if one.open)
    codes = sorted({code for amounts, _ in count for code, _ in amounts} - _GIVEN.keys())
    at = {code: n for n, code in enumerate(codes, 1)}
    rows = [
        (
            [(0, 1.0), *((at[code], amount) for code, amount in amounts if code in at)],
            sum(_GIVEN.get(code, 0.0) * amount for code, amount in amounts),
            same,
            n,
        )
        for (amounts, same), n in count.items()
    ]
    size = len(codes) + 1
    value = [0.0] * size
    for _ in range(_STEPS):
        slope = [-_RIDGE * v for v in value]
        slope[0] = 0.0
        bend = [[_RIDGE * (i == j > 0) + 1e-9 * (i == j) for j in range(size)] for i in range(size)]
        for row, given, same, n in rows:
            chance = _chance(given + sum(value[i] * x for i, x in row))
            off, curve = n * (same - chance), n * chance * (1 - chance)
            for i, x in row:
                slope[i] += off * x
                line = bend[i]
                for j, y in row:
                    line[j] += curve * x * y
        value = [v + step for v, step in zip(value, _solved(bend, slope), strict=True)]
    return _GIVEN | {code: value[n] for code, n in at.items()}, value[0]


def _chance(score: float) -> float:
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, score))))


def _solved(lines: list[list[float]], right: list[float]) -> list[float]:
    """x of lines · x = right, by elimination; `lines` is positive definite."""
    lines = [[*line, value] for line, value in zip(lines, right, strict=True)]
    for i, line in enumerate(lines):
        for other in lines[i + 1 :]:
            if part := other[i] / line[i]:
                for j in range(i, len(line)):
                    other[j] -= part * line[j]
    found = [0.0] * len(lines)
    for i in reversed(range(len(lines))):
        known = sum(lines[i][j] * found[j] for j in range(i + 1, len(lines)))
        found[i] = (lines[i][-1] - known) / lines[i][i]
    return found


def threshold(seen: Sequence[Seen], of: Mapping[str, float]) -> float:
    """The lowest score from which on joins are as right as they have to be."""
    scored = sorted(((_score(one, of), one.same) for one in seen if one.open), reverse=True)
    best, right = math.inf, 0
    for n, (score, same) in enumerate(scored, 1):
        right += same
        if right >= PRECISION * n:
            best = score
    return best


def _score(one: Seen, of: Mapping[str, float]) -> float:
    return sum(of.get(code, 0.0) * amount for code, amount in one.amounts)


def joined(
    seen: Iterable[Seen], of: Mapping[str, float], join: float
) -> Counter[tuple[bool, bool]]:
    """How many pairs there are, by (label, joined)."""
    return Counter((one.same, one.open and _score(one, of) >= join) for one in seen)


def figures(count: Counter[tuple[bool, bool]]) -> str:
    right, wrong = count[True, True], count[False, True]
    precision = right / max(right + wrong, 1)
    return f"{precision:.4f} / {right / max(right + count[True, False], 1):.4f} ({wrong:3} wrong)"


def run(*, write: bool) -> None:
    """Print precision / recall of each file by weights that were fitted without it."""
    seen = observe()
    old = weights()
    total: dict[tuple[str, str], Counter[tuple[bool, bool]]] = defaultdict(Counter)
    print("file      the weights there are              fitted without the file   (whole lexicon)")
    for file in sorted({one.file for one in seen}):
        others = [one for one in seen if one.file != file]
        of, _ = fit(others)
        join = threshold(others, of)
        for way in dict.fromkeys(way.name for way in WAYS):
            here = [one for one in seen if one.file == file and one.way == way]
            total[way, "old"] += joined(here, old.of, old.join)
            total[way, "new"] += joined(here, of, join)
            if way == "whole":
                both = figures(joined(here, old.of, old.join)), figures(joined(here, of, join))
                print(f"{file:8}  {both[0]}       {both[1]}")
    for way in dict.fromkeys(way.name for way in WAYS):
        print(f"{way:8}  {figures(total[way, 'old'])}       {figures(total[way, 'new'])}")
    if write:
        of, bias = fit(seen)
        _write(old, of, bias, threshold(seen, of))


_ASKED = 0.25
"""How likely a pair is one thing at least where a person is asked."""


def _write(old: Weights, of: Mapping[str, float], bias: float, join: float) -> None:
    """Put the fitted weights into their file, in the order in which they stand there."""
    review = min(math.log(_ASKED / (1 - _ASKED)) - bias, join)
    lines = FILE.read_text(encoding="utf-8").split("\n[", 1)[0].split("\n")
    head = [line for line in lines if line.startswith("#")]
    found = {code: of.get(code, 0.0) for code in old.of}
    FILE.write_text(
        "\n".join(
            [
                *head,
                "",
                "[decisions]",
                f"join = {join:.2f}",
                f"review = {review:.2f}",
                f"margin = {old.margin}",
                "",
                "[weights]",
                *(f"{code} = {weight:.2f}" for code, weight in found.items()),
                "",
            ]
        ),
        encoding="utf-8",
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.weighing", description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the weights into their file")
    run(write=parser.parse_args().write)
