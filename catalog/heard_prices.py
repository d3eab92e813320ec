"""What a source told of single prices when it was asked about one purchase: the newest facts.

Written like any other change of a price, with its version, point of history and event. What units
of several cost together may be less than each alone does: such a price is written only where it is
no lower than the one we hold.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import text
from sqlalchemy.orm import Session

_LOCK = text("SELECT FROM offers WHERE id = ANY(:offers) ORDER BY id FOR UPDATE")
_WRITE = text("""
    WITH told AS (
        SELECT o.id AS offer_id, o.sku_id, o.version + 1 AS version, o.state = 'live' AS live,
               h.price, h.price <> p.price AS moved,
               (SELECT jsonb_object_agg(mode, price::text) FROM prices WHERE offer_id = o.id) AS was
        FROM unnest(CAST(:offers AS bigint[]), CAST(:units AS bigint[]),
                    CAST(:prices AS numeric(14,4)[])) AS h (offer_id, units, price)
        JOIN offers o ON o.id = h.offer_id
        JOIN prices p ON p.offer_id = o.id AND p.mode = 'dropship'
        WHERE p.as_of <= :at AND (h.units = 1 OR h.price >= p.price)),
    stated AS (
        UPDATE prices p SET price = t.price, as_of = :at FROM told t
        WHERE p.offer_id = t.offer_id AND p.mode = 'dropship'),
    points AS (
        INSERT INTO price_points (offer_id, mode, version, price, at)
        SELECT offer_id, 'dropship', version, price, clock_timestamp() FROM told WHERE moved),
    news AS (
        INSERT INTO changes (offer_id, version, kind, sku_id, was, now, at)
        SELECT offer_id, version, 'price', sku_id, was,
               was || jsonb_build_object('dropship', price::text), clock_timestamp()
        FROM told WHERE moved AND live)
    UPDATE offers o SET version = t.version, content_hash = ''
    FROM told t WHERE t.moved AND o.id = t.offer_id
""")
"""The hash no longer speaks of all that we hold: the next listing looks at the offer again."""


@dataclass(frozen=True)
class Heard:
    """A source asks `price` CNY a unit for so many `units` of an offer, sold by the piece."""

    offer_id: int
    units: int
    price: Decimal


def write(session: Session, heard: Sequence[Heard], at: datetime) -> None:
    """Make these the prices of their offers, unless something younger than `at` is known.

    Of several prices of one offer the last counts. System scope.
    """
    if not heard:
        return
    by_offer = {one.offer_id: one for one in heard}
    asked = {
        "offers": list(by_offer),
        "units": [one.units for one in by_offer.values()],
        "prices": [one.price for one in by_offer.values()],
        "at": at,
    }
    session.execute(_LOCK, asked)
    session.execute(_WRITE, asked)
