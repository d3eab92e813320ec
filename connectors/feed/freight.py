"""What delivery costs, as sellers write it, as one canonical JSON object of strings and numbers.

{"kind":"free"}
{"kind":"flat","fee":"8.00","free_from":"99.00"|null}           one fee an order
{"kind":"weight","first_g":1000,"first":"8.00","next_g":1000,"next":"2.00","free_from":null}
{"kind":"piece","first_n":1,"first":"8.00","next_n":1,"next":"2.00","free_from":null}
{"kind":"amount","fee":null,"free_from":"99.00"}                free above; below it is unknown
{"kind":"template","name":"江浙沪包邮"}                           the supplier's named template

Amounts are CNY. `free_from` counts the goods' amount of one parcel. Null is unknown, never 0.
"""

import re
from decimal import Decimal

import orjson

from kit.money import FEN

from .text import Bad, number, plain

_FREE = re.compile(r"^(全国)?(包邮|免运费|免邮|免邮费|免费配送|free( shipping)?)$", re.IGNORECASE)
_FREE_FROM = re.compile(r"满\s*([\d.,]+)\s*元?\s*(?:包邮|免运费|免邮费|免邮)")
_MONEY = r"[¥]?\s*(\d+(?:\.\d+)?)\s*(?:元|块)?"
_SIZE = r"(\d+(?:\.\d+)?)?\s*(kg|公斤|千克|g|克|斤|件|个|盒)"
_STEPS = re.compile(
    rf"^首重?\s*{_SIZE}\s*[:/]?\s*{_MONEY}\s*[,;+/、]?\s*(?:续重?|每增加?|每加)\s*{_SIZE}\s*[:/]?\s*{_MONEY}$",
    re.IGNORECASE,
)
_FLAT = re.compile(rf"^(?:运费|邮费|快递费?)?\s*[:]?\s*{_MONEY}\s*(?:/\s*(?:单|票|件起))?$")
_GRAMS = {"kg": 1000, "公斤": 1000, "千克": 1000, "g": 1, "克": 1, "斤": 500}
_LARGEST = Decimal(10_000)


def freight(text: str) -> str:
    """`包邮`, `8`, `首1kg8续1kg2`, `8元,满99包邮` or a template's name, as JSON. Raises Bad."""
    rest = plain(text)
    free_from = None
    if found := _FREE_FROM.search(rest):
        free_from = _fee(found.group(1), text)
        rest = (rest[: found.start()] + rest[found.end() :]).strip(" ,;、+()")
    if _FREE.match(rest):
        return _json({"kind": "free"})
    if not rest:
        return _json({"kind": "amount", "fee": None, "free_from": free_from})
    if steps := _STEPS.match(rest):
        return _json(_by_steps(steps, text) | {"free_from": free_from})
    if flat := _FLAT.match(rest):
        fee = _fee(flat.group(1), text)
        if Decimal(fee) == 0:
            return _json({"kind": "free"})
        return _json({"kind": "flat", "fee": fee, "free_from": free_from})
    return _json(_template(rest, text))


def _by_steps(steps: re.Match[str], text: str) -> dict[str, object]:
    first_size, first_unit, first, next_size, next_unit, further = steps.groups()
    by_weight = first_unit.lower() in _GRAMS
    if by_weight != (next_unit.lower() in _GRAMS):
        raise Bad(f"“{text}” mixes weight and pieces; write it like 首1kg8续1kg2")
    kind, suffix = ("weight", "g") if by_weight else ("piece", "n")
    return {
        "kind": kind,
        f"first_{suffix}": _size(first_size, first_unit, text),
        "first": _fee(first, text),
        f"next_{suffix}": _size(next_size, next_unit, text),
        "next": _fee(further, text),
    }


def _size(size: str | None, unit: str, text: str) -> int:
    value = Decimal(size or 1) * _GRAMS.get(unit.lower(), 1)
    if value != value.to_integral_value() or not 1 <= value <= 10**9:
        raise Bad(f"“{text}” has a step of {value}; write it like 首1kg8续1kg2")
    return int(value)


def _fee(digits: str, text: str) -> str:
    value = number(digits)
    if value is None or value < 0 or value > _LARGEST or value != value.quantize(FEN):
        raise Bad(f"“{text}” is not freight; write 包邮, 8, 首1kg8续1kg2 or a template's name")
    return str(value.quantize(FEN))


def _template(rest: str, text: str) -> dict[str, object]:
    if len(rest) > 60 or not re.search(r"[^\W\d_]", rest) or re.search(r"^首|续", rest):
        raise Bad(f"“{text}” is not freight; write 包邮, 8, 首1kg8续1kg2 or a template's name")
    return {"kind": "template", "name": rest}


def _json(value: dict[str, object]) -> str:
    return orjson.dumps(value).decode()
