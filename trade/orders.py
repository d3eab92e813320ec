"""Accepting an order.

`place` is one transaction: the reference is taken, the lines are routed over the offers, stated
stock is reserved, the money is held, and order and purchases are written. An order that cannot be
bought whole is refused with the reasons and leaves nothing behind. It runs in system scope.
"""

from datetime import datetime

from sqlalchemy.orm import Session

from kit.statements import send
from trade import accepting, books, buying, planning, quotes, retail_prices
from trade.accepting import Accepted
from trade.accepting import OrderRequest as OrderRequest
from trade.desk import Desk
from trade.sharing import share_orders, shares


def place(
    session: Session, desk: Desk, party_id: int, request: OrderRequest, now: datetime
) -> tuple[int, bool]:
    """Accept the order; returns its id and whether it is new (False: the same was placed before).

    Raises Problem 422 (malformed, or neither quote nor max_total), 409 `reference_conflict`,
    `quote_expired`, `quote_mismatch`, `price_changed`, `not_orderable` (naming the lines),
    `outside_corridor`, what a share refuses, or what the ledger says of an empty wallet; then
    nothing may be committed.
    """
    accepting.check(request)
    before = _placed_before(session, desk, party_id, request)
    if before is not None:
        return before, False
    promise = (
        quotes.promised(session, desk, party_id, request.quote, now) if request.quote else None
    )
    under = shares.under(session, party_id, request.share, now) if request.share else None
    lines_asked = share_orders.at_retail(request.lines, under) if under else request.lines
    to = request.ship_to
    known = planning.load(session, desk, party_id, lines_asked, to, now, lock=True)
    draft = known.latest()
    if draft.unsellable:
        raise accepting.not_orderable(draft)
    rests: share_orders.Rests = {}
    if under:
        draft, rests = share_orders.shared(session, desk, draft, under, now)
    accepting.check_price(draft, request, promise)
    retail = retail_prices.checked(draft, to.region, now)
    quote_id = promise.quote_id if promise else None
    accepted = Accepted(party_id, request, draft, retail, quote_id, under, rests)
    order, writes = accepted.write(desk, buying.new_ids(session, **accepted.needs()), now)
    books.hold(session, order, writes)
    return order.id, True


def _placed_before(
    session: Session, desk: Desk, party_id: int, request: OrderRequest
) -> int | None:
    """The order that has this reference already; twins queue here until the first commits."""
    asked = {"reference": request.reference, "party": party_id}
    _, found = send(
        session,
        ("SELECT pg_advisory_xact_lock(hashtextextended(%(reference)s, %(party)s))", asked),
        (
            "SELECT id, content_hash FROM orders"
            " WHERE party_id = %(party)s AND reference = %(reference)s",
            asked,
        ),
    )
    if not found:
        return None
    [row] = found
    if not accepting.same(desk.keyring, party_id, request, bytes(row.content_hash)):
        raise accepting.reference_conflict(request.reference)
    return int(row.id)
