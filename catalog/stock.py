"""What a source stated to have, less what our own open purchases have taken of it.

A stated number is never sold twice: `reserve` locks the stock rows first and counts the open
reservations in a statement of its own, whose snapshot sees all that was committed before the lock.
An offer without a stated number cannot run out here; its reservations are kept all the same, so
that they count as soon as the source states one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session


@dataclass(frozen=True)
class Level:
    """What can be sold of one offer. `quantity` is None where the source stated no number."""

    state: str
    quantity: int | None
    as_of: datetime


@dataclass(frozen=True)
class Want:
    """Units of an offer that one purchase line takes; `reference` names the line, once."""

    reference: str
    offer_id: int
    units: int


@dataclass(frozen=True)
class Shortage:
    """An offer of which fewer than the wanted units are left."""

    offer_id: int
    wanted: int
    left: int


_LEVELS = text("""
    SELECT DISTINCT ON (s.offer_id) s.offer_id, s.region, s.state, s.as_of, s.quantity - coalesce((
        SELECT sum(r.units) FROM reservations r
        WHERE r.offer_id = s.offer_id AND r.region = s.region AND r.released_at IS NULL
          AND (r.known_at IS NULL OR r.known_at >= s.as_of)), 0) AS quantity
    FROM stocks s WHERE s.offer_id = ANY(:offers) AND starts_with(:region, s.region)
    ORDER BY s.offer_id, length(s.region) DESC
""")

_LOCK = text("""
    SELECT offer_id FROM stocks
    WHERE offer_id = ANY(:offers) AND quantity IS NOT NULL AND starts_with(:region, region)
    ORDER BY offer_id, region FOR UPDATE
""")

_TAKE = text("""
    INSERT INTO reservations (offer_id, region, reference, units)
    VALUES (:offer_id, :region, :reference, :units)
""")


def available(session: Session, offer_ids: Iterable[int], region: str) -> dict[int, Level]:
    """What is left of each offer for delivery to `region` (a GB/T 2260 code, or "").

    An offer that its source says nothing about is absent from the answer.
    """
    return {offer_id: level for offer_id, (_, level) in _levels(session, offer_ids, region).items()}


def lock(session: Session, offer_ids: Iterable[int], region: str) -> set[int]:
    """Keep every stated number of these offers until this transaction ends; returns whose."""
    rows = session.execute(_LOCK, {"offers": sorted(set(offer_ids)), "region": region})
    return {row.offer_id for row in rows}


def reserve(session: Session, wants: Sequence[Want], region: str) -> list[Shortage]:
    """Take the units of every want, or none of them: then the shortages are returned."""
    wanted: dict[int, int] = {}
    for want in wants:
        wanted[want.offer_id] = wanted.get(want.offer_id, 0) + want.units
    levels = _locked_levels(session, wanted, region)
    short = [
        Shortage(offer_id, units, left)
        for offer_id, units in wanted.items()
        if offer_id in levels and (left := _left(levels[offer_id][1])) is not None and left < units
    ]
    if not short:
        session.execute(
            _TAKE,
            [
                {
                    "offer_id": want.offer_id,
                    "region": levels[want.offer_id][0] if want.offer_id in levels else "",
                    "reference": want.reference,
                    "units": want.units,
                }
                for want in wants
            ],
        )
    return short


def release(session: Session, units: Mapping[str, int]) -> None:
    """Give back so many units of each reference; what was given back before stays given back."""
    for reference, given in sorted(units.items()):
        session.execute(
            text("""
                UPDATE reservations SET units = greatest(units - :given, 0),
                    released_at = CASE WHEN units <= :given THEN clock_timestamp() END
                WHERE reference = :reference AND released_at IS NULL
            """),
            {"reference": reference, "given": given},
        )


def known(session: Session, references: Iterable[str], at: datetime) -> None:
    """The source knows of these purchases since `at`: a later statement of its counts them in."""
    session.execute(
        text("""
            UPDATE reservations SET known_at = :at
            WHERE reference = ANY(:references) AND known_at IS NULL AND released_at IS NULL
        """),
        {"references": sorted(references), "at": at},
    )


def settle(session: Session) -> int:
    """Close reservations that a younger statement of their source counts in; returns how many."""
    gone = session.execute(
        text("""
            UPDATE reservations r SET released_at = clock_timestamp() FROM stocks s
            WHERE r.released_at IS NULL AND s.offer_id = r.offer_id AND s.region = r.region
              AND r.known_at < s.as_of
        """)
    )
    return int(gone.rowcount)  # type: ignore[attr-defined]


def _locked_levels(
    session: Session, offer_ids: Iterable[int], region: str
) -> dict[int, tuple[str, Level]]:
    """Levels of which every stated number is locked, even one stated a moment ago."""
    while True:
        locked = lock(session, offer_ids, region)
        levels = _levels(session, offer_ids, region)
        if all(level.quantity is None or offer in locked for offer, (_, level) in levels.items()):
            return levels


def _levels(
    session: Session, offer_ids: Iterable[int], region: str
) -> dict[int, tuple[str, Level]]:
    rows = session.execute(_LEVELS, {"offers": sorted(set(offer_ids)), "region": region})
    return {row.offer_id: (row.region, _level(row.state, row.quantity, row.as_of)) for row in rows}


def _level(state: str, quantity: int | None, as_of: datetime) -> Level:
    if quantity is not None and quantity <= 0 and state in ("in_stock", "low"):
        return Level("out", 0, as_of)  # all of it is in our own purchases
    return Level(state, None if quantity is None else max(int(quantity), 0), as_of)


def _left(level: Level) -> int | None:
    return 0 if level.state == "out" else level.quantity
