"""How a party read the catalogue at any moment of the past."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from api.callers import Caller
from catalog import grants
from catalog.grants import ALWAYS_OPEN
from catalog.pricebook import Pricebook
from catalog.reads import hindsight
from catalog.reads.hindsight import Hindsight, Whose
from kit.ids import inside
from trade import parties, standings


def of(
    session: Session,
    caller: Caller,
    books: Sequence[tuple[datetime, Pricebook]],
    party: str | None = None,
) -> Hindsight:
    """How the caller read while these price rules were in force; for an operator, how `party` did.

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
    eyes = Whose(role, lambda moment: stood.buyer(number, moment), stood.turns(), granted)
    return hindsight.of(caller.office.terms.readership, books, eyes)
