"""Which of our purchases became which requisition.

The platform takes no reference of ours. So a purchase is written down before it is applied for,
with its lines and keyed hashes of its recipient, and after an unknown outcome its requisition is
looked for by time, lines and address.
"""

import hashlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import UniqueConstraint, select, text, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Mapped, Session, mapped_column

from connectors.model import ShipTo
from connectors.tokens import Tokens
from kit.db import Base, Utc

LOOKED_FOR = timedelta(days=30)
"""So long after it was tried a requisition can still be looked for."""


class FenxiaoRequisition(Base):
    """A purchase that was applied for, or was about to be; `ref` is the platform's, once known."""

    __tablename__ = "fenxiao_requisitions"
    __table_args__ = (UniqueConstraint("source", "ref"),)

    source: Mapped[str] = mapped_column(primary_key=True)
    our_ref: Mapped[str] = mapped_column(primary_key=True)
    units: Mapped[dict[str, Any]] = mapped_column(postgresql.JSONB)
    recipient: Mapped[bytes]
    mobile_tail: Mapped[bytes]
    begun_at: Mapped[Utc]
    ref: Mapped[str | None]
    created_at: Mapped[Utc] = mapped_column(server_default=text("clock_timestamp()"))


@dataclass(frozen=True)
class Applied:
    """One row of the above."""

    our_ref: str
    units: dict[str, int]
    recipient: bytes
    mobile_tail: bytes
    begun_at: datetime
    ref: str | None = None


class Register:
    """The rows of one source; without a database they live in this process only."""

    def __init__(self, source: str, tokens: Tokens) -> None:
        self._source = source
        self._tokens = tokens
        self._own: dict[str, Applied] = {}
        self._lock = threading.Lock()

    def of(self, our_ref: str) -> Applied | None:
        """What was written down about a purchase."""
        if self._tokens.database is None:
            return self._own.get(our_ref)
        with self._tokens.database.as_system() as session:
            row = session.get(FenxiaoRequisition, (self._source, our_ref))
            return _read(row) if row else None

    def begin(self, our_ref: str, units: Mapping[str, int], to: ShipTo, now: datetime) -> Applied:
        """Write down what is about to be applied for; the first try's time stays."""
        known = self.of(our_ref)
        made = Applied(
            our_ref,
            dict(units),
            self.hashes(to.name, to.mobile, to.address)[0],
            self.hashes(to.mobile[-4:])[0],
            known.begun_at if known else now,
        )
        self._put(made)
        self._forget(now)
        return made

    def bind(self, our_ref: str, ref: str) -> None:
        """Note which requisition a purchase became: nobody looks for its recipient any more."""
        known = self.of(our_ref)
        if known is not None:
            self._put(replace(known, ref=ref, recipient=b"", mobile_tail=b""))

    def bound(self, refs: set[str]) -> set[str]:
        """Those of the platform's requisitions that belong to purchases of ours already."""
        if self._tokens.database is None:
            return refs & {one.ref for one in self._own.values() if one.ref}
        with self._tokens.database.as_system() as session:
            found = session.scalars(
                select(FenxiaoRequisition.ref).where(
                    FenxiaoRequisition.source == self._source, FenxiaoRequisition.ref.in_(refs)
                )
            )
            return {ref for ref in found if ref}

    def hashes(self, *words: str) -> tuple[bytes, ...]:
        """Keyed hashes of a recipient's words, spaces aside; the one to keep is the first."""
        plain = "\n".join("".join(word.split()) for word in words)
        if self._tokens.keyring is not None:
            return self._tokens.keyring.fingerprints(plain, "fenxiao-recipient")
        return (hashlib.blake2b(plain.encode(), digest_size=16).digest(),)

    def _forget(self, now: datetime) -> None:
        """Of what was never found in its time, nobody keeps whom it was for."""
        if self._tokens.database is None:
            return
        with self._tokens.database.as_system() as session:
            session.execute(
                update(FenxiaoRequisition)
                .where(
                    FenxiaoRequisition.source == self._source,
                    FenxiaoRequisition.begun_at < now - LOOKED_FOR,
                    FenxiaoRequisition.recipient != b"",
                )
                .values(recipient=b"", mobile_tail=b"")
            )

    def _put(self, made: Applied) -> None:
        if self._tokens.database is None:
            with self._lock:
                self._own[made.our_ref] = made
            return
        with self._tokens.database.as_system() as session:
            _write(session, self._source, made)


def _write(session: Session, source: str, made: Applied) -> None:
    session.merge(
        FenxiaoRequisition(
            source=source,
            our_ref=made.our_ref,
            units=made.units,
            recipient=made.recipient,
            mobile_tail=made.mobile_tail,
            begun_at=made.begun_at,
            ref=made.ref,
        )
    )


def _read(row: FenxiaoRequisition) -> Applied:
    return Applied(
        row.our_ref, dict(row.units), row.recipient, row.mobile_tail, row.begun_at, row.ref
    )


Hashes = Callable[..., tuple[bytes, ...]]


def same_recipient(applied: Applied, receiver: Mapping[str, Any], hashes: Hashes) -> bool:
    """Whether a requisition goes to the recipient that was written down.

    Where the platform masks it, the last digits of the mobile have to do.
    """
    said = [str(receiver.get(key) or "") for key in ("name", "mobile_phone", "address")]
    mobile = said[1] or str(receiver.get("phone") or "")
    if any("*" in word for word in (said[0], mobile, said[2])):
        return "*" in mobile[-4:] or applied.mobile_tail in hashes(mobile[-4:])
    return applied.recipient in hashes(said[0], mobile, said[2])
