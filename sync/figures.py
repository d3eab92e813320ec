"""Prices and stock read by calls of their own, in the platform's batches and in parallel.

Which figures: those that are due, by the worth of their offers (`sync.schedule`). A call takes no
transaction; answers are written set-wise, at most 5,000 or 2 seconds of them at a time.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from connectors.errors import Refused, SupplierError, TryLater, Unreadable
from connectors.model import PriceFact, Prices, Source, StockFact, Stocks
from kit import clock
from kit.db import Database, cursor
from kit.money import price_text
from sync import figures_sql as sql
from sync import runs, schedule
from sync.batches import MOST_ROWS, MOST_SECONDS
from sync.lease import Held
from sync.runs import RunReport

PRICE, STOCK = "price", "stock"
THREADS = 10
"""As many as a source keeps connections; its budget is what holds them back."""
AHEAD = 10 * THREADS
"""Calls that are handed out before their answers are written: writing must not idle the budget."""
RESERVE = 0.2
"""The share of a source's calls that is left to orders, messages and listings."""
_ROUND = 100_000
"""Due figures that are fetched from the database at a time."""

Fact = PriceFact | StockFact


@dataclass(frozen=True)
class Answer:
    """What one call told of the offers that it was asked for."""

    asked: Sequence[tuple[int, str]]
    at: datetime
    region: str
    facts: Sequence[Fact]
    failure: str | None = None


def refresh(
    db: Database,
    source: Source,
    kind: str,
    lease: Held,
    until: datetime | None,
    told: Callable[[int], None],
) -> RunReport | None:
    """Read what is due, until nothing is or the time is up; None when nothing was due.

    Raises SupplierError when the source will answer no further call now, after what it did answer
    is written; Fenced.
    """
    run_id: int | None = None
    facts = {"source": source.code, "kind": kind, "most": _ROUND, "began": clock.now()}
    while until is None or clock.now() < until:
        with db.as_system() as session:
            lease.confirm(session)
            rows = session.execute(text(sql.DUE), facts)
            due = [(row.offer_id, row.external_id) for row in rows]
            if due and run_id is None:
                run_id = runs.begin(session, source.code, kind=_run_kind(kind), as_of=clock.now())
        if not due or run_id is None:
            break
        try:
            _round(db, source, kind, lease, run_id, due, until, told)
        except SupplierError as error:
            _end(db, lease, run_id, "failed", error.message)
            raise
    if run_id is None:
        return None
    return _end(db, lease, run_id, "done", None)


def _run_kind(kind: str) -> str:
    return "prices" if kind == PRICE else "stock"


def _end(db: Database, lease: Held, run_id: int, state: str, failure: str | None) -> RunReport:
    with db.as_system() as session:
        lease.confirm(session)
        runs.end(session, run_id, state, failure)
        return runs.report(session, run_id)


def _round(
    db: Database,
    source: Source,
    kind: str,
    lease: Held,
    run_id: int,
    due: Sequence[tuple[int, str]],
    until: datetime | None,
    told: Callable[[int], None],
) -> None:
    spans = spans_of(db, source, kind)
    waiting: list[Answer] = []
    began = time.monotonic()
    stopped: SupplierError | None = None

    def write() -> None:
        if waiting:
            with db.as_system() as session:
                lease.confirm(session)
                changed = record(session, source.code, kind, waiting, spans)
                _progress(session, run_id, waiting, changed)
            waiting.clear()
            told(run_id)

    for answer in _answers(source, kind, due, until):
        if isinstance(answer, SupplierError):
            stopped = answer
            continue
        waiting.append(answer)
        facts = sum(len(one.facts) for one in waiting)
        if facts >= MOST_ROWS or time.monotonic() - began > MOST_SECONDS:
            write()
            began = time.monotonic()
    write()
    if stopped is not None:
        raise stopped


def _answers(
    source: Source, kind: str, due: Sequence[tuple[int, str]], until: datetime | None
) -> Iterator[Answer | SupplierError]:
    """Answers as they come; the error that ends it last, after the calls under way."""
    calls = _calls(source, kind, due)
    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(THREADS, thread_name_prefix=source.code))
        running: set[Future[Answer]] = set()
        stopped: SupplierError | None = None
        while True:
            if stopped is None and (until is None or clock.now() < until):
                for call in islice(calls, max(0, AHEAD - len(running))):
                    running.add(pool.submit(call))
            else:  # what has not begun is left for the next pull
                running = {future for future in running if not future.cancel()}
            if not running:
                break
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                try:
                    yield future.result()
                except SupplierError as error:
                    stopped = stopped or error
        if stopped is not None:
            yield stopped


def _calls(
    source: Source, kind: str, due: Sequence[tuple[int, str]]
) -> Iterator[Callable[[], Answer]]:
    """One callable a call."""
    if kind == PRICE:
        assert isinstance(source, Prices)  # noqa: S101 - the caller looked
        size, regions = source.price_batch, [""]
    else:
        assert isinstance(source, Stocks)  # noqa: S101 - the caller looked
        size, regions = source.stock_batch, list(source.settings.stock_regions)
    for start in range(0, len(due), size):
        for region in regions:
            yield _call(source, kind, due[start : start + size], region)


def _call(
    source: Source, kind: str, asked: Sequence[tuple[int, str]], region: str
) -> Callable[[], Answer]:
    def ask(some: Sequence[tuple[int, str]]) -> Answer:
        at = clock.now()
        ids = [external_id for _, external_id in some]
        facts: Sequence[Fact]
        if kind == PRICE:
            assert isinstance(source, Prices)  # noqa: S101 - the caller looked
            facts = source.prices(ids)
        else:
            assert isinstance(source, Stocks)  # noqa: S101 - the caller looked
            facts = source.stock(ids, region)
        return Answer(some, at, region, facts)

    def call() -> Answer:
        try:
            return ask(asked)
        except TryLater:
            raise
        except (Refused, Unreadable) as error:
            return _apart(ask, asked, region, error)

    return call


def _apart(
    ask: Callable[[Sequence[tuple[int, str]]], Answer],
    asked: Sequence[tuple[int, str]],
    region: str,
    error: SupplierError,
) -> Answer:
    """One bad SKU must not take a whole batch with it: the halves are asked alone."""
    if len(asked) == 1:
        return Answer(asked, clock.now(), region, [], error.message)
    found: list[Fact] = []
    at = clock.now()
    for some in (asked[: len(asked) // 2], asked[len(asked) // 2 :]):
        try:
            found += ask(some).facts
        except (Refused, Unreadable) as inner:
            found += _apart(ask, some, region, inner).facts
    return Answer(asked, at, region, found)


def record(
    session: Session,
    source: str,
    kind: str,
    answers: Sequence[Answer],
    spans: dict[int, float],
) -> int:
    """Write what the calls told, set-wise; returns how many offers changed."""
    columns = sql.PRICE_COLUMNS if kind == PRICE else sql.STOCK_COLUMNS
    session.execute(text("SET LOCAL plan_cache_mode = force_custom_plan"))
    session.execute(text(f"CREATE TEMP TABLE facts ({columns}) ON COMMIT DROP"))
    with cursor(session) as at, at.copy("COPY facts FROM STDIN") as rows:
        for answer in answers:
            for fact in answer.facts:
                rows.write_row(_row(fact, answer))
    facts = {"source": source}
    told, writes = (sql.PRICES_TOLD, sql.PRICES) if kind == PRICE else (sql.STOCK_TOLD, sql.STOCK)
    locks = (sql.LOCK,) if kind == PRICE else (sql.LOCK, sql.STOCK_LOCK)
    for statement in (*locks, told, *writes):
        session.execute(text(statement), facts)
    changed = session.execute(text(sql.VERSIONS)).rowcount  # type: ignore[attr-defined]
    _asked(session, kind, answers, spans)
    session.execute(text("DROP TABLE facts, told"))
    return int(changed)


def _row(fact: Fact, answer: Answer) -> tuple[Any, ...]:
    if isinstance(fact, StockFact):
        return fact.external_id, answer.region, fact.state, fact.quantity, answer.at
    tiers = [[n, price_text(price)] for n, price in fact.tiers]
    return (
        fact.external_id,
        fact.dropship,
        fact.bulk,
        fact.affiliate,
        fact.commission_rate,
        orjson.dumps(tiers).decode() if tiers else None,
        fact.valid_until,
        answer.at,
    )


def _asked(session: Session, kind: str, answers: Sequence[Answer], spans: dict[int, float]) -> None:
    """When each figure is due again; one that was not answered for waits its turn as well."""
    found: dict[int, tuple[datetime, bool]] = {}
    for answer in answers:
        told = {fact.external_id for fact in answer.facts}
        for offer_id, external_id in answer.asked:
            found[offer_id] = (answer.at, external_id in told)
    session.execute(
        text(sql.ASKED),
        {
            "spans": orjson.dumps({str(one): span for one, span in spans.items()}).decode(),
            "offers": list(found),
            "at": [at for at, _ in found.values()],
            "answered": [answered for _, answered in found.values()],
            "kind": kind,
        },
    )


def _progress(session: Session, run_id: int, answers: Sequence[Answer], changed: int) -> None:
    failed = [one for one in answers if one.failure]
    session.execute(
        text("""UPDATE runs SET pages = pages + :calls, seen = seen + :seen,
            changed = changed + :changed, rejected = rejected + :rejected WHERE id = :run"""),
        {
            "calls": len(answers),
            "seen": sum(len(one.facts) for one in answers),
            "changed": changed,
            "rejected": len(failed),
            "run": run_id,
        },
    )
    for one in failed:
        session.execute(
            text("""INSERT INTO run_rejects (run_id, file, line, "column", value, reason)
                VALUES (:run, '', 0, 'external_id', :id, :why)"""),
            {"run": run_id, "id": one.asked[0][1], "why": one.failure},
        )


def spans_of(db: Database, source: Source, kind: str) -> dict[int, float]:
    """Seconds between two readings of each class of this source's figures, at its budget."""
    with db.as_system() as session:
        counts = counts_of(session, source.code, kind)
    return schedule.spans(counts, per_second(source, kind))


def counts_of(session: Session, source: str, kind: str) -> dict[int, int]:
    """How many figures stand in each class."""
    rows = session.execute(text(sql.COUNTS), {"source": source, "kind": kind})
    return {worth: int(count) for worth, count in rows}


def per_second(source: Source, kind: str) -> float:
    """Figures of one kind that the source's budget reads a second, the reserve left out."""
    kinds = isinstance(source, Prices) + isinstance(source, Stocks)
    if kind == PRICE:
        size, regions = (source.price_batch if isinstance(source, Prices) else 1), 1
    else:
        size = source.stock_batch if isinstance(source, Stocks) else 1
        regions = len(source.settings.stock_regions)
    calls = source.settings.calls_per_second * (1 - RESERVE) / max(1, kinds)
    return calls * size / regions


def rate(session: Session, source: Source) -> None:
    """Put every offer of a source into its class of worth anew; cron does it hourly."""
    kinds = [PRICE] * isinstance(source, Prices) + [STOCK] * isinstance(source, Stocks)
    for kind in kinds:
        facts = {"source": source.code, "kind": kind}
        session.execute(text(sql.PRUNE), facts)
        session.execute(text(sql.ADD), facts)
        changed = [
            (row.offer_id, new)
            for row in session.execute(text(sql.STANDING), facts)
            if (new := schedule.worth(row.picked, row.sold, row.moves)) != row.worth
        ]
        session.execute(
            text(sql.PROMOTE),
            facts
            | {"offers": [one for one, _ in changed], "worths": [worth for _, worth in changed]},
        )
