"""The crash matrix: whatever process is killed at whatever boundary, everything ends as it should.

Undisturbed lives of each kind tell the boundaries of its steps. Then lives are led in which
every step's process is killed at its n-th boundary, for every n, with faults at the platforms and
Redis emptied at every other kill. At the end nothing is lost, doubled or unfinished.
"""

import random
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.far_servers import Post
from tests.journeys.lives import LIVES, MONEY, Step, Town
from tests.soak import Soak
from tests.stage import Stage
from trade import invariants
from worker.workshop import Workshop

SHARES = 4
MODES = ("lost", "html_after", "empty_after", "drop", "html", "status")
"""What goes wrong at a platform: after it did what was asked, or before."""
LEAST = {"jd": 320, "ali": 320, "cancelled": 240, "dearer": 320, "door": 240, "mailed": 240}
"""Kills in a whole run, over a thousand in all; what a step crosses differs a little each time."""
FIRST = 30
"""A sample draws from so many boundaries; nearly every step has as many."""


@pytest.fixture(params=range(SHARES))
def share(request: pytest.FixtureRequest, soak: Soak) -> int:
    """A part of the boundaries; a sample is drawn in the first one."""
    if request.param and not soak.whole:
        pytest.skip("the other shares are for the soak")
    return int(request.param)


@pytest.fixture
def town(
    bazaar: Workshop, stage: Stage, forge: "subprocess.Popen[str]", tmp_path: Path, post: Post
) -> Town:
    return Town(bazaar, stage, forge, tmp_path, post)


def undisturbed(town: Town, kind: str) -> dict[str, list[str]]:
    """A life in which nobody dies: the boundaries of each step."""
    crossed = {}
    for step in LIVES[kind](town):
        assert town.worker(step.given) == 0, step.name
        crossed[step.name] = town.crossed()
        assert step.done(), f"{step.name}: {town.looks()}"
    return crossed


def disturbed(town: Town, kind: str, at: Callable[[Step], int | None], dice: random.Random) -> int:
    """A life in which every step's process dies where `at` says; returns how many did."""
    kills = 0
    for step in LIVES[kind](town):
        die_at = at(step)
        if step.given["deed"] == "queues":
            town.due()
        if die_at is None:
            assert town.worker(step.given) == 0, step.name
            if not step.done():
                town.goes_on(step)
            continue
        for platform in ("jd", "ali1688"):
            mode, skip = dice.choice(MODES), dice.randrange(4)
            if dice.random() < 0.5:
                town.stage.fault(platform, mode, skip=skip)
        town.post.mood = dice.choice(("take", "drop", "later"))
        ended = town.worker(step.given, die_at)
        town.post.mood = "take"
        assert ended in (-signal.SIGKILL, 0), step.name
        kills += ended == -signal.SIGKILL  # one that crossed less this time had nothing to die of
        if die_at % 2:
            town.shop.redis.flushdb()
        town.goes_on(step)
        town.stage.calm()
    return kills


def ends_well(town: Town) -> None:
    """Books balanced, and nothing held any more."""
    with town.shop.db.as_system() as session:
        assert invariants.violations(session) == []
        held = session.execute(text("SELECT count(*) FROM orders WHERE held <> 0")).scalar_one()
        assert held == 0
    assert town.market.balance(f"held:{town.leader}") == 0


WHOLE_ONLY = {"dearer"}
"""Lives that take steps of others, and are not sampled beside them."""


@pytest.mark.soak
@pytest.mark.parametrize("kind", sorted(LIVES))
def test_whoever_is_killed_wherever_nothing_is_lost_doubled_or_left_over(
    share: int, town: Town, soak: Soak, kind: str
) -> None:
    if not soak.whole:
        if kind in WHOLE_ONLY:
            pytest.skip("its steps are sampled in other lives")
        _sampled(town, soak, kind)
        return
    undisturbed(town, kind)  # the first processes also fetch tokens and tidy queues
    left = _wallet(town)
    crossed = undisturbed(town, kind)
    costs = left - _wallet(town)
    lives, kills = 2, 0
    for n in range(1 + share, 1 + max(map(len, crossed.values())), SHARES):

        def at(step: Step, n: int = n) -> int | None:
            return n if n <= len(crossed[step.name]) else None

        kills += disturbed(town, kind, at, _dice(soak, kind, n))
        lives += 1
    ends_well(town)
    assert _wallet(town) == MONEY - lives * costs  # whoever died, a life costs what it costs
    assert kills >= LEAST[kind] // SHARES


def _sampled(town: Town, soak: Soak, kind: str) -> None:
    """One life, each of its processes killed somewhere in its first boundaries."""
    dice = _dice(soak, kind)
    assert disturbed(town, kind, lambda _: dice.randint(1, FIRST), dice) > 1
    ends_well(town)


def _wallet(town: Town) -> int:
    return town.market.balance(f"wallet:{town.leader}")


def _dice(soak: Soak, *about: object) -> random.Random:
    return random.Random(f"{soak.seed}{about}")  # noqa: S311 - the same in every run
