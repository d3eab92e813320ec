"""What observations weigh, as data that `python -m bench.weighing` fits and writes. Pure."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILE = Path(__file__).parent / "data" / "weights.toml"


@dataclass(frozen=True)
class Weights:
    """The weight of one of each observation, and what sums of them mean."""

    join: float
    """From here on two offers are joined without a person."""
    review: float
    """From here on a person is asked; so is one where two have a GTIN in common."""
    margin: float
    """By how much the best SKU must beat the next one to be joined without a person."""
    of: Mapping[str, float]


@cache
def weights() -> Weights:
    """The weights from their file, read once a process."""
    read = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return Weights(**read["decisions"], of=read["weights"])
