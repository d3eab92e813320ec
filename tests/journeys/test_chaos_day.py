"""The chaos day: whatever happens, books, units and platforms agree in the end."""

import random
import subprocess
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from tests.journeys.chaos import ALI, JD, KINDS, Day
from tests.soak import Soak
from tests.stage import Stage
from trade.invariants import violations
from worker.workshop import Workshop

IN_FULL = 10_000
"""Orders of a whole day; on two cores, one costs about 40 ms of them."""
SAMPLE = 100
ROUNDS = {True: 40, False: 2}
EVENING = 12
"""Rounds in which everything must have been finished once nobody orders any more."""

OURS = """
    SELECT p.our_ref, p.state, l.external_id, l.quantity - l.cancelled AS units,
           l.unit_cost * (l.quantity - l.cancelled) * 100 AS fen
    FROM purchases p JOIN purchase_lines l ON l.purchase_id = p.id
    WHERE p.source = :source AND l.quantity > l.cancelled
"""
UNFINISHED = """
    SELECT (SELECT count(*) FROM purchases
            WHERE state NOT IN ('shipped', 'refused', 'cancelled'))
         + (SELECT count(*) FROM order_lines WHERE unrouted > 0 AND held_reason IS NULL)
"""

HAPPENED = {
    "refusals": "SELECT count(*) FROM purchases WHERE state = 'refused'",
    "cancellations": "SELECT count(*) FROM purchases WHERE state = 'cancelled'",
    "other sources": "SELECT count(*) FROM order_events WHERE kind = 'rerouted'",
    "rises paid": "SELECT count(*) FROM order_events WHERE kind = 'absorbed'",
    "claims at platforms": "SELECT count(*) FROM platform_claims WHERE claim_ref IS NOT NULL",
    "refunds": "SELECT count(*) FROM claims WHERE state = 'refunded'",
    "splits": "SELECT count(*) FROM purchases WHERE cardinality(external_refs) > 1",
}
"""A day on which one of these was missing was none."""


@pytest.mark.soak
def test_after_a_day_of_chaos_every_book_and_every_platform_agrees(
    bazaar: Workshop, stage: Stage, forge: "subprocess.Popen[str]", tmp_path: Path, soak: Soak
) -> None:
    dice = random.Random(soak.seed)  # noqa: S311 - the same dice in every run
    day = Day(bazaar, stage, forge, tmp_path, dice)
    rounds, many = ROUNDS[soak.whole], IN_FULL if soak.whole else SAMPLE
    for _ in range(rounds):
        day.orders(many // rounds + 1)
        day.trouble()
        day.work(lambda: (day.people(), day.platforms()), kill=True)
        day.time_passes()
    stage.calm()
    assert day.placed >= many * 3 // 4
    finish(day)
    agrees(day)
    assert day.topped_up > 0
    if soak.whole:
        missing = [name for name, query in HAPPENED.items() if day.rows(query)[0][0] == 0]
        assert not missing
        assert day.killed > 0


def finish(day: Day) -> None:
    """The evening: held lines are given up, all that is bought is shipped."""
    for turn in range(1, EVENING + 1):
        day.stage.post("clock", ahead=turn * 11)  # 1688 closes nothing that is younger
        day.work(
            lambda: (day.doors(all_of_it=True), day.platforms(all_of_it=True), day.gives_up()),
            kill=False,
        )
        day.time_passes()
        ((left,),) = day.rows(UNFINISHED)
        if left == 0 and not day.rows("SELECT 1 FROM orders WHERE held > 0"):
            return
    raise AssertionError(
        day.rows(
            "SELECT source, state, failure, count(*) FROM purchases GROUP BY 1, 2, 3 ORDER BY 1, 2"
        )
    )


def agrees(day: Day) -> None:
    """Our books hold, and every platform's truth equals them."""
    with day.shop.db.as_system() as session:
        assert violations(session) == []
        assert session.execute(text("SELECT min(amount) FROM balances")).scalar_one() >= 0
    jd = {
        one["our_ref"]: (Counter(one["lines"]), int(Decimal(one["amount"]) * 100))
        for one in _alive(day.stage.orders("jd"), "state")
    }
    ali = {
        one["our_ref"]: (Counter(one["lines"]), one["total"])
        for one in _alive(day.stage.orders("ali1688"), "status")
    }
    assert all(one["payments"] == 1 for one in _alive(day.stage.orders("ali1688"), "status"))
    for source, theirs in ((JD, jd), (ALI, ali)):
        ours = _ours(day, source)
        assert {ref: units for ref, (units, _) in ours.items()} == {
            ref: units for ref, (units, _) in theirs.items()
        }
        drifts = day.goods[0 if source == JD else KINDS].external_id
        for ref, (units, fen) in ours.items():
            asked = theirs[ref][1]
            assert asked == fen or (drifts in units and asked < fen), (source, ref, fen, asked)


def _alive(found: list[dict[str, Any]], state: str) -> list[dict[str, Any]]:
    """Orders that stand at a platform; no reference of ours has two of them. 1688 ends one that was
    paid and not sent when all of it is paid back."""
    alive = [one for one in found if one[state] not in ("cancelled", "cancel", "terminated")]
    refs = Counter(one["our_ref"] for one in alive)
    assert not [ref for ref, count in refs.items() if count > 1]
    return alive


def _ours(day: Day, source: str) -> dict[str, tuple[Counter[str], int]]:
    """Units by SKU and fen of every purchase that a source holds by our books."""
    units: dict[str, Counter[str]] = {}
    fen: Counter[str] = Counter()
    for row in day.rows(OURS, source=source):
        units.setdefault(row.our_ref, Counter())[row.external_id] += row.units
        fen[row.our_ref] += int(row.fen)
    return {ref: (some, fen[ref]) for ref, some in units.items()}
