"""Stock, identifiers, dates, weights and the like as sellers write them. Pure; raises Bad."""

import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from stdnum import ean

from kit.clock import SHANGHAI

from .text import Bad, number, plain, whole

_EXPONENT = re.compile(r"^[+-]?\d+(\.\d+)?[eE][+-]?\d+$")
_FORMULA_TEXT = re.compile(r'^="([^"]*)"$')


def identifier(text: str) -> str:
    """An id as written: `0007` stays `0007`; Excel's `="0007"` and `'0007` lose their quotes."""
    found = _FORMULA_TEXT.match(text.strip())
    rest = (found.group(1) if found else text).strip().removeprefix("'")
    if not rest:
        raise Bad("the cell is empty; every row needs its own code")
    if _EXPONENT.match(plain(rest)):
        raise Bad(f"“{rest}” has lost digits to scientific notation; format the column as text")
    if rest.startswith("#") and rest.endswith(("!", "?", "/A")):
        raise Bad(f"“{rest}” is a formula error, not a code")
    if len(rest) > 200:
        raise Bad("the code is longer than 200 characters")
    return rest


def gtin(text: str) -> str | None:
    """`6901234567892` as GTIN-14; None for a shop's own code. Raises Bad when digits are lost."""
    rest = plain(identifier(text)).replace(" ", "").replace("-", "")
    rest = rest.removesuffix(".0")
    if not rest.isascii() or not rest.isdigit() or len(rest) not in (8, 12, 13, 14):
        return None
    return rest.zfill(14) if ean.is_valid(rest) and not _in_store(rest.zfill(14)) else None


def _in_store(gtin14: str) -> bool:
    """Numbers that every shop may use for itself (prefix 2, 02, 04) identify nothing outside."""
    return gtin14[1] == "2" or gtin14[1:3] in ("02", "04") or int(gtin14) == 0


_PLENTY = re.compile(
    r"充足|不[缺断]货|有货|现货|有库存|大量|很多|不限|正常|预售|可订"
    r"|in[ _]?stock|available|preorder"
    r"|^[有是√✓✔∞]$|^y(es)?$"
)
_NONE = re.compile(
    r"无货|(?<!不)缺货|售罄|(?<!不)断货|没货|没有|无库存|停产|停售|下架|待补货|补货中|断码"
    r"|out[ _]?of[ _]?stock|sold[ _]?out"
    r"|backorder|unavailable|^[无否缺×✗✘]$|^no?$"
)
_SCARCE = re.compile(r"紧张|少量|不足|告急|偏低|low")
_AT_LEAST = re.compile(
    r"^(?:[≥>]=?|大于|超过|不少于|约)\s*\d[\d,]*\D{0,3}$|^\d[\d,]*\s*\D{0,2}(?:\+|以上|多|余|左右)\s*\D{0,2}$"
)
_EXACT = re.compile(
    r"^(仅?剩余?|还有|库存)?\s*[::]?\s*([+-]?[\d,]+(?:\.\d+)?)\s*[^\d\s+≥>.,\-以内下不近约左右多余上起]{0,3}$"
)


def stock(text: str) -> tuple[str | None, int | None]:
    """(state, quantity): `120` is exact; `库存充足`, `99+`, `≥100` are in stock without a number.

    `-1` says nothing; a deeper negative (oversold) is out. Raises Bad.
    """
    rest = plain(text).lower()
    if _AT_LEAST.match(rest):
        return "in_stock", None
    if exact := _EXACT.match(rest):
        value = number(exact.group(2))
        if value == -1:
            return None, None
        if value is not None and value < 0:
            return "out", None
        quantity = whole(exact.group(2), "a stock")
        few = exact.group(1) is not None and exact.group(1).startswith(("仅", "剩", "还"))
        return ("out" if quantity == 0 else "low" if few else "in_stock"), quantity
    for words, state in ((_NONE, "out"), (_SCARCE, "low"), (_PLENTY, "in_stock")):
        if words.search(rest):
            return state, None
    raise Bad(f"“{text}” is not a stock; write a whole number, 有货 or 无货")


def quantity(text: str) -> int:
    """A number of pieces ≥ 1, such as `10件起` or `1,000`. Raises Bad."""
    rest = re.sub(
        r"^[≥>]=?\s*|\s*[^\d\s.,:×x*]{0,3}(?:起批|起订|起|/[^\d]{1,2})?$", "", plain(text)
    )
    value = whole(rest, "a quantity")
    if not 1 <= value <= 10**9:
        raise Bad(f"“{text}” is not a quantity of 1 or more")
    return value


def pack(text: str) -> int:
    """Pieces in a selling unit: `12`, `12件/箱`, `1*24`, `24瓶装`. Raises Bad."""
    rest = re.sub(r"[^\d.,×x*]+.*$", "", plain(text).lower())
    value = whole(re.sub(r"^1[×x*]", "", rest), "a pack size")
    if not 1 <= value <= 1_000_000:
        raise Bad(f"“{text}” is not a pack size of 1 or more")
    return value


_WEIGHT = re.compile(
    r"^(?:约|净重|毛重)?\s*([\d.,]+)\s*(kg|公斤|千克|g|克|斤|t|吨|mg)?(?:/\D+)?$", re.IGNORECASE
)
_GRAMS = {
    unit: Decimal(grams)
    for grams, units in (("1000", "kg 公斤 千克"), ("1", "g 克"), ("500", "斤"), ("1e6", "t 吨"))
    for unit in units.split()
} | {"mg": Decimal("0.001")}


def weight(text: str, unit: str = "kg") -> int:
    """Grams, rounded up: `0.5kg`, `500克`; a bare number counts in `unit`. Raises Bad."""
    found = _WEIGHT.match(plain(text))
    value = number(found.group(1)) if found else None
    if found is None or value is None:
        raise Bad(f"“{text}” is not a weight; write it like 0.5kg or 500g")
    grams = value * _GRAMS[(found.group(2) or unit).lower()]
    if not 0 < grams <= 10**9:
        raise Bad(f"“{text}” is not a weight between 0 and 1,000 t")
    return -int(-grams // 1)


_SPAN = re.compile(
    r"^(\d{1,3})\s*(小时|时|h|hours?|天|日|d|days?|个?工作日|周)?\D{0,6}$", re.IGNORECASE
)


def hours(text: str) -> int:
    """`48小时内`, `3天`, `当天发货` in hours; a bare number counts hours. Raises Bad."""
    rest = plain(text)
    if re.search(r"当天|当日|即时", rest):
        return 24
    if re.search(r"次日|隔天", rest):
        return 48
    found = _SPAN.match(re.sub(r"^(?:付款后|下单后|拍下后|\d+\s*[-~至]\s*(?=\d))", "", rest))
    if not found:
        raise Bad(f"“{text}” is not a time to ship; write it like 48小时 or 3天")
    unit = (found.group(2) or "h").lower()
    value = int(found.group(1)) * (168 if unit == "周" else 24 if unit[0] in "天日d个工" else 1)
    if not 1 <= value <= 24 * 365:
        raise Bad(f"“{text}” is not a time to ship between an hour and a year")
    return value


_FULL = re.compile(r"^(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*[日号]?")
_SHORT = re.compile(r"^(\d{1,2})\s*[月/]\s*(\d{1,2})\s*[日号]?")
_COMPACT = re.compile(r"^(20\d{2})(\d{2})(\d{2})$")
_CLOCK = re.compile(r"^[ T]*(\d{1,2})[::点](\d{1,2})?(?:[::分](\d{1,2}))?")
_AFTER = re.compile(
    r"^\s*(起|开始|生效|前|止|截止|后|以后|之后|以前|执行|\.\d+|Z|\+\d\d:?\d\d)*\s*$"
)


def moment(text: str, today: date, *, end: bool = False) -> datetime:
    """An instant in Asia/Shanghai: `2026-12-01`, `12月1日起`, `20261201`, Excel's `46357`.

    A date without year is the one nearest to `today`; without a time it is its first moment, or
    with `end` the first moment after it. Raises Bad.
    """
    rest = re.sub(r"^(自|从|于|即日|截至|截止|至|到)\s*", "", plain(text))
    if found := re.fullmatch(r"(\d{5})(\.\d+)?", rest):
        return _serial(Decimal(rest), end=end, text=text)
    if found := _FULL.match(rest) or _COMPACT.match(rest):
        day = _day(*(int(part) for part in found.groups()), text=text)
    elif found := _SHORT.match(rest):
        day = _nearest(int(found.group(1)), int(found.group(2)), today, text)
    else:
        raise Bad(f"“{text}” is not a date; write it like 2026-12-01")
    after = rest[found.end() :]
    clock = _CLOCK.match(after)
    after = after[clock.end() :] if clock else after
    if not _AFTER.match(after) or "Z" in after or re.search(r"\+\d", after):
        raise Bad(f"“{text}” is not a date of Beijing time; write it like 2026-12-01")
    if clock is None:
        return _midnight(day, end=end)
    try:
        hour, minute, second = (int(part or 0) for part in clock.groups())
        return datetime.combine(day, time(hour, minute, second), SHANGHAI)
    except ValueError as error:
        raise Bad(f"“{text}” has no such time of day") from error


def day(text: str, today: date) -> date:
    """A calendar date, as `moment` reads it. Raises Bad."""
    return moment(text, today).date()


def _midnight(on: date, *, end: bool) -> datetime:
    return datetime.combine(on + timedelta(days=1 if end else 0), time(), SHANGHAI)


def _serial(value: Decimal, *, end: bool, text: str) -> datetime:
    if not 36526 <= value < 73051:
        raise Bad(f"“{text}” is not a date; write it like 2026-12-01")
    on = date(1899, 12, 30) + timedelta(days=int(value))
    seconds = int((value % 1 * 86400).to_integral_value())
    if not seconds:
        return _midnight(on, end=end)
    return _midnight(on, end=False) + timedelta(seconds=seconds)


def _day(year: int, month: int, of_month: int, *, text: str) -> date:
    if not 2000 <= year < 2100:
        raise Bad(f"“{text}” is not a date of this century")
    try:
        return date(year, month, of_month)
    except ValueError as error:
        raise Bad(f"“{text}” is not a date of the calendar") from error


def _nearest(month: int, of_month: int, today: date, text: str) -> date:
    near = []
    for year in (today.year - 1, today.year, today.year + 1):
        try:
            near.append(date(year, month, of_month))
        except ValueError:
            continue
    if not near:
        raise Bad(f"“{text}” is not a date of the calendar")
    return min(near, key=lambda on: abs(on - today))
