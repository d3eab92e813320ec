"""What of an order may be claimed: the rows that `eligibility` looks at.

All in system scope, because what was bought where decides, and a leader sees none of it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from catalog.models import Offer
from kit.errors import Problem
from kit.ids import outside
from kit.money import yuan
from trade.after_sales.claim_states import OPEN
from trade.after_sales.eligibility import KINDS, PAID, Facts, objections, window
from trade.desk import Desk
from trade.models import Claim, ClaimLine, Order, OrderLine, Parcel, ParcelLine, PurchaseLine

_ABROAD = ("保税", "跨境", "海外", "境外", "香港", "直邮")


@dataclass(frozen=True)
class Back:
    """Units of a purchase line that came back, or are to; fen paid for them, and fen still asked.
    What else they had cost is nobody's any more."""

    units: int = 0
    refunded: int = 0
    asked: int = 0


@dataclass(frozen=True)
class Bought:
    """One purchase line of a SKU, with the open claims on it, and until when it may be claimed.

    `until` None: nothing of it was shipped.
    """

    line: PurchaseLine
    pending: Sequence[ClaimLine]
    until: datetime | None
    delivered: bool
    returnable: bool | None
    abroad: bool
    bundle_sku: int | None = None
    """The bundle that it was ordered in, with `bundle_units` of it in each."""
    bundle_units: int = 1
    back: Back = Back()

    @property
    def under_claim(self) -> int:
        """Units that somebody is still to decide about."""
        return sum(claim.quantity for claim in self.pending)

    @property
    def left(self) -> int:
        """Units that are shipped, here to stay and under no claim."""
        return max(self.line.shipped - self.under_claim - self.line.returned, 0)

    def most(self, units: int) -> int:
        """Fen paid for `units` of the shipped ones, less what went back or is being asked for."""
        line = self.line
        if not line.shipped:
            return 0
        return max(min(self._unpaid, -(-line.captured * units // line.shipped)), 0)

    @property
    def tiers(self) -> tuple[int, int, int]:
        """Units that are left: with all of their money, with some of it, and in all."""
        line = self.line
        if not line.captured:
            return self.left, self.left, self.left
        worth = max(self._unpaid, 0) * line.shipped
        whole = worth // line.captured, -(-worth // line.captured)
        return min(whole[0], self.left), min(whole[1], self.left), self.left

    @property
    def _unpaid(self) -> int:
        """Fen that neither went back nor is being asked for, of the units that stay."""
        line, back = self.line, self.back
        asked = sum(x.asked - x.refunded for x in self.pending)
        worth = -(-line.captured * (line.shipped - back.units) // line.shipped)
        staying = worth - (line.refunded - back.refunded) - (asked - back.asked)
        return min(line.captured - line.refunded - asked, staying)


def read(session: Session, desk: Desk, order: Order) -> dict[int, list[Bought]]:
    """Everything bought for a locked order, by SKU: first what was ordered by itself, then what is
    part of a bundle."""
    found = session.execute(
        select(OrderLine, PurchaseLine, Offer.returnable, Offer.ships_from)
        .join(PurchaseLine, PurchaseLine.order_line_id == OrderLine.id)
        .outerjoin(Offer, Offer.id == PurchaseLine.offer_id)
        .where(OrderLine.order_id == order.id)
        .order_by(OrderLine.bundle_sku.is_not(None), PurchaseLine.id)
        .execution_options(populate_existing=True)
    ).all()
    pending = session.scalars(
        select(ClaimLine)
        .join(Claim, Claim.id == ClaimLine.claim_id)
        .where(Claim.order_id == order.id, Claim.state.in_(OPEN))
        .execution_options(populate_existing=True)
    ).all()
    parcels = session.scalars(select(Parcel).where(Parcel.order_id == order.id)).all()
    held = _held(session, [parcel.id for parcel in parcels])
    back = _back(session, order)
    goods: dict[int, list[Bought]] = {}
    for ordered, line, returnable, ships_from in found:
        own = [
            parcel
            for parcel in parcels
            if parcel.purchase_id == line.purchase_id
            and line.id in held.get(parcel.id, {line.id})  # one that names nothing may hold any
        ]
        goods.setdefault(ordered.sku_id, []).append(
            Bought(
                line,
                [claim for claim in pending if claim.purchase_line_id == line.id],
                _until(desk, own) if line.shipped else None,
                bool(own) and all(parcel.delivered_at for parcel in own),
                returnable,
                any(word in (ships_from or "") for word in _ABROAD),
                ordered.bundle_sku,
                ordered.bundle_units or 1,
                back.get(line.id, Back()),
            )
        )
    return goods


def shipped(session: Session, order: Order, line: PurchaseLine) -> Bought:
    """One purchase line of a locked order with the open claims on it, whenever it came."""
    pending = session.scalars(
        select(ClaimLine)
        .join(Claim, Claim.id == ClaimLine.claim_id)
        .where(ClaimLine.purchase_line_id == line.id, Claim.state.in_(OPEN))
    ).all()
    back = _back(session, order).get(line.id, Back())
    return Bought(line, pending, None, delivered=False, returnable=None, abroad=False, back=back)


def _back(session: Session, order: Order) -> dict[int, Back]:
    """By purchase line."""
    open_still = func.sum(ClaimLine.asked - ClaimLine.refunded).filter(Claim.state.in_(OPEN))
    found = (
        select(
            ClaimLine.purchase_line_id,
            func.sum(ClaimLine.quantity),
            func.sum(ClaimLine.refunded),
            func.coalesce(open_still, 0),
        )
        .join(Claim, Claim.id == ClaimLine.claim_id)
        .where(Claim.order_id == order.id, Claim.kind == "return")
        .where(Claim.state.in_([*OPEN, "refunded"]))
        .group_by(ClaimLine.purchase_line_id)
    )
    return {line: Back(*map(int, sums)) for line, *sums in session.execute(found)}


def _held(session: Session, parcel_ids: Sequence[int]) -> dict[int, set[int]]:
    """The purchase lines of which a parcel carries units, by parcels that carry any."""
    found: dict[int, set[int]] = {}
    named = select(ParcelLine.parcel_id, ParcelLine.purchase_line_id)
    for parcel_id, line_id in session.execute(named.where(ParcelLine.parcel_id.in_(parcel_ids))):
        found.setdefault(parcel_id, set()).add(line_id)
    return found


def parts(goods: Mapping[int, Sequence[Bought]], bundle: int) -> list[list[Bought]]:
    """What was bought for each part of a bundle of the order; none where it is no such bundle."""
    found = [[one for one in bought if one.bundle_sku == bundle] for bought in goods.values()]
    return [bought for bought in found if bought]


def choose(goods: Sequence[Bought], quantity: int, now: datetime) -> list[tuple[Bought, int, int]]:
    """Which units a claim is about, of such as are still in time: first those of which nothing was
    paid back, last those of which all was, and of each those of earlier purchases. Returns (bought,
    units, fen at most); too few where there are no more."""
    open_still = [one for one in goods if one.until is not None and now <= one.until]
    taken: Counter[int] = Counter()
    for tier in range(3):
        for one in open_still:
            units = min(quantity, one.tiers[tier] - taken[one.line.id])
            if units > 0:
                taken[one.line.id] += units
                quantity -= units
    return [
        (one, taken[one.line.id], one.most(taken[one.line.id]))
        for one in open_still
        if taken[one.line.id]
    ]


def facts(
    goods: Sequence[Bought], kind: str, cause: str, quantity: int, amount: int | None, now: datetime
) -> Facts:
    """What the rules look at, for one SKU."""
    ends = [one.until for one in goods if one.until is not None]
    kinds = [one.returnable for one in goods]
    return Facts(
        kind=kind,
        cause=cause,
        quantity=quantity,
        amount=amount,
        shipped=sum(one.line.shipped for one in goods),
        under_claim=sum(one.under_claim for one in goods),
        returned=sum(one.line.returned for one in goods),
        most=sum(most for _, _, most in choose(goods, quantity, now)),
        now=now,
        until=max(ends, default=None),
        delivered=bool(goods) and all(one.delivered for one in goods),
        returnable=False if False in kinds else (True if True in kinds else None),
        abroad=any(one.abroad for one in goods),
        paid_back=any(one.line.refunded for one in goods),
    )


def options(
    session: Session, desk: Desk, party_id: int, order_id: int, cause: str, now: datetime
) -> list[dict[str, Any]]:
    """What the leader may ask for, SKU by SKU and kind by kind, and why not.

    Raises Problem 404.
    """
    order = session.get(Order, order_id, populate_existing=True)
    if order is None or order.party_id != party_id:
        raise Problem(404, "not_found", "there is no such order")
    found = []
    for sku_id, goods in read(session, desk, order).items():
        left = sum(one.left for one in goods)
        for kind in KINDS:
            seen = facts(goods, kind, cause, left or 1, None, now)
            why = [{"code": x.code, "message": x.message} for x in objections(seen)]
            found.append(
                {
                    "sku": outside("sku", sku_id),
                    "kind": kind,
                    "allowed": not why,
                    "quantity": 0 if why else left,
                    "amount": yuan(seen.most) if kind in PAID and not why else "0.00",
                    "until": seen.until,
                    "reasons": why,
                }
            )
    return found


def _until(desk: Desk, parcels: Sequence[Parcel]) -> datetime | None:
    terms = desk.claims
    ends = [
        window(
            parcel.shipped_at,
            parcel.delivered_at,
            parcel.last_event_at,
            delivery_days=terms.delivery_days,
            return_days=terms.return_days,
        )
        for parcel in parcels
    ]
    return max(ends, default=None)
