"""The price lists that an index was written for, and what other ones make it write again. Pure.

Rules come and go while an index lives, also while nobody writes it: so it keeps what its documents
were made by, as plain JSON, and is compared with what counts now.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from catalog.matching import tree
from catalog.rule_changes import MOST_NAMED, differing
from catalog.shelf import Reader, SourcePolicy

Goods = tuple[str | None, str | None, str | None]
"""Source, brand (what its word stands for) and category (with all below it); None names all."""

EVERYTHING: Goods = (None, None, None)


def said(readers: Sequence[Reader]) -> dict[str, Any]:
    """What the documents for these readers, one a price list, are made by."""
    return {reader.prices.id: _list(reader) for reader in readers}


def affected(before: dict[str, Any], after: dict[str, Any]) -> list[Goods] | None:
    """The goods whose documents differ between two states; None: they are for other lists."""
    if before.keys() != after.keys():
        return None
    goods: dict[Goods, None] = {}
    for one, now in after.items():
        goods |= dict.fromkeys(_differs(before[one], now))
    return merged(goods)


def merged(goods: Sequence[Goods] | dict[Goods, None]) -> list[Goods]:
    """The same, said as shortly as is worth it."""
    named = list(dict.fromkeys(goods))
    return [EVERYTHING] if EVERYTHING in named or len(named) > MOST_NAMED else named


def _list(reader: Reader) -> dict[str, Any]:
    prices = reader.prices
    return {
        "base": [f"{prices.markup_percent.normalize():f}", prices.serves, _policy(reader.ordinary)],
        "rules": [
            [
                rule.source,
                rule.brand_of or rule.brand,
                _theirs(rule.category),
                repr(replace(rule, id=0)),
            ]
            for rule in prices.rules
        ],
        "policies": {code: _policy(policy) for code, policy in reader.policies.items()},
    }


def _theirs(category: str | None) -> str | None:
    """A category as sources word it; one of ours may be worded in any way."""
    return None if category is None or tree.meant(category) else category


def _policy(policy: SourcePolicy) -> str:
    return repr((policy.unknown_stock, sorted(policy.serves), policy.refusal_risk))


def _differs(before: dict[str, Any], after: dict[str, Any]) -> list[Goods]:
    if before["base"] != after["base"]:
        return [EVERYTHING]
    rules = differing(*([tuple(rule) for rule in one["rules"]] for one in (before, after)))
    codes = before["policies"].items() ^ after["policies"].items()
    return [(rule[0], rule[1], rule[2]) for rule in rules] + [
        (code, None, None) for code in sorted({code for code, _ in codes})
    ]
