"""Prices as sellers write them, read into exact tax-inclusive CNY or refused with a reason."""

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise

from .text import Bad, number, plain

PLACES = Decimal("0.0001")
"""Unit prices keep four places; a longer formula result is rounded half up here, once."""
LARGEST = Decimal(10_000_000)
"""CNY a unit. Above it a slipped decimal point is likelier than a price."""

_WORDS = r"(?:人民币|RMB|CNY|元整|元|圆|块钱|块|[¥￥])"
_AROUND = re.compile(rf"^(?:{_WORDS}\s*)*(.*?)(?:\s*{_WORDS})*$", re.IGNORECASE)
"""Words for money stand before or behind the digits: 12块5 is not 125, ¥12.5¥10 is two prices."""
_FOREIGN = re.compile(
    r"USD|EUR|GBP|HKD|JPY|TWD|KRW|美元|美金|欧元|港币|港元|日元|英镑|台币|[$€£₩]", re.IGNORECASE
)
_NOT_YET = re.compile(r"面议|电询|询价|待定|另议|咨询|联系|暂无|待报")
_TAX = re.compile(r"[(\[【]?\s*(不含税|未税|未含税|含税|含增值税)\s*[)\]】]?")
_PER = re.compile(r"(?:/|每|一)\s*([^\d\s/]{1,4})$")
_RANGE = re.compile(r"\d\s*(?:[-~–—―至到]|\.\.)\s*[¥]?\s*\d")
_TEN_THOUSAND = re.compile(r"^([\d.,]+)\s*万$")


@dataclass(frozen=True)
class Price:
    """A unit price in CNY; `per` is the unit and `tax_included` the tax it states, if any."""

    amount: Decimal
    per: str | None = None
    tax_included: bool | None = None


def price(text: str) -> Price:
    """`￥12.80/件`, `１２.８元`, `1,280.00`, `12.80 CNY`, `12.8元(不含税)`. Raises Bad."""
    rest = plain(text)
    if _NOT_YET.search(rest):
        raise Bad(f"“{text}” is not a price; state an amount in CNY")
    if _FOREIGN.search(rest):
        raise Bad(f"“{text}” is not in CNY; state the price in yuan")
    tax_included = None
    if tax := _TAX.search(rest):
        tax_included = not tax.group(1).startswith(("不", "未"))
        rest = rest[: tax.start()] + rest[tax.end() :]
    if _RANGE.search(rest):
        raise Bad(
            f"“{text}” is a range; state one price, or quantity breaks such as 10:9.5;100:8.8"
        )
    per = None
    if unit := _PER.search(rest.strip()):
        per, rest = unit.group(1), rest.strip()[: unit.start()]
    digits = _AROUND.sub(r"\1", rest.strip())
    return Price(amount(digits, text), per, tax_included)


def amount(digits: str, text: str) -> Decimal:
    """The checked amount in `digits`; `text` is what the cell says, for reasons. Raises Bad."""
    thousands = _TEN_THOUSAND.match(digits.strip())
    value = number(thousands.group(1) if thousands else digits)
    if value is None:
        raise Bad(f"“{text}” is not a price; write it like 12.80")
    if thousands:
        value *= 10_000
    if value < 0:
        raise Bad(f"“{text}” is negative; a price is more than 0")
    exact = value.quantize(PLACES, rounding=ROUND_HALF_UP)
    if exact == 0:
        raise Bad(f"“{text}” is zero; leave the cell empty if there is no price")
    if exact > LARGEST:
        raise Bad(f"“{text}” is above {LARGEST:,} CNY a unit; check the decimal point")
    return exact


_BARE_QUANTITY = re.compile(r"^\s*[≥>]?=?\s*\d{1,3}(?:,\d{3})*$")
_BARE_THOUSANDS = re.compile(r"^\d{3}(?:\.\d+)?\s*(?:元.*)?$")
_COUNT = r"(\d[\d,]*)"
_UNITS = r"[^\d\s:=@,;.≥>¥]{0,3}"
_BREAKS = (
    re.compile(rf"^[≥>]?=?\s*{_COUNT}\s*{_UNITS}\s*(?:以上|起|\+)?\s*[:=@]\s*(.+)$"),
    re.compile(
        rf"^{_COUNT}\s*{_UNITS}\s*[-~至到]\s*(?:{_COUNT}|以上|∞)\s*{_UNITS}\s*[:=@]?\s*(.+)$"
    ),
    re.compile(rf"^[≥>]?=?\s*{_COUNT}\s*{_UNITS}\s*(?:以上|起|\+)\s*(.+)$"),
    re.compile(rf"^[≥>]=?\s*{_COUNT}\s*(?:{_UNITS}\s|[^\d\s:=@,;.≥>¥]{{1,3}})\s*(.+)$"),
)
_FROM = re.compile(r"满\s*(?=\d)")


def tiers(text: str) -> tuple[tuple[int, Decimal], ...]:
    """`10:9.5;100:8.8` or `10-99件 9.5元, ≥100件 8.8元`: rising quantities, falling prices.

    Raises Bad when a break cannot be read, repeats a quantity, or costs more a piece than a
    smaller one.
    """
    pieces = [piece for part in re.split(r"[;\n|、]", _folded(text)) for piece in _at_commas(part)]
    if not pieces:
        raise Bad(f"“{text}” has no quantity breaks; write them like 10:9.5;100:8.8")
    breaks = sorted(_break(piece.strip(), text) for piece in pieces)
    for (low, dear), (high, cheap) in pairwise(breaks):
        if low == high:
            raise Bad(f"“{text}” states two prices from {low} pieces on")
        if cheap > dear:
            raise Bad(f"“{text}”: {high} pieces cost more a piece than {low}")
    return tuple(breaks)


def _at_commas(part: str) -> list[str]:
    """Cut at the commas that part breaks, not at those within `1,000:9.5` or `10:1,280`."""
    pieces: list[str] = []
    for piece in part.split(","):
        if pieces and (_BARE_QUANTITY.match(pieces[-1]) or _BARE_THOUSANDS.match(piece)):
            pieces[-1] += f",{piece}"
        else:
            pieces.append(piece)
    return [piece for piece in pieces if piece.strip()]


def _folded(text: str) -> str:
    return "\n".join(_FROM.sub("≥", plain(line)) for line in text.splitlines())


def _break(piece: str, text: str) -> tuple[int, Decimal]:
    for form in _BREAKS:
        if found := form.match(piece):
            quantity = int(found.group(1).replace(",", ""))
            if not 1 <= quantity <= 10**9:
                raise Bad(f"“{text}”: a quantity break starts at 1 piece or more")
            return quantity, price(found.groups()[-1]).amount
    raise Bad(f"“{text}” is not a list of quantity breaks; write them like 10:9.5;100:8.8")


_RATE = re.compile(r"^(\d{1,2}(?:\.\d+)?)\s*(%|个?点)?$")


def tax_rate(text: str) -> Decimal:
    """`13%`, `0.13`, `13`, `含税13%`, `免税` as a share such as 0.13. Raises Bad."""
    rest = re.sub(r"增值税|税率|含税|税|专票|普票|:", "", plain(text).replace("免税", "0%")).strip()
    found = _RATE.match(rest)
    if not found:
        raise Bad(f"“{text}” is not a tax rate; write it like 13%")
    value = Decimal(found.group(1))
    share = value if value < 1 and not found.group(2) else value / 100
    if share > Decimal("0.17") or share != share.quantize(PLACES):
        raise Bad(f"“{text}” is not a Chinese VAT rate; write it like 13%")
    return share.quantize(PLACES)


def tax_included(text: str) -> bool:
    """`含税`, `不含税`, `是`, `否`. Raises Bad."""
    rest = plain(text).lower()
    if re.search(r"不含税|未税|未含税|net|excl", rest) or rest in {
        "否",
        "不含",
        "no",
        "n",
        "false",
        "0",
    }:
        return False
    if re.search(r"含税|incl|gross", rest) or rest in {"是", "含", "yes", "y", "true", "1"}:
        return True
    raise Bad(f"“{text}” does not say whether tax is included; write 含税 or 不含税")
