"""Where parties stood: their level, and under whom, now and at any moment before."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog.pricing import Buyer
from kit.db import end_version, read_clock
from trade.models import Party, PartyStanding

_OF = text("""
    SELECT party_id, began_at, ended_at, level, parent_id FROM standings_of(:parties)
    ORDER BY party_id, began_at
""")


class Standing(NamedTuple):
    """Where a party stood for some time."""

    began: datetime
    ended: datetime | None
    level: str | None
    parent: int | None


@dataclass(frozen=True)
class Standings:
    """Where some parties ever stood, and all who ever stood above them."""

    _stood: Mapping[int, Sequence[Standing]] = field(default_factory=dict)

    def buyer(self, party: int, moment: datetime) -> Buyer:
        """The party as price rules and grants looked at it at `moment`."""
        own = self._at(party, moment)
        above: set[int] = set()
        parent = own and own.parent
        while parent is not None and parent not in above:
            above.add(parent)
            next_one = self._at(parent, moment)
            parent = next_one and next_one.parent
        return Buyer(party, frozenset(above), own and own.level)

    def turns(self) -> Iterator[datetime | None]:
        """When one of them came to stand elsewhere."""
        for spans in self._stood.values():
            for one in spans:
                yield from (one.began, one.ended)

    def _at(self, party: int, moment: datetime) -> Standing | None:
        held = (one for one in reversed(self._stood.get(party, ())) if one.began <= moment)
        last = next(held, None)
        return last if last and (last.ended is None or moment < last.ended) else None


def of(session: Session, parties: Collection[int]) -> Standings:
    """What is known of these parties: in system scope, or one party in its own."""
    found: dict[int, list[Standing]] = {}
    for party, *stood in session.execute(_OF, {"parties": sorted(parties)}):
        found.setdefault(party, []).append(Standing(*stood))
    return Standings(found)


def keep(session: Session, party: Party) -> None:
    """Write down that the party, which this transaction has locked, stands elsewhere from now on.
    System scope."""
    now = read_clock(session)
    kept = PartyStanding
    end_version(session, kept, now, kept.party_id == party.id)
    if party.level is not None or party.parent_id is not None:
        standing = kept(
            party_id=party.id, began_at=now, level=party.level, parent_id=party.parent_id
        )
        session.add(standing)
