"""The facts of a routed plan in the words of JSON, so that it can be made again by other rules."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import TypeAdapter, ValidationError

from trade.routing.routing import Facts
from trade.routing.takes import Supply

_FACTS = TypeAdapter(Facts)
_UNSEEN = {
    "supplies": {
        "__all__": {
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
            "ruling",
        }
    }
}
"""What routing does not look at."""


def stored(facts: Facts) -> dict[str, Any]:
    """What routing looked at, without defaults and without what it does not look at."""
    kept = tuple(_kept(one, facts.region) for one in facts.supplies)
    lean = replace(facts, supplies=kept)
    found: dict[str, Any] = _FACTS.dump_python(
        lean, mode="json", exclude_defaults=True, exclude=_UNSEEN
    )
    return found


def read(plan: Mapping[str, Any]) -> Facts | None:
    """The facts of a decision record, with no rule applied; None where it holds none that can be
    read."""
    try:
        return _FACTS.validate_python(plan["facts"])
    except (KeyError, ValidationError):
        return None


def _kept(supply: Supply, region: str) -> Supply:
    """Of the regions that it is not delivered to only the one that was asked for."""
    if not supply.not_delivered_to:
        return supply
    beyond = any(region.startswith(prefix) for prefix in supply.not_delivered_to)
    return replace(supply, not_delivered_to=(region,) if beyond else ())
