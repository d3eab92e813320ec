"""Waybill numbers and carriers that were replaced: who names them once more tells no news."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

from sqlalchemy import text
from sqlalchemy.orm import Session

from kit.clock import SHANGHAI
from kit.errors import Problem
from trade.parcels import carriers

_RENUMBERED = text("""
    SELECT detail ->> 'was' AS was, detail ->> 'tracking_number' AS number,
           detail ->> 'carrier' AS carrier, detail ->> 'was_carrier' AS was_carrier, at
    FROM order_events WHERE order_id = :order AND kind = 'parcel_renumbered' ORDER BY id DESC
""")


@dataclass(frozen=True)
class Replaced:
    """The number that counts now in the place of a former one, and since when that is replaced."""

    number: str
    at: datetime


@dataclass(frozen=True)
class Former:
    """What the parcels of one order went by before."""

    numbers: Mapping[str, Replaced]
    carriers: Mapping[tuple[str, str], datetime]
    """Number and a carrier that it went by → since when it goes by another one."""

    def refuse_number(self, number: str, carried: Collection[str], way: str) -> None:
        """Raises Problem 409 `number_replaced` where one of the numbers that are `carried` took the
        place of this one; `way` says what to do if it is meant all the same."""
        by = self.numbers.get(number)
        if by is not None and by.number in carried:
            _refuse("number_replaced", f"{number} was replaced by {by.number}", by.at, way)

    def refuse_carrier(self, number: str, carrier: str, now: str, way: str) -> None:
        """Raises Problem 409 `carrier_replaced` where a number went by this carrier before."""
        since = self.carriers.get((number, carrier))
        if since is not None:
            told = f"{number} goes by {carriers.name(now)} since"
            _refuse("carrier_replaced", told, since, way, between=" ")


def _refuse(code: str, told: str, at: datetime, way: str, between: str = " on ") -> NoReturn:
    when = f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
    raise Problem(409, code, f"{told}{between}{when}; nothing was changed: {way}")


def former(session: Session, order_id: int) -> Former:
    """What an order's parcels went by."""
    session.flush()
    rows = session.execute(_RENUMBERED, {"order": order_id}).all()
    by: dict[tuple[str, str], datetime] = {}
    for row in rows:
        if row.was == row.number and row.was_carrier is not None:
            by.setdefault((row.number, row.was_carrier), row.at)
    return Former(latest(rows), by)


def latest(rows: Iterable[Any]) -> dict[str, Replaced]:
    """Each former number with the one that counts now, of rows `was`, `number`, `at` of which the
    newest is first. One that counts again is none."""
    now: dict[str, Replaced] = {}
    for row in rows:
        by = now.get(row.number)
        now.setdefault(row.was, Replaced(row.number if by is None else by.number, row.at))
    return {was: by for was, by in now.items() if by.number != was}
