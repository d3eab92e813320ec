"""Many orders at once: each is placed or refused by itself, as if they came one by one."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from kit.db import Database
from kit.errors import Problem
from trade import order_views, orders
from trade.desk import Desk
from trade.hearing import Hearing
from trade.orders import OrderRequest
from trade.orders_together import place_together

TOGETHER = 50
"""Orders accepted in one transaction at most."""

Result = tuple[dict[str, Any], bool] | Problem


def place_many(
    db: Database,
    desk: Desk,
    party_id: int,
    requests: Sequence[OrderRequest | Problem],
    now: datetime,
    hearing: Hearing | None = None,
) -> Sequence[Result]:
    """The view of each order and whether it is new, or the Problem that kept it out.

    A reference makes each order safe to repeat, so the whole batch is. A Problem among the
    requests stays where it stands. Orders that follow one another are accepted together as far as
    that comes to the same. Where only platforms can say what an order costs, `hearing` asks them.
    """
    results: list[Result] = []
    while len(results) < len(requests):
        request = requests[len(results)]
        if isinstance(request, Problem):
            results.append(request)
            continue
        run = _run(requests[len(results) :])
        found = _together(db, desk, party_id, run, now) if len(run) > 1 else []
        results += found or [_alone(db, desk, party_id, request, now, hearing)]
    return results


def _run(requests: Sequence[OrderRequest | Problem]) -> list[OrderRequest]:
    """The orders in front, up to the first that is none or has a reference of one before it."""
    run: dict[str, OrderRequest] = {}
    for one in requests[:TOGETHER]:
        if isinstance(one, Problem) or one.reference in run:
            break
        run[one.reference] = one
    return list(run.values())


def _together(
    db: Database, desk: Desk, party_id: int, run: Sequence[OrderRequest], now: datetime
) -> list[Result]:
    """What became of the orders in front of the first that must be placed alone."""
    try:
        with db.as_system() as session:
            outcomes = place_together(session, desk, party_id, run, now, in_turn=True)
            ready = outcomes[: outcomes.index(None)] if None in outcomes else outcomes
            placed = [one[0] for one in ready if one is not None and not isinstance(one, Problem)]
            views = order_views.by_ids(session, party_id, placed)
    except Problem:  # of one of them, which then says so alone
        return []
    return [
        (views[one[0]], one[1]) if isinstance(one, tuple) else one
        for one in ready
        if one is not None
    ]


def _alone(
    db: Database,
    desk: Desk,
    party_id: int,
    request: OrderRequest,
    now: datetime,
    hearing: Hearing | None,
) -> Result:
    def placed() -> Result:
        with db.as_system() as session:
            order_id, new = orders.place(session, desk, party_id, request, now)
            return order_views.by_id(session, party_id, order_id), new

    try:
        return placed() if hearing is None else hearing.placed(placed, lambda: request)
    except Problem as problem:
        return problem
