"""What a source stated to have, less what our own open purchases have taken of it.

A stated number is never sold twice: who takes of it locks the stock rows first and counts the open
reservations in a statement of its own, whose snapshot sees all that was committed before the lock.
An offer without a stated number cannot run out here; its reservations are kept all the same, so
that they count as soon as the source states one.

A source states stock for everywhere ("") and for regions, and a statement covers every region that
begins with its own. A reservation holds where the goods go, and counts in every statement that
covers it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog.models import Reservation
from kit.statements import Query, insert


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


class Statement(NamedTuple):
    """What a source states for a region, and how much of it our open purchases have taken."""

    as_of: datetime
    region: str
    state: str
    quantity: int | None
    taken: int

    @property
    def left(self) -> int | None:
        """Units that are not taken; None where no number is stated."""
        return None if self.quantity is None else max(self.quantity - self.taken, 0)


TAKEN = """coalesce((
        SELECT sum(r.units) FROM reservations r
        WHERE r.offer_id = s.offer_id AND starts_with(r.region, s.region)
          AND r.released_at IS NULL AND (r.known_at IS NULL OR r.known_at >= s.as_of)), 0)"""
"""SQL: units of our open purchases that a row `s` of stocks does not count in yet."""

STATED = f"""(
    SELECT json_agg(json_build_array(s.as_of, s.region, s.state, s.quantity, {TAKEN}))::text
    FROM stocks s WHERE s.offer_id = {{offer}}
      AND (starts_with(%(region)s::text, s.region) OR %(region)s::text = ''))
"""  # noqa: S608 - no value in it
"""SQL: what is stated of an offer that counts in %(region)s, for `level`: a statement of its own
would look the offers up once more."""


def level(stated: str | None, region: str) -> Level | None:
    """What is left for delivery to `region` (a GB/T 2260 code, or ""), from STATED; None where its
    source says nothing."""
    if stated is None:
        return None
    rows = orjson.loads(stated)
    return level_of([Statement(datetime.fromisoformat(at), *of) for at, *of in rows], region)


def levels_of(rows: Iterable[Any], region: str) -> dict[int, Level]:
    """What is left of each offer for delivery to `region` (a GB/T 2260 code, or ""), from rows of
    stocks, sorted by offer, with what is TAKEN.

    An offer that its source says nothing about is absent from the answer.
    """
    return {
        offer_id: level_of(
            [Statement(r.as_of, r.region, r.state, r.quantity, int(r.taken)) for r in stated],
            region,
        )
        for offer_id, stated in groupby(rows, key=lambda row: int(row.offer_id))
    }


def level_of(stated: Sequence[Statement], region: str) -> Level:
    """What can be sold to `region` by these statements of one offer, at least one. Pure.

    The narrowest that covers the region decides. A wider one that states as much or more is the
    total that the narrower one is part of: no more is sold than is left of that, either. With no
    statement for everywhere and no region asked for, goods that any region has are on hand, in a
    number that nobody stated.
    """
    if len(stated) == 1 and region.startswith(stated[0].region):
        return _level(stated[0].state, stated[0].left, stated[0].as_of)  # as most goods have it
    covering = sorted(
        (one for one in stated if region.startswith(one.region)), key=lambda one: -len(one.region)
    )
    if not covering:
        return _somewhere(stated)
    own, *wider = covering
    bounds = [own.left, *(one.left for one in wider if _is_total(one, own))]
    numbers = [left for left in bounds if left is not None]
    return _level(own.state, min(numbers, default=None), own.as_of)


def shortages(wants: Iterable[Want], levels: Mapping[int, Level]) -> list[Shortage]:
    """What is wanted beyond these levels, which must be locked if they are to hold."""
    wanted: dict[int, int] = {}
    for want in wants:
        wanted[want.offer_id] = wanted.get(want.offer_id, 0) + want.units
    return [
        Shortage(offer_id, units, left)
        for offer_id, units in wanted.items()
        if offer_id in levels and (left := _left(levels[offer_id])) is not None and left < units
    ]


def taking(wants: Sequence[Want], region: str) -> Query:
    """What writes the reservations, at least one, of goods that go to `region`."""
    rows = [
        {
            "offer_id": want.offer_id,
            "region": region,
            "reference": want.reference,
            "units": want.units,
        }
        for want in wants
    ]
    return insert(Reservation, rows)


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
            UPDATE reservations SET known_at = :at WHERE id IN (
                SELECT id FROM reservations
                WHERE reference = ANY(:references) AND known_at IS NULL AND released_at IS NULL
                ORDER BY reference FOR UPDATE)
        """),
        {"references": sorted(references), "at": at},
    )


def settle(session: Session) -> int:
    """Close reservations that younger statements of their source all count in; returns how many.

    Those that somebody works on just now are left: there is another round soon.
    """
    gone = session.execute(
        text("""
            UPDATE reservations r SET released_at = clock_timestamp() WHERE r.id IN (
                SELECT id FROM reservations WHERE released_at IS NULL AND id IN (
                    SELECT r.id FROM reservations r
                    JOIN stocks s ON s.offer_id = r.offer_id AND starts_with(r.region, s.region)
                    WHERE r.released_at IS NULL AND r.known_at IS NOT NULL
                    GROUP BY r.id HAVING min(s.as_of) > r.known_at)
                ORDER BY reference FOR UPDATE SKIP LOCKED)
        """)
    )
    return int(gone.rowcount)  # type: ignore[attr-defined]


def _is_total(wider: Statement, own: Statement) -> bool:
    return bool(wider.quantity) and (own.quantity or 0) <= (wider.quantity or 0)


def _somewhere(stated: Sequence[Statement]) -> Level:
    as_of = min(one.as_of for one in stated)
    levels = [_level(one.state, one.left, one.as_of) for one in stated]
    for state in ("in_stock", "low", "unknown"):
        if any(level.state == state for level in levels):
            return Level(state, None, as_of)
    return Level("out", 0, as_of)


def _level(state: str, quantity: int | None, as_of: datetime) -> Level:
    if quantity is not None and quantity <= 0 and state in ("in_stock", "low"):
        return Level("out", 0, as_of)  # all of it is in our own purchases
    return Level(state, quantity, as_of)


def _left(level: Level) -> int | None:
    return 0 if level.state == "out" else level.quantity
