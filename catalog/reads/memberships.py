"""For which offers a SKU stood at which time, by the merges and splits that were written down.

Offers move between SKUs only by those (`catalog.matching.joining`), and none is ever deleted.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

BEGINNING = datetime.min.replace(tzinfo=UTC)


class Move(NamedTuple):
    """Offers that moved from one SKU to another; a merge may be undone."""

    at: datetime
    kind: str
    from_sku: int
    to_sku: int
    offers: frozenset[int]
    undone_at: datetime | None

    def leads(self, sku: int, moment: datetime) -> bool:
        """Whether `sku` was merged away by it at `moment`."""
        undone = self.undone_at is not None and self.undone_at <= moment
        return self.kind == "merge" and self.from_sku == sku and self.at <= moment and not undone


@dataclass(frozen=True)
class Memberships:
    """What became of a SKU, and of the offers that were ever under it or where it led."""

    sku: int
    moves: tuple[Move, ...]
    """In their order."""
    now: dict[int, int]
    """The SKU of each offer today."""

    def standing(self, moment: datetime) -> int:
        """The SKU for which this one stood: itself, unless it was merged away then."""
        sku, passed = self.sku, set[int]()
        while sku not in passed:
            passed.add(sku)
            last = next((one for one in reversed(self.moves) if one.leads(sku, moment)), None)
            sku = sku if last is None else last.to_sku
        return sku

    def offers(self, moment: datetime) -> set[int]:
        """The offers that were under it at `moment`."""
        standing = self.standing(moment)
        return {offer for offer in self.now if self._sku_of(offer, moment) == standing}

    def changes(self) -> Iterator[tuple[datetime, set[int], set[int]]]:
        """Which offers came and which left, and when; the first ones at the beginning."""
        moments = {one.at for one in self.moves} | {
            one.undone_at for one in self.moves if one.undone_at is not None
        }
        known = [(BEGINNING, set[int]())]
        known += [(moment, self.offers(moment)) for moment in (BEGINNING, *sorted(moments))]
        for (_, before), (moment, after) in pairwise(known):
            yield moment, after - before, before - after

    def _sku_of(self, offer: int, moment: datetime) -> int:
        own = [one for one in self.moves if offer in one.offers]
        past = [one for one in own if one.at <= moment]
        if past:
            return past[-1].to_sku
        return own[0].from_sku if own else self.now[offer]


_EVER = """
    WITH RECURSIVE led AS (
      SELECT CAST(:sku AS bigint) AS sku
      UNION SELECT r.to_sku FROM led JOIN regroupings r
        ON r.from_sku = led.sku AND r.kind = 'merge')"""
"""The SKU, and those that it ever led to."""
_MOVES = text(f"""{_EVER}
    SELECT at, kind, from_sku, to_sku, offers, undone_at FROM regroupings
    WHERE from_sku IN (SELECT sku FROM led) OR to_sku IN (SELECT sku FROM led) ORDER BY id
""")  # noqa: S608 - a query of ours
_OFFERS = text(f"""{_EVER}
    SELECT id, sku_id FROM offers WHERE sku_id IN (SELECT sku FROM led)
    UNION SELECT id, sku_id FROM offers WHERE id = ANY(:offers)
""")  # noqa: S608 - a query of ours


def of(session: Session, sku: int) -> Memberships:
    """What is known of one SKU."""
    rows = session.execute(_MOVES, {"sku": sku})
    moves = tuple(
        Move(r.at, r.kind, r.from_sku, r.to_sku, frozenset(r.offers), r.undone_at) for r in rows
    )
    moved = {offer for one in moves for offer in one.offers}
    found = session.execute(_OFFERS, {"sku": sku, "offers": sorted(moved)})
    return Memberships(sku, moves, {row.id: row.sku_id for row in found})
