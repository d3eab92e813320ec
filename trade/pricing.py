"""What a party pays and may have: its role, level and head offices under the rules in force."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog import grants, pricebook
from catalog.pricebook import Pricebook
from catalog.pricing import Buyer
from catalog.readers import Readership
from catalog.shelf import Reader
from kit.statements import Query, send
from trade.desk import Desk

_BUYER = text("SELECT level, party_above(id) AS above FROM parties WHERE id = :party")


def buyer(session: Session, party_id: int) -> Buyer:
    """The party as price rules look at it; one that is not there is nobody."""
    row = session.execute(_BUYER, {"party": party_id}).one_or_none()
    return Buyer() if row is None else Buyer(party_id, frozenset(row.above), row.level)


def question(party_id: int) -> Query:
    """What `answered` needs to know of the party and the rules in force, in one row."""
    return (
        """
        SELECT p.level, p.above, v.id AS version, v.rules, v.brands, c.closed
        FROM (SELECT 1) AS always
        LEFT JOIN (SELECT level, party_above(id) AS above FROM parties WHERE id = %s) p ON true
        LEFT JOIN (SELECT {stored} FROM pricing_versions ORDER BY id DESC LIMIT 1) v ON true
        CROSS JOIN (SELECT granting_sources() AS closed) c
        """.replace("{stored}", pricebook.STORED),
        [party_id],
    )


def answered(session: Session, row: Any, desk: Desk, party_id: int, now: datetime) -> Reader:
    """As `leader`, by the answer to `question`."""
    found = Buyer() if row.above is None else Buyer(party_id, frozenset(row.above), row.level)
    book = Pricebook()
    if row.version is not None:
        book = pricebook.read(row.version, row.rules, row.brands)
    readers = Readership(desk.lists, desk.policies, book, desk.ordinary.policy)
    reader = readers.reader("leader", found, now)
    return replace(reader, grants=grants.given(session, row.closed, party_id))


def leader(session: Session, desk: Desk, party_id: int, now: datetime) -> Reader:
    """How the party reads the catalogue as somebody who resells, and what it pays."""
    [[row]] = send(session, question(party_id))
    return answered(session, row, desk, party_id, now)
