"""What keeps goods from being ordered, wherever they go: told with what a leader has picked.

It is what `GET /v1/skus/{id}/sellable` says without a region, for many SKUs in one look.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from catalog import bundles, selling, shelf
from catalog.bundles import Part
from catalog.corridors import PricePolicy
from catalog.deals import Deal
from catalog.selling import Facts, Reason
from catalog.shelf import Display, Reader
from kit.statements import Query
from trade.routing import routing_rules
from trade.routing.routing_rules import Rule, Rulebook

RULED_OUT = "it is not bought at the moment; try again later, or choose another SKU"

_STOPPED = """
    SELECT source, paused_at IS NOT NULL AS paused,
           coalesce(qualified_until <= clock_timestamp(), false) AS lapsed
    FROM source_states WHERE paused_at IS NOT NULL OR qualified_until <= clock_timestamp()
"""

QUESTIONS: tuple[Query, Query] = ((_STOPPED, ()), routing_rules.QUESTION)
"""What `answered` needs to know, to be asked along with other things."""


@dataclass(frozen=True)
class Obstacles:
    """What stands against offers beyond themselves: facts about sources, and kill switches."""

    facts: Facts
    switches: tuple[Rule, ...]
    book: Rulebook

    def against(
        self,
        deals: Sequence[Deal],
        parts: Sequence[Part],
        shown: Display,
        reader: Reader,
        now: datetime,
    ) -> list[Reason]:
        """Why the least that can be ordered of a SKU, by the piece, is not to be had. Pure."""
        least = -(-shown.moq // shown.multiple) * shown.multiple
        if sold_by := bundles.made_of(deals, parts):
            for part in sold_by:
                if why := self._of_one(part.by_piece, part.units * least, reader, now):
                    return [replace(one, message=f"a part of it: {one.message}") for one in why]
            return []
        return self._of_one(deals, least, reader, now)

    def _of_one(
        self, deals: Sequence[Deal], quantity: int, reader: Reader, now: datetime
    ) -> list[Reason]:
        stopped = [deal for deal in deals if self._stops(deal)]
        left = [deal for deal in deals if not self._stops(deal)]
        if stopped and not shelf.visible(left, reader, now) and shelf.visible(deals, reader, now):
            freed = (self.book.freed(deal, "", now) for deal in stopped)
            until = min((moment for moment in freed if moment), default=None)
            return [Reason("ruled_out", RULED_OUT, until)]
        return selling.reasons(left, reader, now, "", quantity, self.facts)

    def _stops(self, deal: Deal) -> bool:
        return any(rule.when.fits(deal, "") for rule in self.switches)


def answered(
    answers: Sequence[Sequence[Any]],
    asks: frozenset[str],
    policies: Iterable[PricePolicy],
    now: datetime,
) -> Obstacles:
    """The obstacles, by the answers to `QUESTIONS`; `asks` are sources that are asked live."""
    stopped, rules = answers
    facts = Facts(
        paused=frozenset(row.source for row in stopped if row.paused),
        lapsed=frozenset(row.source for row in stopped if row.lapsed),
        asks=asks,
        policies=tuple(policies),
    )
    book = routing_rules.answered(rules)
    stops = tuple(rule for rule in book.in_force(now) if rule.then == "never")
    return Obstacles(facts, stops, book)
