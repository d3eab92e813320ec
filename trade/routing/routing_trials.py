"""What other rules of routing would have done to past orders, by the facts of their time.

Each order's first decision is made again; what was bought later, after a refusal, is not. Amounts
are fen at the sources' prices, goods and freight.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog.matching import wordings
from catalog.matching.wordings import Called
from kit.money import fen, line_amount
from trade.routing import routing, routing_facts, routing_rules
from trade.routing.routing_rules import Rule, Rulebook


@dataclass(frozen=True)
class Trial:
    """One order: where it was bought and would be, at what landed cost.

    `then` is None where `unsellable` (line → code) says what could not have been bought.
    """

    order_id: int
    at: datetime
    sources: tuple[str, ...]
    sources_then: tuple[str, ...]
    landed: int
    then: int | None
    unsellable: Mapping[int, str]
    changed: bool
    """Whether anything would be bought of another offer."""


@dataclass(frozen=True)
class Replay:
    """Every order that was looked at: tried again, or not `replayable` and why not, by reason."""

    trials: tuple[Trial, ...]
    not_replayable: Mapping[str, int]


_FIRST = text("""
    SELECT o.id, d.plan, d.at FROM orders o
    LEFT JOIN LATERAL (
        SELECT plan, at FROM order_plans WHERE order_id = o.id ORDER BY id LIMIT 1) d ON true
    WHERE o.created_at >= :since AND o.created_at < :until ORDER BY o.id DESC LIMIT :limit
""")


def replay(
    session: Session, rules: Sequence[Rule], since: datetime, until: datetime, limit: int
) -> Replay:
    """Route the latest orders of [since, until) again under `rules`. System scope.

    Raises Problem 422 for rules that cannot be meant.
    """
    routing_rules.check(rules)
    book = Rulebook(0, tuple(routing_rules.meant(session, rules)))
    trials = []
    reasons: dict[str, int] = {}
    called: dict[str, Called] = {}
    for row in session.execute(_FIRST, {"since": since, "until": until, "limit": limit}):
        found = _trial(session, row, book, called)
        if isinstance(found, str):
            reasons[found] = reasons.get(found, 0) + 1
        else:
            trials.append(found)
    return Replay(tuple(trials), reasons)


def _trial(session: Session, row: Any, book: Rulebook, called: dict[str, Called]) -> Trial | str:
    """The order tried again, or why it cannot be. `called` grows by the brands that it names."""
    if row.plan is None:
        return "no_decision"
    if "facts" not in row.plan:
        return "facts_not_recorded"
    facts = routing_facts.read(row.plan)
    if facts is None:
        return "facts_not_readable"
    new = {one.brand for one in facts.supplies if one.brand} - called.keys()
    called |= wordings.meant(session, new)
    branded = [
        replace(one, brand=called[one.brand].brand) if one.brand else one for one in facts.supplies
    ]
    supplies = routing_rules.applied(book, branded, facts.region, facts.now)
    plan = routing.route(facts.demands, supplies, facts.region, facts.now)
    bought = row.plan["purchases"]
    whole = not plan.unsellable
    return Trial(
        row.id,
        row.at,
        tuple(sorted({one["source"] for one in bought})),
        tuple(sorted({one.source for one in plan.purchases})),
        sum(_landed(one) for one in bought),
        sum(one.landed for one in plan.purchases) if whole else None,
        plan.unsellable,
        sorted(_takes(bought))
        != sorted((t.key, t.supply.offer_id, t.units) for p in plan.purchases for t in p.takes),
    )


def _landed(purchase: Mapping[str, Any]) -> int:
    return fen(purchase["freight"]) + sum(
        line_amount(Decimal(take["unit_cost"]), take["quantity"]) for take in purchase["takes"]
    )


def _takes(bought: Sequence[Mapping[str, Any]]) -> Iterator[tuple[int, int, int]]:
    for purchase in bought:
        for take in purchase["takes"]:
            yield take["line"], take["offer"], take["quantity"]
