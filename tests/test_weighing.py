"""Fitting what observations weigh: pure, on pairs made up here."""

import re
from pathlib import Path

from bench.weighing import Seen, _halved, fit, joined, threshold
from catalog.matching import lexicon, support
from catalog.matching.weights import weights


def _seen(label: str, times: int, **amounts: float) -> list[Seen]:
    return [Seen("a", "whole", label == "same", tuple(sorted(amounts.items())), open=True)] * times


PAIRS = [
    *_seen("same", 40, title=0.6, size=1.0),
    *_seen("same", 10, size=1.0),
    *_seen("different", 30, title=-0.4, size=1.0),
    *_seen("different", 10, title=-0.4),
]


def test_what_speaks_for_one_thing_weighs_more_than_nothing() -> None:
    of, _ = fit(PAIRS)
    assert of["title"] > 1
    assert of["size"] > 0


def test_the_threshold_lets_in_what_is_right_often_enough_and_no_more() -> None:
    of, _ = fit(PAIRS)
    assert joined(PAIRS, of, threshold(PAIRS, of)) == {
        (True, True): 50,
        (False, False): 40,
    }


def test_every_observation_has_a_weight() -> None:
    source = Path(support.__file__).read_text(encoding="utf-8")
    named = set(re.findall(r'_seen\("(\w+)"', source))
    assert len(named) > 30
    assert named <= weights().of.keys()


def test_a_lexicon_halved_is_still_one() -> None:
    for name in ("kinds", "traits", "words"):
        path = lexicon.DATA / f"{name}.toml"
        whole, half = path.read_text(encoding="utf-8"), _halved(path, 1)
        assert half.count('"""') == whole.count('"""')
        assert 0.4 < len(half.split("\n")) / len(whole.split("\n")) < 0.95
