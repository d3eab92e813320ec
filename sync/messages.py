"""Message-driven pulls: a message is a hint, the fact is read again, committed, then acknowledged.

Messages may come twice, late and in any order: what they hint at is read as it is now, so that
none of this changes the end. A message about orders is kept for trade before it is acknowledged.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

import orjson
import polars as pl
from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog import titles
from catalog.matching import wordings
from connectors.errors import Refused, TryLater, Unreadable
from connectors.model import Message, Notifies, Page, Reads, Reject, Source
from kit import clock
from kit.db import Database
from kit.errors import Problem
from kit.inbox import receive
from kit.outbox import say
from sync import judging, runs, staging, states
from sync.apply import Traits, apply
from sync.lease import Held
from sync.runs import RunReport

TRADE = ("order", "parcel", "claim")
"""Topics that trade acts upon; kept in the inbox under `sender(source)`."""
NEWS = "trade.news"
"""The wake-up that tells trade of them; its key is the source's code."""

_ROWS = "told_rows"
_TABLES = (
    f"CREATE TEMP TABLE {_ROWS} (n bigint, hash bytea, leaves boolean DEFAULT false,"
    f" {staging.ROW_TYPES}) ON COMMIT DROP",
)
_CONFIRMED = f"""UPDATE offers o SET seen_at = :as_of FROM {_ROWS} r WHERE o.source = :source
    AND o.external_id = r.external_id AND o.content_hash = r.hash AND o.state <> 'gone'
    AND NOT r.leaves"""  # noqa: S608 - our own table's name
_LEAVING = f"""INSERT INTO {_ROWS} (n, external_id, hash, leaves)
    SELECT :count + row_number() OVER (ORDER BY external_id), external_id, '', true FROM (
      SELECT external_id FROM offers WHERE source = :source AND external_id = ANY(:ids)
      UNION SELECT external_id FROM offers WHERE source = :source AND listing = ANY(:ids)
      UNION SELECT external_id FROM offers WHERE source = :source AND listing = ANY(:whole)
        AND listing IN (SELECT listing FROM {_ROWS})) o
    WHERE NOT EXISTS (SELECT FROM {_ROWS} r WHERE r.external_id = o.external_id)"""  # noqa: S608
"""What the source calls gone, be it a SKU or a listing, and the SKUs that a listing, asked for as
such and answered without fault, has no more."""
_EQUAL = f"""DELETE FROM {_ROWS} r USING offers o WHERE o.source = :source
    AND o.external_id = r.external_id AND o.content_hash = r.hash AND o.state <> 'gone'
    AND NOT r.leaves"""  # noqa: S608 - our own table's name


def sender(source: str) -> str:
    """The inbox's name for a source's messages."""
    return f"messages:{source}"


def heard(session: Session, source: str, messages: Iterable[Message]) -> int:
    """Keep messages that were pushed to us, before they are answered; returns how many are new.

    Those about orders wait in the inbox, those about goods until the source's next messages pull.
    """
    new = 0
    for message in messages:
        if message.topic in TRADE:
            _for_trade(session, source, message)
        if message.external_ids:
            done = session.execute(
                text("""INSERT INTO hints (source, message_id, topic, external_ids)
                    VALUES (:source, :id, :topic, CAST(:ids AS jsonb)) ON CONFLICT DO NOTHING"""),
                {
                    "source": source,
                    "id": message.id,
                    "topic": message.topic,
                    "ids": orjson.dumps(message.external_ids).decode(),
                },
            )
            new += done.rowcount  # type: ignore[attr-defined]
    states.begun(session, source, message_at=clock.now())
    return new


def drain(
    db: Database,
    source: Source,
    lease: Held,
    traits: Traits,
    until: datetime | None,
    told: Callable[[int], None],
) -> RunReport | None:
    """Read what waiting messages hint at until none waits; None when none did.

    Raises SupplierError when the source breaks off: what is not yet acknowledged comes again.
    """
    now = clock.now()
    with db.as_system() as session:
        states.begun(session, source.code, asked_at=now)
    work = _Work(db, source, lease, traits, told)
    try:
        while until is None or clock.now() < until:
            pushed = work.pushed()
            pulled = source.changes() if isinstance(source, Notifies) else []
            if not pushed and not pulled:
                break
            work.take([*pushed, *pulled])
            work.forget(pushed)
            if isinstance(source, Notifies) and pulled:
                source.ack(pulled)
                told(work.run_id or 0)
    except BaseException:
        work.end("failed")
        raise
    return work.end("done")


class _Work:
    """One run over messages."""

    def __init__(
        self,
        db: Database,
        source: Source,
        lease: Held,
        traits: Traits,
        told: Callable[[int], None],
    ) -> None:
        self._db, self._source, self._lease, self._told = db, source, lease, told
        self._traits = traits
        self.run_id: int | None = None

    def pushed(self) -> list[Message]:
        """Hints that were pushed to us, the oldest first."""
        with self._db.as_system() as session:
            rows = session.execute(
                text("""SELECT message_id, topic, external_ids FROM hints
                    WHERE source = :source ORDER BY received_at LIMIT 500"""),
                {"source": self._source.code},
            )
            return [Message(row.message_id, row.topic, tuple(row.external_ids)) for row in rows]

    def forget(self, pushed: Sequence[Message]) -> None:
        """These were read again and committed."""
        if pushed:
            with self._db.as_system() as session:
                self._lease.confirm(session)
                session.execute(
                    text("DELETE FROM hints WHERE source = :source AND message_id = ANY(:ids)"),
                    {"source": self._source.code, "ids": [one.id for one in pushed]},
                )

    def take(self, messages: Sequence[Message]) -> None:
        """Read again and commit all that these messages hint at."""
        with self._db.as_system() as session:
            self._lease.confirm(session)
            if self.run_id is None:
                self.run_id = runs.begin(
                    session, self._source.code, kind="messages", as_of=clock.now()
                )
            for message in messages:
                if message.topic in TRADE:
                    _for_trade(session, self._source.code, message)
            states.begun(session, self._source.code, message_at=clock.now())
        ids = list(dict.fromkeys(one for message in messages for one in message.external_ids))
        size = self._source.read_batch if isinstance(self._source, Reads) else 1
        for start in range(0, len(ids), size):
            self._read(ids[start : start + size])
        self._told(self.run_id)

    def end(self, state: str) -> RunReport | None:
        """The run is over; None when it never began."""
        if self.run_id is None:
            return None
        with self._db.as_system() as session:
            self._lease.confirm(session)
            runs.end(session, self.run_id, state)
            return runs.report(session, self.run_id)

    def _read(self, ids: Sequence[str]) -> None:
        """The items as they are now. One that cannot be read must not keep the others waiting."""
        if not isinstance(self._source, Reads):
            raise Problem(
                409, "reads_nothing", f"{self._source.code} sends messages but reads no items"
            )
        as_of = clock.now()
        try:
            page = self._source.read(ids)
        except TryLater:
            raise
        except (Refused, Unreadable) as error:
            if len(ids) > 1:
                self._read(ids[: len(ids) // 2])
                self._read(ids[len(ids) // 2 :])
                return
            page = Page(
                pl.DataFrame(), [Reject("message", 0, "external_id", ids[0], error.message)]
            )
        self._write(page, as_of, ids)

    def _write(self, page: Page, as_of: datetime, asked: Sequence[str]) -> None:
        assert self.run_id is not None  # noqa: S101 - `take` began it
        with self._db.as_system() as session:
            self._lease.confirm(session)
            changed, gone = write(
                session, self.run_id, self._source.code, page, as_of, self._traits, asked
            )
            staging.reject(session, self.run_id, page.rejects)
            session.execute(
                text("""UPDATE runs SET pages = pages + 1, seen = seen + :seen,
                    changed = changed + :changed, gone = gone + :gone,
                    rejected = rejected + :rejected WHERE id = :run"""),
                {
                    "seen": len(page.rows),
                    "changed": changed,
                    "gone": gone,
                    "rejected": len(page.rejects),
                    "run": self.run_id,
                },
            )


def write(
    session: Session,
    run_id: int,
    source: str,
    page: Page,
    as_of: datetime,
    traits: Traits,
    asked: Sequence[str] = (),
) -> tuple[int, int]:
    """Apply a page of items read one by one, in this transaction; (offers changed, gone)."""
    if page.rows.is_empty() and not page.gone:
        return 0, 0
    for statement in _TABLES:
        session.execute(text(statement))
    count = 0
    if not page.rows.is_empty():
        rows = page.rows.unique("external_id", keep="last", maintain_order=True)
        rows = rows.filter(~pl.col("external_id").is_in(page.gone))
        count = len(rows)
        rows = staging.slim(staging.hashed(rows, 1))
        staging.copy(session, _ROWS, staging.titled(rows, titles.rules(session)))
        if "brand" in rows.columns:
            wordings.register(session, rows["brand"].drop_nulls().unique().to_list())
    facts = {"source": source, "as_of": as_of}
    gone = {"count": count, "ids": list(page.gone), "whole": [] if page.rejects else list(asked)}
    leaving = session.execute(text(_LEAVING), facts | gone).rowcount  # type: ignore[attr-defined]
    session.execute(text(_CONFIRMED), facts)
    if not traits.states_stock:
        judging.stated_again(session, source, as_of, _ROWS)
    session.execute(text(_EQUAL), facts)
    span = (0, count + leaving)
    done = apply(
        session,
        run_id,
        source,
        as_of,
        _without_images(traits),
        rows=_ROWS,
        span=span,
    )
    session.execute(text(f"DROP TABLE {_ROWS}"))
    session.execute(text("DROP TABLE IF EXISTS batch"))
    return done


def _without_images(traits: Traits) -> Traits:
    return Traits(traits.quotes, traits.states_stock, traits.newer_wins, images=False)


def _for_trade(session: Session, source: str, message: Message) -> None:
    body = {
        "topic": message.topic,
        "refs": message.refs,
        "at": message.at.isoformat() if message.at else None,
        "replacement": message.replacement,
    }
    receive(session, sender(source), message.id, orjson.dumps(body))
    say(session, NEWS, source)
