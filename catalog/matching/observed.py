"""One observation about a pair of offers, and what several kinds of them look at. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from catalog.matching.facts import Facts


@dataclass(frozen=True)
class Evidence:
    """One observation: `code` for programs, `words` for people, `weight` for or against."""

    code: str
    weight: float
    words: str
    amount: float = 1.0
    """How much of it there is; the weight is so many times that of one."""


def veto(code: str, words: str) -> Evidence:
    return Evidence(code, -10.0, f"different {words}" if not words.startswith("only") else words)


def listed(values: Iterable[str]) -> str:
    return ", ".join(sorted(values))


def amounts(values: Iterable[Decimal]) -> str:
    return ", ".join(f"{value:f}" for value in sorted(values))


NONE: frozenset[str] = frozenset()


NOTHING: frozenset[Decimal] = frozenset()


def telling(models: set[str]) -> bool:
    """Whether a model number is long enough to mean one thing."""
    return max(map(len, models), default=0) >= 4


def shared_models(left: Facts, right: Facts) -> set[str]:
    """Model numbers that both state; `JJ-E7` is `E7`, but `V8-F` is not `V8`."""
    return {
        min((mine[0], theirs[0]), key=len)
        for mine in left.models
        for theirs in right.models
        if mine[0] in theirs or theirs[0] in mine
    }


def has_model(model: tuple[str, ...], other: Facts) -> bool:
    return any(model[0] in theirs or theirs[0] in model for theirs in other.models)


def model_names(one: Facts) -> str:
    return listed(model[0] for model in one.models)


def apart(values: frozenset[str], other: Facts) -> bool:
    """Whether some of the values are nowhere in the other's text either."""
    return any(value not in other.text for value in values)


STYLE = "style"
"""The trait whose values no list knows: 小鹿款 and 小象款 are two, 卡通款 may be either."""


def unexplained(one: Facts, other: Facts) -> frozenset[str]:
    """Numbers of `one` that are nowhere in `other`."""
    return one.sizes.numbers - other.sizes.explained()


def shade(ours: frozenset[str], others: frozenset[str]) -> bool:
    """Whether one colour may be a shade of the other: 墨绿 and 绿."""
    return any(
        mine != theirs
        and any(long.endswith(short) for long, short in ((mine, theirs), (theirs, mine)))
        for mine in ours
        for theirs in others
    )


NEAR = 1.3
"""How many times as much one may cost where prices are near."""

FAR = 2.2
"""How many times as much makes a person look."""


def prices_near(left: Facts, right: Facts) -> bool:
    return (ratio := price_ratio(left, right)) is not None and ratio <= NEAR


def price_ratio(left: Facts, right: Facts) -> float | None:
    if not left.price or not right.price:
        return None
    return float(max(left.price, right.price) / min(left.price, right.price))
