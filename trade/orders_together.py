"""Many orders of one party accepted in one transaction, by the same checks and rows as one.

What they share is read once: references, offers with their stock locked, prices, corridors, the
wallet. Locks are taken as a single order takes them: references, stock, balances. Each order sees
what those before it took. It runs in system scope.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from catalog.matching.redirects import current
from kit.errors import Problem
from kit.ids import inside
from kit.statements import merged, send
from trade import accepting, books, buying, estimating, hearing, ledger, planning, retail_prices
from trade.accepting import Accepted, OrderRequest
from trade.desk import Desk
from trade.estimating import Estimates
from trade.planning import Resolved

Outcome = tuple[int, bool] | Problem | None
"""As `orders.place` returns or raises; None: this one must be placed on its own."""

_TAKEN = """
    SELECT reference, id, content_hash FROM orders
    WHERE party_id = %(party)s AND reference = ANY(%(references)s)
"""
_LOCK = """
    SELECT pg_advisory_xact_lock(hashtextextended(reference, %(party)s))
    FROM unnest(%(references)s::text[]) AS reference
"""


def place_together(
    session: Session,
    desk: Desk,
    party_id: int,
    requests: Sequence[OrderRequest],
    now: datetime,
    *,
    in_turn: bool = False,
) -> list[Outcome]:
    """Accept the orders, each on its own, with what became of it; references must differ.

    What names goods by code, rests on a quote or a share or on what platforms say when they are
    asked, or is limited by what was ordered before is left to `orders.place`. With `in_turn`
    nothing behind the first such order is accepted: it is to be placed after that one.
    """
    outcomes: list[Outcome] = [None] * len(requests)
    plain = {at: one for at, one in enumerate(requests) if _plain(one)}
    before = _placed_before(session, desk, party_id, plain)
    outcomes = [before.get(at) for at in range(len(requests))]
    lines = _resolved(session, {at: x for at, x in plain.items() if at not in before})
    if in_turn:
        known = lines.keys() | before.keys()
        first = next((at for at in range(len(requests)) if at not in known), len(requests))
        lines = {at: some for at, some in lines.items() if at < first}
    skus = {line.sku_id for some in lines.values() for line in some}
    shelf = estimating.estimates(session, desk, party_id, skus, now, lock=True)
    left = ledger.kept(session, party_id)
    accepted: dict[int, Accepted] = {}
    for at, some in lines.items():
        try:
            found = _accepted(shelf, party_id, plain[at], some, now)
        except Problem as problem:
            found = None  # what its platforms said for it counts only where it is placed alone
            if not hearing.wanted(desk, problem):
                outcomes[at] = problem
                continue
        if found is None and in_turn:
            break
        if found is None:
            continue
        if found.draft.total > left:
            outcomes[at] = ledger.short(left, found.draft.total)
            continue
        left -= found.draft.total
        shelf.take(found.draft, plain[at].ship_to.region)
        accepted[at] = found
    for at, order_id in _written(session, desk, accepted, now).items():
        outcomes[at] = (order_id, True)
    return outcomes


def _plain(request: OrderRequest) -> bool:
    named = all(line.sku is not None and line.code is None for line in request.lines)
    return named and request.quote is None and request.share is None


def _placed_before(
    session: Session, desk: Desk, party_id: int, requests: Mapping[int, OrderRequest]
) -> dict[int, Outcome]:
    """Orders that are malformed, or whose reference is taken: by the same order, or another."""
    references = sorted(one.reference for one in requests.values())
    asked = {"references": references, "party": party_id}
    _, rows = send(session, (_LOCK, asked), (_TAKEN, asked))
    taken = {row.reference: row for row in rows}
    found: dict[int, Outcome] = {}
    for at, one in requests.items():
        try:
            accepting.check(one)
        except Problem as problem:
            found[at] = problem
            continue
        if row := taken.get(one.reference):
            same = accepting.same(desk.keyring, party_id, one, bytes(row.content_hash))
            found[at] = (row.id, False) if same else accepting.reference_conflict(one.reference)
    return found


def _resolved(
    session: Session, requests: Mapping[int, OrderRequest]
) -> dict[int, tuple[Resolved, ...]]:
    """The lines of each order that can be read without asking; the others are left to `place`."""
    named: dict[int, list[int]] = {}
    for at, one in requests.items():
        try:
            named[at] = [inside("sku", line.sku or "") for line in one.lines]
        except Problem:
            continue
    now = current(session, [sku for skus in named.values() for sku in skus])
    found = {}
    for at, skus in named.items():
        lines = requests[at].lines
        fits = len({now[sku] for sku in skus}) == len(lines) <= planning.MOST_LINES
        if lines and fits and all(0 < x.quantity <= planning.MOST_UNITS for x in lines):
            found[at] = tuple(
                Resolved(index, now[sku], None, line.quantity, line.retail_price, sku)
                for index, (sku, line) in enumerate(zip(skus, lines, strict=True))
            )
    return found


def _accepted(
    shelf: Estimates,
    party_id: int,
    request: OrderRequest,
    lines: Sequence[Resolved],
    now: datetime,
) -> Accepted | None:
    """The order as it can be bought now; None where earlier orders count. Raises Problem."""
    region = request.ship_to.region
    draft = shelf.draft(lines, region)
    if shelf.counted(draft, region):
        return None
    if draft.unsellable:
        raise accepting.not_orderable(draft)
    accepting.check_price(draft, request, None)
    retail = retail_prices.checked(draft, region, now)
    return Accepted(party_id, request, draft, retail)


def _written(
    session: Session, desk: Desk, accepted: Mapping[int, Accepted], now: datetime
) -> dict[int, int]:
    """Write all of them, and hold their money."""
    if not accepted:
        return {}
    needs = {at: one.needs() for at, one in accepted.items()}
    tables = list(next(iter(needs.values())))
    drawn = buying.new_ids(session, **{t: sum(n[t] for n in needs.values()) for t in tables})
    stacks = {table: iter(ids) for table, ids in drawn.items()}
    orders, writes = {}, []
    for at, one in accepted.items():
        ids = {table: [next(stacks[table]) for _ in range(needs[at][table])] for table in tables}
        orders[at], queries = one.write(desk, ids, now)
        writes += queries
    ledger.post(session, [books.holding(order) for order in orders.values()], merged(writes))
    return {at: order.id for at, order in orders.items()}
