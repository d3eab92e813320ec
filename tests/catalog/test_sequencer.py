"""The change feed is numbered after the commit: gap-free, in order, once."""

import threading
from datetime import UTC, datetime

import psycopg
from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog.sequencer import number_changes
from kit.db import Database, dsn

WRITE = """
    INSERT INTO changes (offer_id, version, kind, sku_id, at)
    SELECT %s, %s, 'price', 1, clock_timestamp()
"""


def number(database: Database, limit: int = 10_000) -> int:
    with database.as_system() as session:
        return number_changes(session, limit)


def feed(database: Database) -> list[tuple[int, int, int]]:
    with database.as_nobody() as session:
        rows = session.execute(
            text("SELECT seq, offer_id, version FROM changes WHERE seq IS NOT NULL ORDER BY seq")
        )
        return [(row.seq, row.offer_id, row.version) for row in rows]


def head(database: Database) -> int:
    with database.as_nobody() as session:
        return int(session.execute(text("SELECT seq FROM feed_head")).scalar_one())


def test_numbers_have_no_gaps_and_each_change_has_one(
    database: Database, database_url: str
) -> None:
    with psycopg.connect(dsn(database_url)) as writer:
        for offer in range(25):
            writer.execute(WRITE, (offer, 1))
    assert [number(database, limit=10) for _ in range(4)] == [10, 10, 5, 0]
    assert [seq for seq, _, _ in feed(database)] == list(range(1, 26))
    assert head(database) == 25


def test_a_slower_transaction_is_never_skipped_and_delays_nobody(
    database: Database, database_url: str
) -> None:
    with psycopg.connect(dsn(database_url)) as slow, psycopg.connect(dsn(database_url)) as fast:
        slow.execute(WRITE, (1, 1))
        fast.execute(WRITE, (2, 1))
        fast.commit()
        assert number(database) == 1
        assert feed(database) == [(1, 2, 1)]
        slow.commit()
        assert number(database) == 1
        assert feed(database) == [(1, 2, 1), (2, 1, 1)]


def test_a_sequencer_killed_before_its_commit_leaves_nothing_behind(
    database: Database, database_url: str
) -> None:
    with psycopg.connect(dsn(database_url)) as writer:
        writer.execute(WRITE, (1, 1))
    with database.engine.connect() as dying:
        dying.execute(text("SELECT 1"))
        assert number_changes(Session(dying), 10) == 1
        dying.invalidate()
    assert feed(database) == []
    assert number(database) == 1
    assert feed(database) == [(1, 1, 1)]


def test_only_one_sequencer_works_at_a_time(database: Database, database_url: str) -> None:
    with psycopg.connect(dsn(database_url)) as writer:
        writer.execute(WRITE, (1, 1))
    with database.as_system() as first:
        assert number_changes(first, 10) == 1
        assert number(database) == 0
    assert feed(database) == [(1, 1, 1)]


def test_an_offers_versions_keep_their_order_though_the_clock_went_back(
    database: Database, database_url: str
) -> None:
    late, early = datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
    insert = (
        "INSERT INTO changes (offer_id, version, kind, sku_id, at) VALUES (%s, %s, 'price', 1, %s)"
    )
    with psycopg.connect(dsn(database_url)) as writer:
        writer.execute(insert, (7, 1, late))
        writer.execute(insert, (7, 2, early))
        writer.execute(insert, (8, 1, early))
    while number(database, limit=1):
        continue
    ours = [version for _, offer, version in feed(database) if offer == 7]
    assert ours == [1, 2]


def test_racing_writers_and_sequencers_lose_repeat_and_reorder_nothing(
    database: Database, database_url: str
) -> None:
    writers, offers, versions = 4, 5, 12
    done = threading.Event()
    seen: list[int] = []
    failures: list[BaseException] = []

    def guarded(work: object, *args: int) -> None:
        try:
            work(*args)  # type: ignore[operator]
        except BaseException as error:  # shown below: a thread's failure must fail the test
            failures.append(error)

    def write(first: int) -> None:
        with psycopg.connect(dsn(database_url)) as connection:
            for version in range(1, versions + 1):
                for offer in range(first, first + offers):
                    connection.execute(WRITE, (offer, version))
                    if (offer + version) % 3 == 0:
                        connection.commit()
                connection.commit()

    def sequence() -> None:
        while not done.is_set():
            number(database, limit=7)

    def read() -> None:
        while not done.is_set():
            after = seen[-1] if seen else 0
            seen.extend(seq for seq, _, _ in feed(database) if seq > after)

    writing = [threading.Thread(target=guarded, args=(write, n * offers)) for n in range(writers)]
    others = [threading.Thread(target=guarded, args=(work,)) for work in (sequence, sequence, read)]
    for thread in (*writing, *others):
        thread.start()
    for thread in writing:
        thread.join()
    done.set()
    for thread in others:
        thread.join()
    while number(database):
        continue
    after = seen[-1] if seen else 0
    seen.extend(seq for seq, _, _ in feed(database) if seq > after)
    everything = writers * offers * versions
    assert not failures
    assert seen == list(range(1, everything + 1))
    assert head(database) == everything
    by_offer: dict[int, list[int]] = {}
    for _, offer, version in feed(database):
        by_offer.setdefault(offer, []).append(version)
    assert all(order == list(range(1, versions + 1)) for order in by_offer.values())
