"""How well pairs are judged on the labelled set: joins without a person, and what must never be."""

import csv
import re
from collections import Counter

import pytest

from catalog.matching.facts import facts
from catalog.matching.verdict import Verdict, compare
from tests.catalog.labelled_pairs import COLUMNS, PAIRS, Pair, brands, families, pairs

pytestmark = pytest.mark.xdist_group("labelled")  # all of them are judged once, for seconds

AMOUNTS = re.compile(
    "[罐盒杯瓶包袋听支卷片条只枚粒双节件册个桶把本张根套副颗块碗提色贴枝份对]数|颜色数|数量|容量|净?含量"
    "|[克单净]重|重量|克数|规格|坛瓶|长度|存储|显存|升数"
)
"""Axes in which two goods differ by how much they hold."""


@pytest.fixture(scope="module")
def judged() -> list[tuple[Pair, Verdict]]:
    read = families()
    known = brands(read)
    seen = {}
    for pair in pairs(read):
        for listing in (pair.left, pair.right):
            if id(listing) not in seen:
                seen[id(listing)] = facts(listing, known)
    return [(p, compare(seen[id(p.left)], seen[id(p.right)])) for p in pairs(read)]


def figures(judged: list[tuple[Pair, Verdict]], half: str | None = None) -> tuple[float, float]:
    """(precision, recall) of joins without a person."""
    count = Counter(
        (pair.same, verdict.decision) for pair, verdict in judged if half in (None, pair.half)
    )
    joined = count[True, "join"]
    same = sum(n for (label, _), n in count.items() if label)
    return joined / (joined + count[False, "join"]), joined / same


def test_the_set_is_large_and_mostly_hard_negatives(judged: list[tuple[Pair, Verdict]]) -> None:
    assert len(judged) >= 2_000
    assert sum(not pair.same for pair, _ in judged) >= len(judged) / 2


def test_the_pairs_file_is_what_the_listings_give() -> None:
    with PAIRS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, delimiter="\t"))
    made = [[p.half, "same" if p.same else "different", *p.names, p.why] for p in pairs(families())]
    assert rows == [list(COLUMNS), *made]


def test_joins_without_a_person_are_right(judged: list[tuple[Pair, Verdict]]) -> None:
    precision, recall = figures(judged, "development")
    assert precision >= 0.995
    assert recall >= 0.9


def test_joins_of_goods_never_seen_before_are_right(judged: list[tuple[Pair, Verdict]]) -> None:
    precision, recall = figures(judged, "held-out")
    assert precision >= 0.985
    assert recall >= 0.76


def test_joins_of_the_whole_set_reach_the_aim(judged: list[tuple[Pair, Verdict]]) -> None:
    precision, recall = figures(judged)
    assert precision >= 0.99
    assert recall >= 0.85


def test_no_two_amounts_are_ever_joined(judged: list[tuple[Pair, Verdict]]) -> None:
    wrong = [
        (pair.names, pair.why)
        for pair, verdict in judged
        if verdict.decision == "join" and not pair.same and any(map(AMOUNTS.fullmatch, pair.axes))
    ]
    assert wrong == []
