"""Money that a platform gives back for goods that had left, and that no claim of ours is about.

It was asked for before the goods left and agreed to afterwards, or by hand at the platform. It
becomes a claim that its platform has answered already, so that books, leader, freight and what
differs follow by the rules of every other claim. In system scope, under the order's lock.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from connectors.trading import Part, SourceRefund
from kit import log
from kit.money import fen
from kit.outbox import say
from trade.after_sales import claimable
from trade.after_sales.claim_states import opened
from trade.after_sales.claims import ClaimRequest, begin, line_of
from trade.after_sales.platform_claims import TAKE_BACK
from trade.models import Claim, ClaimLine, PlatformClaim, PurchaseLine
from trade.purchases import Locked
from trade.states import tell

REASON = "供应商已退款"
ANSWERED_BY = timedelta(hours=1)
"""So soon what was given back is read and booked, else an operator sees the claim."""
_ENDED = ("refused", "cancelled")

logger = log.get(__name__)


def taken(session: Session, found: Locked, parts: Sequence[Part], now: datetime) -> None:
    """Write down what a platform tells of refunds for goods of a locked purchase; each once."""
    told = [(part.ref, refund) for part in parts for refund in part.refunds]
    if not told:
        return
    rows = session.scalars(
        select(PlatformClaim)
        .where(PlatformClaim.purchase_id == found.purchase.id)
        .order_by(PlatformClaim.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    for ref, refund in told:
        known = next((row for row in rows if row.claim_ref == refund.ref), None)
        if known is not None and known.state not in _ENDED:
            continue
        own = [row for row in rows if row.external_id == refund.external_id]
        if any(row.claim_ref is None and row.state in ("new", "asking") for row in own):
            continue  # it may be found as that of a claim that is being made
        if known is not None:  # its platform had said no, and gave the money all the same
            known.claim_ref = None
            session.flush()
        failed = next((row for row in own if row.state == "failed"), None)
        if failed is not None and known is None:
            _answers(session, failed, ref, refund, now)
        else:
            _claimed(session, found, ref, refund, now)


def _answers(
    session: Session, row: PlatformClaim, ref: str, refund: SourceRefund, now: datetime
) -> None:
    """A claim that its platform took from us was made there by a person."""
    row.ref, row.claim_ref, row.state, row.message = ref, refund.ref, "open", None
    row.attempts, row.due_at, row.updated_at = 0, now, now
    say(session, TAKE_BACK, row.source)


def _claimed(
    session: Session, found: Locked, ref: str, refund: SourceRefund, now: datetime
) -> None:
    """A claim on what is left of a line, for as much of it as came back; where its leader has all
    of her money already, it is the platform's word on the claim by which she got it."""
    for line in found.lines.values():
        owed = line.owed - line.credited
        if line.external_id != refund.external_id or not line.shipped or owed < 1:
            continue
        bought = claimable.shipped(session, found.order, line)
        paid = bought.most(bought.left)
        owed -= sum(one.asked_cost for one in bought.pending)
        if paid > 0 and owed > 0:
            cost = min(fen(refund.amount), owed)
            asked = paid if cost == owed else max(paid * cost // owed, 1)
            request = ClaimRequest("refund", (), REASON)
            claim = begin(session, found.order, found.purchase, request, "other", now)
            opened(session, claim, now, now + ANSWERED_BY)
            session.add(line_of(claim, line, bought.left, asked, cost))
            _told(session, found, claim.id, line, bought.left, (ref, refund.ref), now)
            found.order.updated_at = now
            tell(session, found.order, "claim_opened", now)
            return
        if last := session.scalar(_paid(line)):
            _told(session, found, last, line, line.shipped, (ref, refund.ref), now)
            return
    logger.warning("refund_not_taken", our_ref=found.purchase.our_ref, refund=refund.ref)


def _paid(line: PurchaseLine) -> Select[int]:
    """The last claim by which a leader got her money back for units of a line."""
    own = ClaimLine.purchase_line_id == line.id, Claim.state == "refunded"
    claims = select(Claim.id).join(ClaimLine, ClaimLine.claim_id == Claim.id)
    return claims.where(*own).order_by(Claim.id.desc()).limit(1)


def _told(
    session: Session,
    found: Locked,
    claim_id: int,
    line: PurchaseLine,
    units: int,
    names: tuple[str, str],
    now: datetime,
) -> None:
    """The platform's side of a claim, which it has answered; `names` are its order and refund."""
    session.add(
        PlatformClaim(
            claim_id=claim_id,
            purchase_id=found.purchase.id,
            purchase_line_id=line.id,
            source=found.purchase.source,
            external_id=line.external_id,
            quantity=units,
            ref=names[0],
            claim_ref=names[1],
            state="open",
            due_at=now,
        )
    )
    say(session, TAKE_BACK, found.purchase.source)
