"""A claim with everything that a decision about it reads and writes, under its order's lock."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from kit.errors import Problem
from kit.ids import inside
from trade import blinding
from trade.models import Claim, ClaimLine, Order, Purchase, PurchaseLine
from trade.purchases import Supplier, lock


@dataclass(frozen=True)
class Case:
    """One claim; its order and purchase are locked. `bought` are purchase lines by id."""

    claim: Claim
    order: Order
    purchase: Purchase
    lines: Sequence[ClaimLine]
    bought: dict[int, PurchaseLine]

    @property
    def asked(self) -> int:
        """Fen that the leader wants."""
        return sum(line.asked for line in self.lines)

    @property
    def asked_cost(self) -> int:
        """Fen of the supplier's own price among what is `asked`."""
        return sum(line.asked_cost for line in self.lines)


def of_supplier(session: Session, supplier: Supplier, claim: str) -> Case:
    """A claim at a supplier's door. Raises Problem 404."""
    found = session.scalar(
        select(Claim.id)
        .join(Purchase, Purchase.id == Claim.purchase_id)
        .where(Claim.id == inside("clm", claim), Purchase.source == supplier.source)
    )
    if found is None:
        raise unknown(claim)
    return locked(session, found)


def of_leader(session: Session, party_id: int, claim: str) -> Case:
    """A leader's own claim. Raises Problem 404."""
    found = session.scalar(
        select(Claim.id).where(Claim.id == inside("clm", claim), Claim.party_id == party_id)
    )
    if found is None:
        raise unknown(claim)
    return locked(session, found)


def locked(session: Session, claim_id: int) -> Case:
    """A claim that there is, read afresh under the lock of its order."""
    about = session.execute(
        select(Claim.order_id, Claim.purchase_id).where(Claim.id == claim_id)
    ).one()
    held = lock(session, about.order_id, about.purchase_id)
    claim = session.get_one(Claim, claim_id, populate_existing=True)
    lines = session.scalars(
        select(ClaimLine)
        .where(ClaimLine.claim_id == claim_id)
        .order_by(ClaimLine.purchase_line_id)
        .execution_options(populate_existing=True)
    ).all()
    return Case(
        claim, held.order, held.purchase, lines, {line.id: line for line in held.lines.values()}
    )


def blind(session: Session, case: Case, words: str, *, platform: bool = False) -> str:
    """The words of the claim's supplier as its leader may read them, see `trade.blinding`."""
    return blinding.blind(session, case.purchase, words, platform=platform)


def unknown(claim: str) -> Problem:
    """404 for a claim of nobody, or of somebody else."""
    return Problem(404, "not_found", f"there is no claim {claim!r}")
