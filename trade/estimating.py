"""Many orders of one party priced at one moment, from what is read once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from catalog import bundles, corridors
from kit.statements import send
from trade import limits, pricing, selections, supplies
from trade.bundling import Made
from trade.desk import Desk
from trade.planning import Bought, Draft, Resolved, Terms, drafted
from trade.supplies import Shelf


@dataclass(frozen=True)
class Estimates:
    """What prices many orders of one party at one moment, read once."""

    _shelf: Shelf
    _terms: Terms
    _party: int
    _now: datetime
    _made: Made

    def draft(self, lines: Sequence[Resolved], region: str) -> Draft:
        """As `load` would have it, without limits that count what was ordered before."""
        skus = [line.sku_id for line in lines]
        parts = [part for sku in skus for part, _ in self._made.get(sku, ())]
        offers = self._shelf.supplies([*skus, *parts], region)
        offers = limits.granted(offers, self._asks(region), self._now)
        bought = Bought(offers, self._made, region, self._now)
        return drafted(lines, [], bought, self._terms)

    def counted(self, draft: Draft, region: str) -> bool:
        """Whether brands limit what is ordered of these goods by what was ordered before."""
        offers = [one for few in draft.supplies.values() for one in few]
        return limits.counted(offers, self._asks(region), self._now)

    def take(self, draft: Draft, region: str) -> None:
        """What the draft buys is gone for the drafts that come after it."""
        for purchase in draft.plan.purchases:
            for one in purchase.takes:
                self._shelf.take(one.supply.offer_id, region, one.units)

    def _asks(self, region: str) -> limits.Asking:
        return limits.Asking(self._party, self._terms.reader.grants, region)


def estimates(
    session: Session,
    desk: Desk,
    party_id: int,
    sku_ids: Iterable[int],
    now: datetime,
    *,
    lock: bool = False,
) -> Estimates:
    """For many orders of these SKUs by one party; `lock` keeps stated stock as it is."""
    wanted = set(sku_ids)
    found = supplies.shelf(session, desk, wanted, lock=lock)
    [payer], chosen, made, allowed = send(
        session,
        pricing.question(party_id),
        selections.question(party_id, wanted),
        bundles.question(wanted),
        corridors.question(wanted, now),
    )
    reader = pricing.answered(session, payer, desk, party_id, now)
    terms = Terms(reader, selections.answered(chosen), corridors.answered(session, allowed))
    return Estimates(found, terms, party_id, now, bundles.answered(made))
