"""What an order of one SKU would meet: the verdict of routing, said in the catalogue's words.

Routing decides what is sold: it splits units over offers, counts what recipients had, and knows
what a parcel costs. The catalogue knows until when a reason holds. Both are told together.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from catalog import selling
from catalog.reads import Sellable
from catalog.selling import Reason
from connectors.model import ShipTo
from kit import clock
from kit.ids import outside
from trade import asking, places, planning, supplies
from trade.asking import Platforms
from trade.desk import Desk
from trade.planning import LineRequest, Loaded
from trade.routing.takes import Supply


@dataclass(frozen=True)
class Verdict:
    """Why a line cannot be ordered, as a code of `planning.MESSAGES`, and until when as far as that
    is known; or None, at what unit price and for how many fen of freight it can."""

    code: str | None
    until: datetime | None = None
    unit_price: Decimal | None = None
    freight: int | None = None


@dataclass(frozen=True)
class Inquiry:
    """How many units of a SKU a party would order to a region; `mobile` is their recipient's."""

    party_id: int
    sku_id: int
    quantity: int
    region: str
    mobile: str | None = None

    def load(self, session: Session, desk: Desk) -> Loaded:
        """What is known of such an order. System scope: it looks at what was bought before."""
        asked = [LineRequest(self.quantity, outside("sku", self.sku_id))]
        to = ShipTo("", self.mobile or "", self.region, "")
        return planning.load(session, desk, self.party_id, asked, to, clock.now())


def verdict(platforms: Platforms, inquiry: Inquiry) -> Verdict:
    """What an order of this one line would meet now. Where only its source can tell whether it is
    sold there, that is asked.

    Raises Problem 503 `busy` where no talk is free for that.
    """
    known = platforms.known(inquiry.load)
    draft = known.latest()
    if asking.waits(draft):
        to = ShipTo("", "", inquiry.region, places.spelled(inquiry.region))
        draft = platforms.heard(known, inquiry.load, to) or draft
    if draft.unsellable:
        first = draft.unsellable[0]
        return Verdict(first.code, first.until)
    line = draft.lines[0]
    return Verdict(None, unit_price=line.unit_price, freight=draft.freight)


def ruled_out(
    session: Session, desk: Desk, sku_id: int, region: str, now: datetime
) -> Reason | None:
    """Why the operators' own rules keep a SKU from being bought anywhere, whatever its stock. A
    bundle without an offer of its own is as its parts are. System scope."""
    offers: dict[int, list[Supply]] = {}
    for one in supplies.load(session, desk, [sku_id], region):
        if one.live and one.cost is not None:
            offers.setdefault(one.sku_id, []).append(one)
    sold = [offers[sku_id]] if sku_id in offers else list(offers.values())
    for some in sold:
        if all(one.ruling is not None and one.ruling.then == "never" for one in some):
            code = "ruled_out"
            return Reason(code, planning.MESSAGES[code], planning.until(code, some, now))
    return None


_FINER = {
    "out_of_stock": frozenset({"stock_short"}),
    "quantity_step": frozenset({"moq", "multiple"}),
}
"""What the catalogue says more finely than routing."""


def joined(found: Sellable, met: Verdict) -> Sellable:
    """What the catalogue found, as far as routing agrees. Pure.

    A reason that the catalogue has for one offer counts only if no way of buying is left, and if
    an order would be refused for it; else the one that routing sees is told. Reasons of retail
    prices are the catalogue's own.
    """
    own = [reason for reason in found.reasons if reason.code not in selling.OF_OFFERS]
    if met.code is None:
        return replace(
            found,
            sellable=not own,
            reasons=own,
            price=met.unit_price,
            freight_amount=met.freight,
        )
    alike = _FINER.get(met.code, frozenset()) | {met.code}
    told = [reason for reason in found.reasons if reason.code in alike]
    told = told or [Reason(met.code, planning.MESSAGES[met.code], met.until)]
    reasons = own + [reason for reason in told if reason not in own]
    return replace(found, sellable=False, reasons=reasons)
