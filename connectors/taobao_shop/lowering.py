"""Which purchases have lowered a shop's stock already, so that none does it twice.

A row is written before the platform is told and marked after: whoever comes back after a crash
finds what was meant, and compares it with what the shop shows.
"""

import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Literal

from sqlalchemy import BigInteger, select, text
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base, Database, Utc, take_turn

State = Literal["begun", "done", "restored"]


class StockLowering(Base):
    """Units that one purchase takes off a SKU at the shop; `target` is what it then shows."""

    __tablename__ = "stock_lowerings"

    source: Mapped[str] = mapped_column(primary_key=True)
    our_ref: Mapped[str] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(primary_key=True)
    units: Mapped[int] = mapped_column(BigInteger)
    target: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str]
    created_at: Mapped[Utc] = mapped_column(server_default=text("clock_timestamp()"))


_turns: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
"""By source; taken first, so that one connection of a process waits for another, not all."""


@dataclass(frozen=True)
class Lowering:
    """One row of the above."""

    external_id: str
    units: int
    target: int
    state: State = "begun"


class Lowerings:
    """The rows of one source; without a database they live in this process only."""

    def __init__(self, source: str, database: Database | None) -> None:
        self._source = source
        self._database = database
        self._own: dict[str, dict[str, Lowering]] = {}
        self._lock = threading.Lock()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One purchase of the source at a time, in all processes: what the shop shows is read, and
        written as a full quantity, and another one's units must not come in between."""
        with _turns[self._source], ExitStack() as held:
            if self._database is not None:
                session = held.enter_context(self._database.as_system())
                take_turn(session, f"lowering {self._source}")
            yield

    def of(self, our_ref: str) -> list[Lowering]:
        """What a purchase has taken or was about to take."""
        if self._database is None:
            with self._lock:
                return list(self._own.get(our_ref, {}).values())
        with self._database.as_system() as session:
            found = session.scalars(
                select(StockLowering)
                .where(StockLowering.source == self._source, StockLowering.our_ref == our_ref)
                .order_by(StockLowering.external_id)
            )
            return [_read(row) for row in found]

    def begin(self, our_ref: str, wanted: Iterable[Lowering]) -> None:
        """Write down what is about to be taken."""
        if self._database is None:
            with self._lock:
                self._own.setdefault(our_ref, {}).update({one.external_id: one for one in wanted})
            return
        with self._database.as_system() as session:
            for one in wanted:
                session.merge(
                    StockLowering(
                        source=self._source,
                        our_ref=our_ref,
                        external_id=one.external_id,
                        units=one.units,
                        target=one.target,
                        state=one.state,
                    )
                )

    def mark(self, our_ref: str, states: Mapping[str, State]) -> None:
        """Note how far SKUs have come."""
        self.begin(
            our_ref,
            [
                replace(one, state=states[one.external_id])
                for one in self.of(our_ref)
                if one.external_id in states
            ],
        )


def _read(row: StockLowering) -> Lowering:
    known: dict[str, State] = {"begun": "begun", "done": "done", "restored": "restored"}
    return Lowering(row.external_id, row.units, row.target, known[row.state])
