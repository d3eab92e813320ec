"""Money: amounts are integer fen, unit prices are Decimal CNY with at most four places.

Rounding happens in this module and nowhere else. No float ever touches money.
"""

from collections.abc import Sequence
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal

FEN = Decimal("0.01")
_FINEST = Decimal("0.0001")
"""Of a unit price."""


def line_amount(price: Decimal, quantity: int) -> int:
    """The amount in fen for `quantity` 件 at a unit `price` in CNY, rounded half up, once."""
    return int((price * quantity * 100).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def marked_up(price: Decimal, percent: Decimal) -> Decimal:
    """`price` with `percent` on top, as a unit price of at most four places, rounded half up."""
    return (price * (100 + percent) / 100).quantize(_FINEST, rounding=ROUND_HALF_UP)


def ending_in(price: Decimal, ending: Decimal) -> Decimal:
    """The lowest price from `price` on that ends in `ending`: 12.30 becomes 12.90 with 0.9.

    `ending` is at least 0 and below 1.
    """
    whole = price.to_integral_value(rounding=ROUND_FLOOR) + ending
    return whole if whole >= price else whole + 1


def portion(amount: int, done: int, more: int, whole: int) -> int:
    """The fen of `amount` that fall on units `done+1 … done+more` of `whole` units.

    Portions of the same whole, taken one after another, add up to `amount` exactly.
    """
    return amount * (done + more) // whole - amount * done // whole


def split(amount: int, weights: Sequence[int]) -> list[int]:
    """`amount` fen shared in proportion to `weights` by the largest remainder.

    Every fen is conserved; on equal remainders the earlier share gets the fen. Negative amounts
    split like their opposite. Raises ValueError for a negative weight or when all are zero.
    """
    if any(weight < 0 for weight in weights) or not any(weights):
        raise ValueError("weights must be non-negative and not all zero")
    if amount < 0:
        return [-share for share in split(-amount, weights)]
    whole = sum(weights)
    shares = [amount * weight // whole for weight in weights]
    remainders = [amount * weight % whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: -remainders[i])
    for i in by_remainder[: amount - sum(shares)]:
        shares[i] += 1
    return shares


def yuan(fen: int) -> str:
    """`1280` fen → `"12.80"`, the form of every CNY amount in JSON and on screens."""
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def price_text(price: Decimal) -> str:
    """A unit price with at least two and at most four places: `9.5` → `"9.50"`, `0.1234`."""
    exact = price.quantize(_FINEST)
    short = exact.quantize(FEN)
    return str(short) if short == exact else f"{exact:f}".rstrip("0")


def fen(text: str | Decimal) -> int:
    """`"12.80"` CNY → 1280 fen. Raises ValueError when it is not a whole number of fen."""
    try:
        value = Decimal(text)
    except ArithmeticError as error:
        raise ValueError(f"{text!r} is not an amount in CNY, such as 12.80") from error
    if not value.is_finite() or value != value.quantize(FEN):
        raise ValueError(f"{text!r} is not a whole number of fen")
    return int(value * 100)
