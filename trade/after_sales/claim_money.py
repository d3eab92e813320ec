"""The money of claims: paid back once, advanced before there is an answer, borne as rules say.

A line's `refunded` is what the leader has; `charged` is the part of it that its supplier bears, and
`credited` what we owe less for that. The two sides never see each other's price: a supplier agrees
to a part of its own, the leader gets the same part of hers, and the rest is the house's margin on
these goods, which it gives back. Between an advance and its settlement the money stands in the
account `advances`; what the house bears stands in `loss:claims`.
"""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from kit.db import take_turn
from kit.errors import Problem, invalid
from kit.money import split, yuan
from trade import books
from trade.after_sales import bearing
from trade.after_sales.claim_cases import Case
from trade.desk import ClaimTerms
from trade.models import Claim, ClaimLine, PurchaseLine
from trade.refusal import order_line
from trade.settling import earnings

CHARGED = frozenset({"supplier", "platform"})
"""Bearers whom we owe that much less."""


def advance(session: Session, case: Case, amount: int | None, terms: ClaimTerms) -> int:
    """Pay the leader before there is an answer; returns the fen. None: as much as is allowed.

    Raises Problem 409 `already_advanced`, `advance_limit`; 422 for more than was asked.
    """
    claim = case.claim
    if claim.advanced:
        raise Problem(409, "already_advanced", f"{yuan(claim.advanced)} was advanced already")
    take_turn(session, f"advances {claim.party_id}")  # two at once would each fit into what is left
    out = session.scalar(
        select(func.coalesce(func.sum(Claim.advanced), 0)).where(Claim.party_id == claim.party_id)
    )
    most = min(terms.advance_most, terms.advance_total - int(out or 0))
    wanted = min(case.asked, most) if amount is None else amount
    if wanted > case.asked:
        raise invalid("amount", f"advance between 0.01 and {yuan(case.asked)}")
    if wanted < 1 or wanted > most:
        raise Problem(
            409,
            "advance_limit",
            f"at most {yuan(max(most, 0))} may be advanced now; see advance_most and advance_total",
        )
    claim.advanced = wanted
    _pay_lines(session, case, split(wanted, _weights(case)))
    books.advance(session, case.order, claim.id, wanted)
    return wanted


def at_cost(line: PurchaseLine, pending: Sequence[ClaimLine], share: int) -> int:
    """The supplier's part of a refund of `share` fen: what is owed falls as what was paid falls, to
    the fen, with what is asked for already."""
    asked = line.charged + sum(one.asked for one in pending) + share
    taken = line.credited + sum(one.asked_cost for one in pending)
    return max(line.owed * asked // line.captured - taken, 0)


def at_price(case: Case, agreed: int) -> int:
    """What the leader gets of what she asked for where its supplier gives `agreed` fen of its own
    price back: the same part, half up, and never nothing."""
    if agreed >= case.asked_cost:
        return case.asked
    return max((2 * case.asked * agreed + case.asked_cost) // (2 * case.asked_cost), 1)


def pay(
    session: Session, case: Case, amount: int, cost: int, bearer: str, *, booked: bool = False
) -> None:
    """Pay the leader `amount` fen in all, borne by `bearer`: a supplier gives `cost` fen back.

    What was advanced counts as paid; if it was more, the rest is borne as if the claim had been
    refused. `booked`: what a platform gave back is in the books already (see `credit`).
    """
    claim = case.claim
    claim.bearer = bearer
    was, claim.advanced = claim.advanced, 0
    kept = _rest(session, case, was - amount) if was > amount else 0
    shares = split(amount, _weights(case))
    others = [line.asked - share for line, share in zip(case.lines, shares, strict=True)]
    more = split(kept, others) if kept else [0] * len(shares)
    _pay_lines(session, case, [share + rest for share, rest in zip(shares, more, strict=True)])
    credited = _charge(case, shares, 0 if booked else cost) if bearer in CHARGED else 0
    books.refund(
        session,
        case.order,
        case.purchase.source,
        claim.id,
        amount,
        credited,
        advanced=min(was, amount),
        house=bearer not in CHARGED,
    )


def credit(session: Session, case: Case, purchase_line_id: int, part: int, amount: int) -> None:
    """A platform gave `amount` fen back for a part of a claim: we owe it that much less, once.

    Never more than is owed for the goods; what goes beyond that is shown among the differences.
    """
    line = next(one for one in case.lines if one.purchase_line_id == purchase_line_id)
    bought = case.bought[purchase_line_id]
    less = min(amount, bought.owed - bought.credited)
    line.credited += less
    bought.credited += less
    books.credit(session, case.order, case.purchase.source, case.claim.id, part, less)


def unpaid(session: Session, case: Case, bearer: str) -> None:
    """The claim ends without a refund: what was advanced is borne by the leader or the house."""
    claim = case.claim
    if not claim.advanced:
        return
    claim.bearer = bearer
    was, claim.advanced = claim.advanced, 0
    kept = _rest(session, case, was, bearer)
    _pay_lines(session, case, split(kept, _weights(case)))
    earnings.settle(session, case.order)


def _rest(session: Session, case: Case, amount: int, bearer: str | None = None) -> int:
    """Settle an advance that nobody agreed to; returns what of it the leader keeps.

    A leader whose wallet is too short keeps it: the house bears it, and the claim says so.
    """
    who = bearer or bearing.bearer(case.claim.cause, "refused", platform=False)
    if who == "leader":
        try:
            with session.begin_nested():
                books.take_back(session, case.order, case.claim.id, amount)
            return 0
        except Problem as problem:
            if problem.code != "balance_short":
                raise
            if bearer is not None:
                case.claim.bearer = "house"
    books.write_off(session, case.order, case.claim.id, amount)
    return amount


def _pay_lines(session: Session, case: Case, shares: Sequence[int]) -> None:
    """Count these fen as all that is paid for this claim, line by line, on what they are about."""
    for line, share in zip(case.lines, shares, strict=True):
        bought, more = case.bought[line.purchase_line_id], share - line.refunded
        order_line(session, bought).refunded += more
        bought.refunded += more
        line.refunded = share
        session.flush()


def _weights(case: Case) -> list[int]:
    return [line.asked for line in case.lines]


def _charge(case: Case, shares: Sequence[int], cost: int) -> int:
    """Count what the supplier bears, and the `cost` fen by which we owe it less; returns those."""
    weights = [line.asked_cost for line in case.lines]
    credits = split(cost, weights) if cost else [0] * len(weights)
    for line, share, less in zip(case.lines, shares, credits, strict=True):
        bought = case.bought[line.purchase_line_id]
        line.charged = share
        line.credited += less
        bought.charged += share
        bought.credited += less
    return sum(credits)
