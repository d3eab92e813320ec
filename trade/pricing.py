"""What a party pays and may have: its role, level and head offices under the rules in force."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog import grants, pricebook
from catalog.pricing import Buyer, price_lists
from catalog.readers import Readership
from catalog.shelf import Reader, SourcePolicy
from trade.desk import Desk

_BUYER = text("SELECT level, party_above(id) AS above FROM parties WHERE id = :party")


def buyer(session: Session, party_id: int) -> Buyer:
    """The party as price rules look at it; one that is not there is nobody."""
    row = session.execute(_BUYER, {"party": party_id}).one_or_none()
    return Buyer() if row is None else Buyer(party_id, frozenset(row.above), row.level)


def leader(session: Session, desk: Desk, party_id: int, now: datetime) -> Reader:
    """How the party reads the catalogue as somebody who resells, and what it pays."""
    policies = {code: terms.policy for code, terms in desk.sources.items()}
    lists = price_lists(desk.markup_percent)
    ordinary = SourcePolicy(refusal_risk=desk.refusal_risk)
    here = Readership(lists, policies, pricebook.current(session), ordinary)
    reader = here.reader("leader", buyer(session, party_id), now)
    return replace(reader, grants=grants.of(session, party_id))
