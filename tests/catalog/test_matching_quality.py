"""How well pairs are judged on the labelled set: joins without a person, and what must never be."""

import csv
from collections import Counter

import pytest

from catalog.matching.facts import facts
from catalog.matching.verdict import Verdict, compare
from tests.catalog.labelled_pairs import COLUMNS, PAIRS, Pair, brands, families, pairs

AMOUNTS = (
    *(
        "罐数",
        "盒数",
        "杯数",
        "瓶数",
        "包数",
        "袋数",
        "听数",
        "支数",
        "卷数",
        "片数",
        "条数",
        "只数",
    ),
    *(
        "枚数",
        "粒数",
        "双数",
        "节数",
        "件数",
        "册数",
        "个数",
        "桶数",
        "把数",
        "本数",
        "数量",
        "容量",
    ),
    *("净含量", "重量", "净重", "规格", "克重", "坛瓶", "颗数"),
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
    assert precision >= 0.99
    assert recall >= 0.82


def test_no_two_amounts_are_ever_joined(judged: list[tuple[Pair, Verdict]]) -> None:
    wrong = [
        (pair.names, pair.why)
        for pair, verdict in judged
        if verdict.decision == "join"
        and not pair.same
        and any(f"{axis}" in pair.why for axis in AMOUNTS)
    ]
    assert wrong == []
