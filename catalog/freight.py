"""What one parcel's delivery costs, from the rules that its offers state. Pure.

Lines under the same rule are counted together, different rules in one parcel are added up. Unknown
freight is None and never 0: an unknown rule, a template that nobody wrote, or goods without a
weight. The rules are those of `connectors.feed.freight`, and one more of templates:
{"kind":"amount","first_fen":10000,"first":"8.00","next_fen":5000,"next":"2.00","free_from":null}.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from kit.money import fen

_fen = lru_cache(maxsize=4096)(fen)
"""Routing weighs the same few fees again and again."""


class Piece(NamedTuple):
    """Some units in a parcel: their rule as the connectors write it, and what they weigh."""

    rule: Mapping[str, Any] | None
    units: int
    weight_g: int | None
    goods: int
    """Fen of these units at the source's price."""


def parcel_freight(pieces: Iterable[Piece]) -> int | None:
    """Fen for all pieces in one parcel, or None when it cannot be known."""
    rest = list(pieces)
    goods = sum([piece.goods for piece in rest])
    total = 0
    while rest:
        rule = rest[0].rule
        fee = _fee(rule, [piece for piece in rest if piece.rule == rule], goods)
        if fee is None:
            return None
        total += fee
        rest = [piece for piece in rest if piece.rule != rule]
    return total


def _fee(rule: Mapping[str, Any] | None, pieces: list[Piece], goods: int) -> int | None:
    if rule is None:
        return None
    free_from = rule.get("free_from")
    if rule["kind"] == "free" or (free_from is not None and goods >= _fen(free_from)):
        return 0
    match rule["kind"]:
        case "flat":
            return _fen(rule["fee"])
        case "piece":
            return _steps(rule, "n", sum(piece.units for piece in pieces))
        case "weight":
            grams = [piece.weight_g and piece.weight_g * piece.units for piece in pieces]
            return _steps(rule, "g", sum(g or 0 for g in grams)) if all(grams) else None
        case "amount" if "first_fen" in rule:
            return _steps(rule, "fen", sum(piece.goods for piece in pieces))
        case _:  # "template" and "amount" below its limit: the supplier has not said
            return None


def _steps(rule: Mapping[str, Any], unit: str, size: int) -> int:
    """首重/续重: so much for the first step, so much for every further one begun."""
    further = max(size - int(rule[f"first_{unit}"]), 0)
    steps = -(-further // int(rule[f"next_{unit}"]))
    return _fen(rule["first"]) + steps * _fen(rule["next"])
