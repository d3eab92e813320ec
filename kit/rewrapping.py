"""Envelopes in the database, place by place: under which keys they are, and under another one.

A place is a column of envelopes. Rotation walks it in the order of its primary key, a few rows
in each transaction: heads alone are read and written, whatever the content weighs, and a row that
somebody else is at is left for the next walk. What is under the current key already is not touched,
so that a walk may be killed, repeated, or done by two at once.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import ColumnElement, LargeBinary, bindparam, func, select, tuple_, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from kit import log
from kit.crypto import HEAD, CannotOpen, Keyring

WINDOW = 1000
"""Rows that one transaction looks at."""
OF_FILES = 50
"""The same where an envelope may weigh megabytes: the database writes those anew."""
_ID = 4

_log = log.get(__name__)

Remake = Callable[[Keyring, bytes], Mapping[str, bytes]]
"""The keyed hashes of a row by their columns, from what its envelope holds."""


@dataclass(frozen=True)
class Turn:
    """What came of one window: rows looked at, envelopes re-wrapped, envelopes that do not open,
    and where the next window begins (None: the place is walked through)."""

    rows: int = 0
    done: int = 0
    broken: int = 0
    after: list[Any] | None = None


class Place(Protocol):
    """Somewhere in the database where envelopes are."""

    @property
    def name(self) -> str:
        """What people call it."""

    def count(self, session: Session) -> Counter[str]:
        """How many envelopes are under which key, by its name."""

    def turn(self, session: Session, keyring: Keyring, after: list[Any] | None) -> Turn:
        """Re-wrap what stands under a former key of the ring in one window."""


@dataclass(frozen=True)
class Column:
    """A column of envelopes; empty ones and NULL hold nothing.

    `context` is spelled with the row's other columns; `only` is said of a column that holds other
    things as well. `remake` gives the keyed hashes that are made anew with the envelope.
    """

    of: InstrumentedAttribute[Any]
    context: str
    only: ColumnElement[bool] | None = None
    remake: Remake | None = None
    window: int = WINDOW

    @property
    def name(self) -> str:
        """As table.column."""
        return f"{self._table.name}.{self.of.key}"

    def count(self, session: Session) -> Counter[str]:
        """How many envelopes are under which key, by its name."""
        heads = select(func.encode(self._id(), "hex").label("name")).where(self._holds()).subquery()
        found = session.execute(select(heads.c.name, func.count()).group_by(heads.c.name))
        return Counter({row[0]: row[1] for row in found})

    def turn(self, session: Session, keyring: Keyring, after: list[Any] | None) -> Turn:
        """Re-wrap what stands under a former key of the ring in one window."""
        keys = list(self._table.primary_key)
        former = self._holds() & self._id().in_([bytes.fromhex(one) for one in keyring.former])
        window = select(*keys, func.coalesce(former, False).label("old")).order_by(*keys)
        if after is not None:
            window = window.where(tuple_(*keys) > tuple_(*after))
        rows = session.execute(window.limit(self.window)).all()
        old = [tuple(row[:-1]) for row in rows if row.old]
        done, broken = self._rewrap(session, keyring, former, old) if old else (0, 0)
        more = len(rows) == self.window
        return Turn(len(rows), done, broken, list(rows[-1][:-1]) if more else None)

    def _rewrap(
        self,
        session: Session,
        keyring: Keyring,
        former: ColumnElement[bool],
        old: Sequence[tuple[Any, ...]],
    ) -> tuple[int, int]:
        keys = list(self._table.primary_key)
        read = self.of if self.remake else _part(self.of, HEAD)
        found = session.execute(
            select(*self._named(), read.label("sealed"))
            .where(tuple_(*keys).in_(old), former)
            .with_for_update(skip_locked=True)
        ).mappings()
        changes, broken = [], 0
        for row in found:
            try:
                changes.append(self._changed(keyring, row))
            except CannotOpen as error:
                broken += 1
                _log.error("An envelope cannot be opened", place=self.name, why=str(error))
        if changes:
            self._write(session, changes)
        return len(changes), broken

    def _changed(self, keyring: Keyring, row: Mapping[Any, Any]) -> dict[str, Any]:
        """The values of one row as its update binds them. Raises CannotOpen."""
        context = self.context.format(**row)
        made = self.remake(keyring, keyring.open(row["sealed"], context)) if self.remake else {}
        return {
            **{f"key_{column.name}": row[column.name] for column in self._table.primary_key},
            "head": keyring.rewrap(row["sealed"][:HEAD], context),
            **{f"new_{name}": value for name, value in made.items()},
        }

    def _write(self, session: Session, changes: Sequence[dict[str, Any]]) -> None:
        hashes = [name[4:] for name in changes[0] if name.startswith("new_")]
        head = bindparam("head", type_=LargeBinary)
        body = func.substr(self.of, HEAD + 1, type_=LargeBinary)
        statement = (
            update(self._table)
            .where(*(one == bindparam(f"key_{one.name}") for one in self._table.primary_key))
            .values({self.of.key: head.concat(body)} | {x: bindparam(f"new_{x}") for x in hashes})
        )
        session.connection().execute(statement, changes)

    def _holds(self) -> ColumnElement[bool]:
        filled = self.of.is_not(None) & (self.of != b"")
        return filled if self.only is None else filled & self.only

    def _id(self) -> ColumnElement[bytes]:
        return _part(self.of, _ID)

    def _named(self) -> list[Any]:
        """The columns by which a row and its context are known."""
        spelled = [one for one in self._table.columns if f"{{{one.name}}}" in self.context]
        return list(dict.fromkeys([*self._table.primary_key, *spelled]))

    @property
    def _table(self) -> Any:
        return self.of.class_.__table__


def _part(of: InstrumentedAttribute[Any], length: int) -> ColumnElement[bytes]:
    return func.substr(of, 1, length, type_=LargeBinary)


@dataclass
class Walk:
    """How far a walk through every place has come; it is kept as JSON between turns."""

    key: str
    place: int = 0
    after: list[Any] | None = None
    rows: int = 0
    done: int = 0
    broken: int = 0
    over: bool = False

    def step(self, session: Session, keyring: Keyring, places: Sequence[Place]) -> None:
        """One window further, in this transaction."""
        if self.place >= len(places) or not keyring.former:
            self.over = True
            return
        turn = places[self.place].turn(session, keyring, self.after)
        self.rows += turn.rows
        self.done += turn.done
        self.broken += turn.broken
        self.after = turn.after
        if turn.after is None:
            self.place += 1
            self.over = self.place >= len(places)
