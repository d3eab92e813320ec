"""What names people is erased, wherever their orders have left it; orders and money stay.

One road for a person's own request and for age. Regions stay, by which no person is known, and so
do the log of openings and the books.
"""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from trade import cutoff_sheets

_PEOPLE = text("""
    UPDATE recipients SET envelope = '', mobile_hash = '', address_hash = '', mask =
        jsonb_build_object('name', '***', 'mobile', '***', 'region', region, 'address', '***')
    WHERE id = ANY(:ids) AND envelope <> ''
""")
_ORDERS = text("""
    UPDATE orders SET content_hash = '', buyer_note = NULL
    WHERE id = ANY(:orders)
""")
_PURCHASES = text("""
    UPDATE purchases SET note = NULL, failure = CASE WHEN failure IS NOT NULL THEN '***' END
    WHERE order_id = ANY(:orders)
""")
_NEWS = text("""
    DELETE FROM parcel_events e USING parcels p
    WHERE p.order_id = ANY(:orders) AND e.parcel_id = p.id
""")
_ANSWERS = text("UPDATE platform_claims SET message = NULL WHERE claim_id = ANY(:claims)")
_SIGNUPS = text("UPDATE signups SET note = '' WHERE recipient_id = ANY(:ids)")
_ADDRESSES = text("""
    UPDATE address_requests SET message = NULL WHERE message IS NOT NULL AND (
        recipient_id = ANY(:ids) OR former_id = ANY(:ids) OR order_id = ANY(:orders))
""")
_THEIRS = text("""
    SELECT order_id FROM purchases WHERE recipient_id = ANY(:ids)
    UNION SELECT id FROM orders WHERE recipient_id = ANY(:ids)
""")
_CLAIMS = text("""
    UPDATE claims SET reason = '***', evidence = '[]',
        answer = CASE WHEN answer IS NOT NULL THEN '***' END
    WHERE order_id = ANY(:orders) RETURNING id
""")
_EVIDENCE = text("""
    DELETE FROM evidence WHERE claim_ids <> '{}' AND claim_ids <@ CAST(:claims AS bigint[])
""")


@dataclass
class Shredded:
    """How many rows had something of these people."""

    recipients: int = 0
    orders: int = 0
    claims: int = 0
    evidence: int = 0
    sheets: int = 0


def shred(session: Session, ids: Collection[int]) -> Shredded:
    """Erase these recipients: envelopes, hashes, masks, what was noted for their orders, what
    suppliers, platforms and carriers said of these, what was said and shown in claims, and sheets
    to suppliers that name them. System scope."""
    if not ids:
        return Shredded()
    asked = {"ids": list(ids)}
    asked["orders"] = list(session.scalars(_THEIRS, asked))
    done = Shredded(sheets=cutoff_sheets.erase(session, ids))
    done.orders = _rows(session, _ORDERS, asked)
    if claims := list(session.scalars(_CLAIMS, asked)):
        done.claims = len(claims)
        done.evidence = _rows(session, _EVIDENCE, {"claims": claims})
        _rows(session, _ANSWERS, {"claims": claims})
    for statement in (_PURCHASES, _NEWS, _SIGNUPS, _ADDRESSES):
        _rows(session, statement, asked)
    done.recipients = _rows(session, _PEOPLE, asked)
    session.expire_all()
    return done


def _rows(session: Session, statement: object, values: dict[str, list[int]]) -> int:
    return int(session.execute(statement, values).rowcount)  # type: ignore[call-overload]
