"""Long runs: a seeded sample in `make test`, all of it in `make soak`, which goes on where it was.

`pytest --soak` remembers what has passed under its seed. An interrupted or failing run, started
again without a seed, takes the same seed and leaves out what has passed; once all has passed, the
next one begins anew with another seed.
"""

import random
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest

SAMPLE_SEED = 20260301
"""What `make test` looks at is the same every time; --seed shows another sample."""

STATE = "huopan/soak"
T = TypeVar("T")


@dataclass(frozen=True)
class Soak:
    """How thoroughly to look: everything, or a sample drawn from `seed`."""

    whole: bool
    seed: int

    def sample(self, items: Sequence[T], count: int, about: object = "") -> list[T]:
        """All of `items`, or `count` of them, in their order."""
        if self.whole or count >= len(items):
            return list(items)
        dice = random.Random(f"{self.seed}{about}")  # noqa: S311 - the same sample every time
        return [items[at] for at in sorted(dice.sample(range(len(items)), count))]


def add_options(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="long tests in full, resumable by seed")
    parser.addoption(
        "--minutes", type=float, default=None, help="begin no further long test after so many"
    )
    parser.addoption("--seed", type=int, default=None, help="the seed of samples and chaos")


def begin(config: pytest.Config) -> Soak:
    """What this run is; a soak that did not end goes on with its seed."""
    given = config.getoption("--seed")
    if not config.getoption("--soak"):
        return Soak(whole=False, seed=SAMPLE_SEED if given is None else given)
    left = _state(config)
    seed = given if given is not None else left["seed"] or secrets.randbelow(10**6)
    if seed != left["seed"]:
        _keep(config, seed, [])
    return Soak(whole=True, seed=seed)


def leave_out_passed(config: pytest.Config, items: list[pytest.Item], soak: Soak) -> None:
    """Of a soak's tests, keep those that have not passed under this seed. Feeds come before lives
    and days: a slice holds many short ones, and the long ones are left to the next."""
    if not soak.whole:
        return
    items.reverse()
    passed = set(_state(config)["passed"])
    gone = [item for item in items if item.nodeid in passed]
    if gone and len(gone) < len(items):
        config.hook.pytest_deselected(items=gone)
        items[:] = [item for item in items if item.nodeid not in passed]


def leave_for_later(config: pytest.Config, began: float) -> None:
    """Once the minutes of a slice are over, the tests that are left wait for the next one."""
    minutes = config.getoption("--minutes")
    if minutes is not None and time.monotonic() - began > minutes * 60:
        pytest.skip(f"the slice of {minutes:g} minutes is over; the next soak goes on here")


class Notes:
    """A plugin of the process that hears of every test: what passed need not run again under this
    seed. Processes that run tests for it keep none: they would write over each other's."""

    def __init__(self, config: pytest.Config, soak: Soak) -> None:
        self._config = config
        self._soak = soak

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and report.passed:
            passed = _state(self._config)["passed"]
            _keep(self._config, self._soak.seed, [*passed, report.nodeid])


def end(config: pytest.Config, soak: Soak, status: int) -> None:
    """A soak in which all passed leaves nothing to go on with; a slice keeps its place."""
    sliced = config.getoption("--minutes") is not None
    done = status == pytest.ExitCode.OK and not sliced
    if soak.whole and done and not hasattr(config, "workerinput"):
        _keep(config, None, [])


def _state(config: pytest.Config) -> dict[str, Any]:
    assert config.cache
    return dict(config.cache.get(STATE, {"seed": None, "passed": []}))


def _keep(config: pytest.Config, seed: int | None, passed: list[str]) -> None:
    assert config.cache
    config.cache.set(STATE, {"seed": seed, "passed": passed})
