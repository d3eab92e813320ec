"""The plan of help-selling (帮卖): who pays and earns what, and how many may earn. Pure.

Version 2026-1. The helper collects the retail price from her own customer. Her wallet pays the
retail price less her commission, which is so many millionths of the goods at retail, without
freight, rounded half up for each line; and the quoted freight. Out of that come supplier, freight
and house as if the sharer had bought; what is left of it is the sharer's earning. It is frozen
until the goods have been delivered and can no longer come back, then payable, and clawed back in
proportion to what is refunded. Nothing is earned by joining, by fees, or by the number of people,
and at most two earn on a unit: the helper and the sharer.
"""

from collections.abc import Sequence
from decimal import Decimal

from kit.errors import Problem
from kit.money import line_amount

PLAN = "2026-1"
"""The version in force; every share, earning and payout cites the one that it was made under."""

MILLION = 1_000_000
EARNERS = 2


def commission(retail: Decimal, ppm: int, quantity: int) -> int:
    """The fen that the helper keeps of a line."""
    return line_amount(Decimal(line_amount(retail, quantity) * ppm) / MILLION / 100, 1)


def helper_pays(retail: Decimal, ppm: int, quantity: int) -> int:
    """The fen that the helper's wallet pays for the goods of a line."""
    return line_amount(retail, quantity) - commission(retail, ppm, quantity)


def accrued(earning: int, shipped: int, quantity: int) -> int:
    """The fen of a line's earning that fall on its shipped units; all of it for all of them."""
    return earning * shipped // quantity


def clawed(accrued_so_far: int, refunded: int, captured: int) -> int:
    """The fen that go back for `refunded` of the `captured` fen; all of it for all of them."""
    return accrued_so_far * refunded // captured if captured else 0


def check_path(earners: Sequence[str]) -> None:
    """`earners` by name, from the one who shared first. Raises Problem 409 `third_earner`."""
    if len(earners) > EARNERS:
        raise Problem(
            409,
            "third_earner",
            f"at most two may earn on a unit, and this path has {len(earners)}:"
            f" {' → '.join(earners)}; join the first one's own share",
        )
