"""Many orders at once: each is placed in a transaction of its own, or refused on its own."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from kit.db import Database
from kit.errors import Problem
from trade import order_views, orders
from trade.desk import Desk
from trade.orders import OrderRequest


def place_many(
    db: Database,
    desk: Desk,
    party_id: int,
    requests: Iterable[OrderRequest | Problem],
    now: datetime,
) -> Sequence[tuple[dict[str, Any], bool] | Problem]:
    """The view of each order and whether it is new, or the Problem that kept it out.

    A reference makes each order safe to repeat, so the whole batch is. A Problem among the
    requests stays where it stands.
    """
    results: list[tuple[dict[str, Any], bool] | Problem] = []
    for request in requests:
        if isinstance(request, Problem):
            results.append(request)
            continue
        try:
            with db.as_system() as session:
                order_id, new = orders.place(session, desk, party_id, request, now)
                results.append((order_views.by_id(session, party_id, order_id), new))
        except Problem as problem:
            results.append(problem)
    return results
