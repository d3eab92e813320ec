"""The facts of a routed plan in the words of JSON, so that it can be made again by other rules."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError

from catalog.stock import Level
from trade.routing.routing import Facts
from trade.routing.takes import Supply, Word

_FACTS = TypeAdapter(Facts)
_UNSEEN = frozenset(
    {
        "title",
        "spec",
        "min_retail",
        "max_retail",
        "priced_at",
        "ships_within_hours",
        "cutoff",
        "presale_ship_by",
        "supplier_id",
        "reserved_in",
        "renewed",
        "ruling",
    }
)
"""What routing does not look at."""
_SEEN = {field.name: field.default for field in fields(Supply) if field.name not in _UNSEEN}


def stored(facts: Facts) -> dict[str, Any]:
    """What routing looked at, without defaults and without what it does not look at."""
    return {
        "demands": [vars(demand) for demand in facts.demands],
        "supplies": [_kept(supply, facts.region) for supply in facts.supplies],
        "region": facts.region,
        "now": facts.now.isoformat(),
    }


def read(plan: Mapping[str, Any]) -> Facts | None:
    """The facts of a decision record, with no rule applied; None where it holds none that can be
    read."""
    try:
        return _FACTS.validate_python(plan["facts"])
    except (KeyError, ValidationError):
        return None


def _kept(supply: Supply, region: str) -> dict[str, Any]:
    """Of the regions that it is not delivered to only the one that was asked for."""
    had = vars(supply)
    kept = {name: had[name] for name, default in _SEEN.items() if had[name] != default}
    if supply.not_delivered_to:
        beyond = any(region.startswith(prefix) for prefix in supply.not_delivered_to)
        kept["not_delivered_to"] = [region] if beyond else []
    for name in _WORDED.keys() & kept.keys():
        kept[name] = kept[name] and _WORDED[name](kept[name])
    return kept


def _level(level: Level) -> dict[str, Any]:
    return vars(level) | {"as_of": level.as_of.isoformat()}


def _word(word: Word) -> dict[str, Any]:
    return vars(word) | {"at": word.at.isoformat()}


_WORDED: dict[str, Callable[[Any], Any]] = {
    "cost": str,
    "price_until": datetime.isoformat,
    "stock": _level,
    "word": _word,
}
"""What JSON has no form for."""
