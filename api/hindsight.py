"""How a party read the catalogue at any moment of the past."""

from datetime import datetime

from sqlalchemy.orm import Session

from api.callers import Caller
from catalog import grants, pricebook
from catalog.grants import ALWAYS_OPEN
from catalog.reads import hindsight
from catalog.reads.hindsight import Hindsight, Whose
from kit.ids import inside
from trade import parties, standings


def of(
    session: Session, caller: Caller, since: datetime, until: datetime, party: str | None = None
) -> tuple[Hindsight, int]:
    """How the caller read from `since` to `until`; for an operator, how `party` did. And which
    version of the price rules held at the end.

    Raises Problem 404.
    """
    who = caller.identity
    whose = who.party_id, who.role, who.source
    if caller.operates and party is not None:
        row = parties.get(session, inside("pty", party))
        whose = row.id, row.role, row.source
    number, role, own = whose
    stood = standings.of(session, [number])
    granted = ALWAYS_OPEN if role == "operator" else grants.ever(session, number, own=own)
    books = pricebook.between(session, since, until, number)
    eyes = Whose(role, lambda moment: stood.buyer(number, moment), stood.turns(), granted)
    version = books[-1][1].version if books else 0
    return hindsight.of(caller.office.terms.readership, books, eyes), version
