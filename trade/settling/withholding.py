"""What tax is withheld from earnings that are paid out, by stated and versioned rules. Pure.

`labour-2018-61`: labour-service income of natural persons, by 国家税务总局公告2018年第61号
《个人所得税扣缴申报管理办法（试行）》, article 8. The income of one month counts as one. Up to
4,000.00 it is reduced by 800.00, above by 20 %; the rest is taxed 20 % up to 20,000.00, 30 % less
2,000.00 up to 50,000.00, and 40 % less 7,000.00 above.

`platform-2025-16`: the same income where the payer is an internet platform, by
国家税务总局公告2025年第16号 (from 2025-10-01): cumulative over the year, income less 20 % costs and
less 5,000.00 for each month of the unbroken run of months with income, by the yearly table of 3 %
to 45 %. Other deductions, which only the person knows of, count as 0.

`invoiced`: individual businesses (个体工商户) and companies declare their income themselves and
give an invoice: nothing is withheld. VAT is withheld from nobody.

What was withheld before in the same month or year is subtracted, so that several payouts cost what
one would. Money that a party had paid in itself is given back untaxed. All amounts are fen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

KINDS = ("person", "individual_business", "company")
"""Who is paid: a natural person, 个体工商户, or a company."""

INVOICED = "invoiced"
MONTHLY = "labour-2018-61"
CUMULATIVE = "platform-2025-16"
PERSON_RULES = (MONTHLY, CUMULATIVE)

_LITTLE, _LESS = 400_000, 80_000
_COSTS = Decimal("0.2")
_A_MONTH = 500_000
_Table = Sequence[tuple[int | None, int, int]]
_BY_MONTH: _Table = ((2_000_000, 20, 0), (5_000_000, 30, 200_000), (None, 40, 700_000))
_BY_YEAR: _Table = (
    (3_600_000, 3, 0),
    (14_400_000, 10, 252_000),
    (30_000_000, 20, 1_692_000),
    (42_000_000, 25, 3_192_000),
    (66_000_000, 30, 5_292_000),
    (96_000_000, 35, 8_592_000),
    (None, 45, 18_192_000),
)
"""Up to so many fen of what is taxed: the percentage, and the fen to subtract."""


@dataclass(frozen=True)
class Month:
    """What a person was paid in one month of the year so far, and what was withheld from it."""

    month: int
    income: int
    withheld: int


@dataclass(frozen=True)
class Withheld:
    """The tax in fen, by which rule, and the figures that it follows from."""

    tax: int
    rule: str
    income: int
    """Income of the same span so far, with this payment."""
    taxed: int
    before: int
    """What had been withheld from it before."""


def withhold(kind: str, person_rule: str, paid: int, month: int, year: Sequence[Month]) -> Withheld:
    """The tax on `paid` fen of earnings in `month` (1 to 12), after what the `year` has seen.

    Raises ValueError for a rule that is none.
    """
    if kind != "person":
        return Withheld(0, INVOICED, paid, 0, 0)
    if person_rule == MONTHLY:
        same = [one for one in year if one.month == month]
        income = paid + sum(one.income for one in same)
        taxed = income - _LESS if income <= _LITTLE else income - _share(income, _COSTS)
        table = _BY_MONTH
    elif person_rule == CUMULATIVE:
        same = list(year)
        income = paid + sum(one.income for one in same)
        months = _run({one.month for one in year if one.income > 0} | {month}, month)
        taxed = income - _share(income, _COSTS) - months * _A_MONTH
        table = _BY_YEAR
    else:
        raise ValueError(f"there is no rule {person_rule!r}; choose one of {PERSON_RULES}")
    taxed = max(taxed, 0)
    before = sum(one.withheld for one in same)
    due = max(_by(table, taxed) - before, 0)
    return Withheld(min(due, paid), person_rule, income, taxed, before)


def _by(table: _Table, taxed: int) -> int:
    for upto, percent, less in table:
        if upto is None or taxed <= upto:
            return _share(taxed, Decimal(percent) / 100) - less
    raise AssertionError("the last row of a table has no end")


def _run(months: set[int], last: int) -> int:
    """How many months in a row, up to `last`, are among `months`."""
    first = last
    while first - 1 in months:
        first -= 1
    return last - first + 1


def _share(amount: int, part: Decimal) -> int:
    """A part of an amount, rounded half up to the fen."""
    return int((amount * part).quantize(Decimal(1), rounding=ROUND_HALF_UP))
