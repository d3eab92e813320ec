"""What carrying goods has cost, there and back: paid back by stated rules, see `bearing.carriage`.

Freight is charged once a purchase, with the first of its units that leave, and goes back once: with
the claim that pays back the last of its goods. Postage is what the leader spent to send goods back.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from kit.errors import Problem, invalid
from kit.money import yuan
from trade import books
from trade.after_sales import bearing, evidence, freight_returns
from trade.after_sales.bearing import Bearer
from trade.after_sales.claim_cases import Case
from trade.after_sales.eligibility import GOES_BACK
from trade.desk import ClaimTerms
from trade.models import Claim, ClaimLine
from trade.refusal import open_units


def freight_back(session: Session, case: Case, who: Bearer) -> int:
    """Pay the freight of a purchase back, with the refund of the last of its goods, which `who`
    bears; returns the fen, 0 where it stays. Again pays nothing.

    Where the house bore some of the goods it bears the freight as well.
    """
    bought = case.bought.values()
    whole = all(line.refunded == line.captured for line in bought) and not open_units(bought)
    paid = _paid(session, case)
    done = any(claim.freight_refunded or claim.freight_credited for claim in paid)
    if not whole or done or any(claim.state != "refunded" for claim in paid):
        return 0
    all_of_it = all(line.charged == line.captured for line in bought)
    carries = bearing.carriage({claim.cause for claim in paid}, who if all_of_it else "house")
    if carries == "leader":
        return 0
    row, purchase = case.claim, case.purchase
    row.freight_refunded = purchase.freight_price
    row.freight_credited = purchase.freight_cost if carries == "supplier" else 0
    _book(session, case, "freight_back", purchase.id, carries)
    if carries == "house":
        freight_returns.relieve(session, case.order, purchase.id)
    return row.freight_refunded


def ask_postage(
    session: Session,
    case: Case,
    amount: int,
    proof: Sequence[str],
    terms: ClaimTerms,
    now: datetime,
) -> None:
    """Sending the goods back has cost the leader `amount` fen, as `proof` shows; another amount
    takes the place of the former one.

    Raises Problem 409 `postage_not_paid`, `postage_limit`; 422 without proof.
    """
    row = case.claim
    if row.kind not in GOES_BACK or bearing.carriage({row.cause}, "supplier") == "leader":
        raise Problem(
            409,
            "postage_not_paid",
            "postage is paid for goods that go back because of a fault of theirs",
        )
    if not 0 < amount <= terms.postage_most:
        message = f"postage is paid from 0.01 to {yuan(terms.postage_most)}; ask your operator"
        raise Problem(409, "postage_limit", message)
    if not proof:
        raise invalid("proof", "show what it cost: a receipt, handed in as evidence", "missing")
    evidence.show(session, row, row.party_id, proof, now)
    known = [one for one in row.evidence if one.get("about") != "postage"]
    told = [{"by": "leader", "about": "postage", "item": item} for item in proof]
    row.postage, row.evidence = amount, [*known, *told]


def postage_back(session: Session, case: Case, who: Bearer) -> int:
    """Pay what sending the goods back has cost, now that they are back and `who` bears the claim;
    returns the fen. Again pays nothing."""
    row = case.claim
    if not row.postage or row.postage_refunded:
        return 0
    carries = bearing.carriage({row.cause}, who)
    row.postage_refunded = row.postage
    row.postage_credited = row.postage if carries == "supplier" else 0
    _book(session, case, "postage", row.id, carries)
    return row.postage


def _paid(session: Session, case: Case) -> Sequence[Claim]:
    """Every claim on the purchase that money was paid for, this one too."""
    about = select(ClaimLine.claim_id).where(ClaimLine.refunded > 0)
    found = select(Claim).where(Claim.purchase_id == case.purchase.id, Claim.id.in_(about))
    session.flush()
    return session.scalars(found.execution_options(populate_existing=True)).all()


def _book(
    session: Session, case: Case, what: Literal["freight_back", "postage"], name: int, who: Bearer
) -> None:
    row = case.claim
    amount, credit = {
        "freight_back": (row.freight_refunded, row.freight_credited),
        "postage": (row.postage_refunded, row.postage_credited),
    }[what]
    books.carriage(
        session,
        case.order,
        case.purchase.source,
        what,
        str(name),
        amount,
        credit,
        house=who == "house",
    )
