"""Freight that a platform gives back with its claims, beyond the goods. In system scope.

It pays no part of a claim and no leader: whether a leader gets freight back is decided by the
cause alone (`bearing.carriage`). It waits for a person with an entry that is proposed: what we owe
the platform falls by it (payable → cost). Where the house had paid the leader that freight, the
platform bears it then, as far as it gave back: the loss becomes a refund like any other.

What a platform calls freight itself, and gives back with units that it never sent, needs no person.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from connectors.trading import Part
from kit.errors import Problem
from kit.money import fen
from trade import books
from trade.after_sales.claim_cases import Case
from trade.models import Claim, Difference, Order, PlatformClaim, Posting, Purchase
from trade.purchases import Locked, lock

CODE = "freight_returned"
"""How a difference between books is called that is this."""

_OTHERS = text("""
    SELECT coalesce(sum(p.freight), 0)::bigint AS freight,
           coalesce(sum(p.refunded - p.freight - x.asked_cost * p.quantity / x.quantity)
               FILTER (WHERE p.state = 'refunded' AND p.settled_at IS NULL), 0)::bigint AS beyond
    FROM platform_claims p
    JOIN claim_lines x ON x.claim_id = p.claim_id AND x.purchase_line_id = p.purchase_line_id
    WHERE p.purchase_id = :purchase AND p.id <> :part
""")


def within(beyond: int, left: int, told: int | None) -> int:
    """Fen of freight in what came back `beyond` the goods, where `left` of the freight that was
    charged has not come back yet; `told` is what the platform itself calls freight. Pure.

    A fen may be the rounding of a part.
    """
    most = told if told is not None else beyond if beyond > 1 else 0
    return max(min(most, left), 0)


def note(
    session: Session, case: Case, part: PlatformClaim, expected: int, told: int | None
) -> None:
    """Tell goods and freight apart in what came back for a part of a claim.

    What other parts of the purchase lack is goods that were paid under this one, and no freight.
    """
    session.flush()
    asked = {"purchase": part.purchase_id, "part": part.id}
    others = session.execute(_OTHERS, asked).one()
    own = (part.refunded or 0) - expected
    beyond = min(own, own + others.beyond)
    left = case.purchase.freight_cost - others.freight
    part.freight = within(beyond, left - _unsent_before(session, part.purchase_id), told)
    part.freight_state = "open" if part.freight else None


def unsent(session: Session, found: Locked, parts: Sequence[Part]) -> None:
    """What of the freight of a locked purchase is not owed, as its platform tells with what it
    cancelled before it left: as soon as anything else left, and so its freight is owed. Again posts
    nothing."""
    purchase = found.purchase
    told = sum(fen(part.freight_back) for part in parts if part.freight_back)
    if not told or not any(line.shipped for line in found.lines.values()):
        return
    session.flush()
    claimed = session.scalar(
        select(func.coalesce(func.sum(PlatformClaim.freight), 0)).where(
            PlatformClaim.purchase_id == purchase.id
        )
    )
    before = _unsent_before(session, purchase.id)
    whole = min(told, purchase.freight_cost - int(claimed or 0))
    books.freight_unsent(
        session, found.order, purchase.source, f"{_UNSENT}{purchase.id}:{whole}", whole - before
    )


_UNSENT = "freight-unsent:"


def _unsent_before(session: Session, purchase_id: int) -> int:
    """The fen of a purchase's freight that came back with what never left."""
    found = select(func.coalesce(func.sum(Posting.amount), 0)).where(
        Posting.reference.startswith(f"{_UNSENT}{purchase_id}:")
    )
    return int(session.scalar(found) or 0)


def accept(session: Session, purchase_id: int, now: datetime) -> None:
    """It is freight: what we owe the platform falls. Raises Problem 404, 409 `wrong_state`."""
    order, purchase, parts = _open(session, purchase_id)
    for part in parts:
        books.freight_returned(session, order, purchase.source, part.id, part.freight)
        part.freight_state = "accepted"
    relieve(session, order, purchase_id)
    _decided(session, purchase, "accepted", now)


def dismiss(session: Session, purchase_id: int, now: datetime) -> None:
    """It is no freight: it stands among the differences of its claims. Raises Problem 404, 409
    `wrong_state`."""
    _, purchase, parts = _open(session, purchase_id)
    for part in parts:
        part.freight, part.freight_state = 0, "dismissed"
    _decided(session, purchase, "dismissed", now)


def relieve(session: Session, order: Order, purchase_id: int) -> None:
    """What the house paid a leader as freight of a purchase is borne by the platform, as far as it
    gave that back. Again posts nothing."""
    session.flush()
    paid = session.scalar(
        select(func.coalesce(func.sum(Claim.freight_refunded), 0)).where(
            Claim.purchase_id == purchase_id, Claim.freight_credited == 0
        )
    )
    came = session.scalar(
        select(func.coalesce(func.sum(PlatformClaim.freight), 0)).where(
            PlatformClaim.purchase_id == purchase_id, PlatformClaim.freight_state == "accepted"
        )
    )
    name = f"freight-borne:{purchase_id}:"
    before = session.scalar(
        select(func.coalesce(func.sum(Posting.amount), 0)).where(
            # digits follow, all of them before ":"; behind the tenant wall LIKE reads no index
            Posting.reference >= name,
            Posting.reference < f"{name}:",
        )
    )
    whole = min(int(paid or 0), int(came or 0))
    books.freight_borne(session, order, f"{name}{whole}", whole - int(before or 0))


def _open(session: Session, purchase_id: int) -> tuple[Order, Purchase, Sequence[PlatformClaim]]:
    found = session.get(Purchase, purchase_id)
    if found is None:
        raise Problem(404, "not_found", "there is no such purchase")
    held = lock(session, found.order_id, purchase_id)
    parts = session.scalars(
        select(PlatformClaim)
        .where(PlatformClaim.purchase_id == purchase_id, PlatformClaim.freight_state == "open")
        .order_by(PlatformClaim.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    if not parts:
        raise Problem(409, "wrong_state", "no freight of it waits for a decision any more")
    return held.order, held.purchase, parts


def _decided(session: Session, purchase: Purchase, state: str, now: datetime) -> None:
    """A day's comparison shows the same money: there it is decided as well."""
    session.execute(
        update(Difference)
        .where(
            Difference.source == purchase.source,
            Difference.purchase == purchase.our_ref,
            Difference.code == CODE,
            Difference.state == "open",
        )
        .values(state=state, decided_at=now)
    )
