"""The leader's side of claims: ask, withdraw, send back. All in system scope.

What may be asked is told by `eligibility`; money never exceeds what was paid for the units.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from catalog.matching.redirects import among
from kit.errors import FieldError, Problem, invalid
from kit.ids import inside, outside
from kit.money import split
from trade.after_sales import (
    bearing,
    carriage,
    claim_cases,
    claim_money,
    claim_states,
    claimable,
    evidence,
    platform_claims,
    recalls,
)
from trade.after_sales.claim_cases import Case
from trade.after_sales.claim_states import move, opened
from trade.after_sales.claimable import Bought
from trade.after_sales.eligibility import GOES_BACK, KINDS, PAID, Reason, objections
from trade.desk import Desk
from trade.models import Claim, ClaimLine, Order, Purchase, PurchaseLine
from trade.parcels.shipping import waybill
from trade.states import tell


@dataclass(frozen=True)
class ClaimedLine:
    """`quantity` units of a SKU of the order; `amount` in fen, None is all that was paid."""

    sku: str
    quantity: int
    amount: int | None = None


@dataclass(frozen=True)
class ClaimRequest:
    """What a leader asks for. `cause` None: read from the reason."""

    kind: str
    lines: tuple[ClaimedLine, ...]
    reason: str
    evidence: tuple[str, ...] = ()
    cause: str | None = None


@dataclass(frozen=True)
class _Part:
    """Units of one purchase line under a claim, and the fen asked for them."""

    bought: Bought
    units: int
    asked: int

    @property
    def cost(self) -> int:
        """Fen of what its supplier is owed that are asked back of it."""
        pending = self.bought.pending
        return self.asked and claim_money.at_cost(self.bought.line, pending, self.asked)


def open_claim(
    session: Session,
    desk: Desk,
    party_id: int,
    order_id: int,
    request: ClaimRequest,
    now: datetime,
) -> list[int]:
    """Open a claim for each parcel sender concerned; returns their ids, mostly one.

    Raises Problem 404; 422 for an unknown kind or SKU, or a SKU named twice; 409 with the code of
    the first rule that objects (see `trade.after_sales.eligibility`).
    """
    if request.kind not in KINDS:
        raise invalid("kind", f"there are {', '.join(KINDS)}")
    order = session.get(Order, order_id, with_for_update=True, populate_existing=True)
    if order is None or order.party_id != party_id:
        raise Problem(404, "not_found", "there is no such order")
    if not request.lines:
        raise invalid("lines", "name at least one line")
    if len({line.sku for line in request.lines}) < len(request.lines):
        raise invalid("lines", "name each SKU once", "duplicate")
    cause = request.cause or bearing.cause_of(request.reason)
    goods = claimable.read(session, desk, order)
    parts: dict[int, list[_Part]] = {}
    for index, asked in enumerate(_named(session, goods, request.lines)):
        for part in _asked(goods, index, asked, request.kind, cause, now):
            parts.setdefault(part.bought.line.purchase_id, []).append(part)
    named = [part.bought.line.id for found in parts.values() for part in found]
    if len(set(named)) < len(named):
        raise invalid("lines", "name a bundle, or its parts, not both", "duplicate")
    claims = []
    for purchase_id, found in sorted(parts.items()):
        purchase = session.get_one(Purchase, purchase_id)
        claims.append(_write(session, desk, order, purchase, found, request, cause, now))
    order.updated_at = now
    tell(session, order, "claim_opened", now)
    return claims


def cancel(session: Session, desk: Desk, party_id: int, claim: str, now: datetime) -> None:
    """The leader withdraws. Again changes nothing. Raises Problem 404, 409 `wrong_state`,
    409 `advanced` where money was paid for it already."""
    case = claim_cases.of_leader(session, party_id, claim)
    if case.claim.state == "cancelled":
        return
    if case.claim.advanced:
        raise Problem(409, "advanced", "money was advanced on this claim; ask your operator")
    claim_states.check(case.claim, "cancel")
    if platform_claims.sends_anew(session, case.claim):
        raise Problem(409, "wrong_state", "new goods are on their way already")
    if desk.terms(case.purchase.source).platform and not platform_claims.withdraw(
        session, case.claim, case.purchase.source, now
    ):
        _note(session, case, "claim_cancel_asked", now)
        return
    withdrawn(session, desk, case, now)


def withdrawn(
    session: Session, desk: Desk, case: Case, now: datetime, event: str = "cancel"
) -> None:
    """The leader's claim is over at her own wish; `let_go`: its platform has let go of it."""
    move(session, case.claim, event, now, desk.claims)
    _note(session, case, "claim_cancelled", now)
    recalls.ask(session, case, now)


def send_back(
    session: Session,
    desk: Desk,
    party_id: int,
    claim: str,
    carrier: str,
    tracking_number: str,
    now: datetime,
    *,
    postage: int | None = None,
    proof: Sequence[str] = (),
) -> None:
    """The goods are on their way back; another number takes the place of the former one.
    `postage` in fen is what sending them has cost, as `proof` shows.

    Raises Problem 404; 409 `wrong_kind`, `wrong_state` (nobody has agreed yet), or what is said of
    `carriage.ask_postage`; 422 for an unknown carrier or an impossible number.
    """
    case = claim_cases.of_leader(session, party_id, claim)
    if case.claim.kind not in GOES_BACK and case.claim.return_to is None:
        raise Problem(409, "wrong_kind", f"for a {case.claim.kind} nothing is sent back")
    code, number = waybill(carrier, tracking_number)
    row = case.claim
    told_before = postage in (None, row.postage)
    if row.state in ("returning", "received", "refunded", "reissued") and (
        told_before and (row.back_carrier, row.back_number) == (code, number)
    ):
        return
    if not told_before:
        claim_states.check(row, "send_back")
        carriage.ask_postage(session, case, postage or 0, proof, desk.claims, now)
    told = {"carrier": code, "tracking_number": number}
    row.back_carrier, row.back_number = code, number
    move(session, row, "send_back", now, desk.claims, told)
    if desk.terms(case.purchase.source).platform:
        platform_claims.wake(session, row.id, case.purchase.source, now)
    _note(session, case, "goods_sent_back", now, told)


def lapse(session: Session, case: Case, desk: Desk, now: datetime) -> None:
    """Nothing was sent back in time: the claim is over, and what was advanced is taken back."""
    claim_money.unpaid(session, case, "leader")
    move(session, case.claim, "lapse", now, desk.claims)
    _note(session, case, "claim_lapsed", now)


def _note(
    session: Session, case: Case, kind: str, now: datetime, detail: dict[str, str] | None = None
) -> None:
    case.order.updated_at = now
    tell(session, case.order, kind, now, detail)


def _named(
    session: Session, goods: Mapping[int, Sequence[Bought]], lines: Sequence[ClaimedLine]
) -> list[ClaimedLine]:
    """The lines by the SKUs of the order, whatever was merged since. Raises Problem 422 for two
    that are one."""
    bundles = {one.bundle_sku for bought in goods.values() for one in bought if one.bundle_sku}
    asked = [inside("sku", line.sku) for line in lines]
    known = among(session, asked, goods.keys() | bundles)
    if len({known.get(sku, sku) for sku in asked}) < len(asked):
        raise invalid("lines", "name each SKU once", "duplicate")
    return [
        replace(line, sku=outside("sku", known.get(sku, sku)))
        for sku, line in zip(asked, lines, strict=True)
    ]


def _asked(
    goods: dict[int, list[Bought]],
    index: int,
    asked: ClaimedLine,
    kind: str,
    cause: str,
    now: datetime,
) -> list[_Part]:
    """The units that serve one line of a claim; of a bundle those of all its parts, an amount split
    by what is left of each. Raises Problem by the first rule that objects."""
    sku, units = inside("sku", asked.sku), asked.quantity
    if (own := goods.get(sku)) and units > 0:
        return _parts(own, index, units, asked.amount, kind, cause, now)
    made = claimable.parts(goods, sku)
    if not made or units < 1:
        raise invalid(f"lines.{index}.sku", f"no {units} of {asked.sku} in this order")
    wanted = [units * bought[0].bundle_units for bought in made]
    amounts: Sequence[int | None] = [asked.amount] * len(made)
    if asked.amount:
        left = [
            claimable.facts(bought, kind, cause, n, None, now).most
            for bought, n in zip(made, wanted, strict=True)
        ]
        amounts = split(asked.amount, left) if any(left) else amounts
    return [
        part
        for bought, n, amount in zip(made, wanted, amounts, strict=True)
        if amount != 0 or not asked.amount
        for part in _parts(bought, index, n, amount, kind, cause, now)
    ]


def _parts(
    own: Sequence[Bought],
    index: int,
    quantity: int,
    asked: int | None,
    kind: str,
    cause: str,
    now: datetime,
) -> list[_Part]:
    """Of one SKU; `asked` in fen, None is all that was paid."""
    seen = claimable.facts(own, kind, cause, quantity, asked, now)
    for reason in objections(seen):
        raise _objection(index, reason)
    chosen = claimable.choose(own, quantity, now)
    if sum(units for _, units, _ in chosen) < quantity:
        raise _objection(index, Reason("too_late", "some of these units came too long ago"))
    if kind not in PAID:
        return [_Part(one, units, 0) for one, units, _ in chosen]
    amount = seen.most if asked is None else asked
    shares = split(amount, [most for _, _, most in chosen])
    paired = zip(chosen, shares, strict=True)
    return [_Part(one, units, share) for (one, units, _), share in paired if share]


def _objection(index: int, reason: Reason) -> Problem:
    field = reason.field if reason.field == "kind" else f"lines.{index}.{reason.field}"
    error = FieldError(field, reason.code, reason.message)
    return Problem(reason.status, reason.code, f"{field}: {reason.message}", errors=[error])


def _write(
    session: Session,
    desk: Desk,
    order: Order,
    purchase: Purchase,
    parts: Sequence[_Part],
    request: ClaimRequest,
    cause: str,
    now: datetime,
) -> int:
    claim = begin(session, order, purchase, request, cause, now)
    opened(session, claim, now, claim_states.deadline(claim, now, desk.claims))
    evidence.show(session, claim, order.party_id, request.evidence, now)
    lines = [line_of(claim, part.bought.line, part.units, part.asked, part.cost) for part in parts]
    session.add_all(lines)
    if desk.terms(purchase.source).platform:
        platform_claims.intend(session, claim, purchase, lines)
    return claim.id


def begin(
    session: Session,
    order: Order,
    purchase: Purchase,
    request: ClaimRequest,
    cause: str,
    now: datetime,
) -> Claim:
    """A new claim, of which nothing is told yet."""
    claim = Claim(
        order_id=order.id,
        purchase_id=purchase.id,
        kind=request.kind,
        cause=cause,
        state="open",
        reason=request.reason,
        evidence=[{"by": "leader", "item": item} for item in request.evidence],
        created_at=now,
        updated_at=now,
        party_id=order.party_id,
        supplier_id=purchase.supplier_id,
    )
    session.add(claim)
    session.flush()
    return claim


def line_of(claim: Claim, line: PurchaseLine, units: int, asked: int, cost: int) -> ClaimLine:
    """Units of a purchase line under a claim, `asked` fen for its leader and `cost` of what its
    supplier is owed."""
    return ClaimLine(
        claim_id=claim.id,
        purchase_line_id=line.id,
        order_line_id=line.order_line_id,
        quantity=units,
        asked=asked,
        asked_cost=cost,
        party_id=claim.party_id,
        supplier_id=claim.supplier_id,
    )
