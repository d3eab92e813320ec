"""Access tokens: one refresh across workers, sealed, renewed early, never hammered."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from connectors.errors import NotAuthorised, TryLater
from connectors.tokens import Token, Tokens
from kit.crypto import Keyring, new_key
from kit.db import Database

RING = Keyring.from_text(new_key())
START = datetime(2026, 1, 5, 8, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at


class Platform:
    """Gives tokens that live for an hour, or fails as told; `asked` are the former tokens."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.asked: list[Token | None] = []
        self.fails: Exception | None = None
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, former: Token | None) -> Token:
        self.asked.append(former)
        self.gate.wait(10)
        if self.fails:
            raise self.fails
        number, now = len(self.asked), self.clock()
        return Token(f"access{number}", f"refresh{number}", now + timedelta(hours=1), None, now)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def platform(clock: Clock) -> Platform:
    return Platform(clock)


def worker(database: Database, clock: Clock) -> Tokens:
    return Tokens(database, RING, now=clock)


def test_two_workers_with_one_expired_token_refresh_once(
    database: Database, clock: Clock, platform: Platform
) -> None:
    workers = [worker(database, clock) for _ in range(4)]
    old = workers[0].get("jd", "app", platform)
    platform.gate.clear()
    with ThreadPoolExecutor(4) as pool:
        renewals = [pool.submit(each.renew, "jd", "app", old, platform) for each in workers]
        platform.gate.set()
        fresh = {renewal.result().access for renewal in renewals}
    assert fresh == {"access2"}
    assert len(platform.asked) == 2


def test_a_token_is_kept_sealed_and_found_by_the_next_process(
    database: Database, clock: Clock, platform: Platform
) -> None:
    worker(database, clock).get("jd", "app", platform)
    assert worker(database, clock).get("jd", "app", platform).refresh == "refresh1"
    assert len(platform.asked) == 1
    with database.as_system() as session:
        row = session.execute(text("SELECT * FROM source_tokens")).mappings().one()
    assert b"access1" not in row["envelope"]
    assert "access1" not in str(row)
    with database.as_nobody() as session:
        assert session.execute(text("SELECT count(*) FROM source_tokens")).scalar() == 0


def test_a_token_is_renewed_before_it_ends(
    database: Database, clock: Clock, platform: Platform
) -> None:
    tokens = worker(database, clock)
    tokens.get("jd", "app", platform)
    clock.at = START + timedelta(minutes=53)
    assert tokens.get("jd", "app", platform).access == "access1"
    clock.at = START + timedelta(minutes=55)
    assert tokens.get("jd", "app", platform).access == "access2"
    assert platform.asked[1] is not None
    assert platform.asked[1].refresh == "refresh1"


def test_the_platform_is_left_alone_after_a_failed_renewal(
    database: Database, clock: Clock, platform: Platform
) -> None:
    tokens = worker(database, clock)
    tokens.get("jd", "app", platform)
    platform.fails = TryLater("6000", "busy")
    clock.at = START + timedelta(minutes=55)
    for _ in range(5):  # the old one still works
        assert tokens.get("jd", "app", platform).access == "access1"
    assert len(platform.asked) == 2
    clock.at = START + timedelta(hours=2)
    with pytest.raises(TryLater):
        tokens.get("jd", "app", platform)
    for other in (tokens, worker(database, clock)):
        with pytest.raises(TryLater) as error:
            other.get("jd", "app", platform)
        assert error.value.wait is not None
        assert 0 < error.value.wait <= 60
    assert len(platform.asked) == 3
    clock.at += timedelta(seconds=61)
    platform.fails = None
    assert tokens.get("jd", "app", platform).access == "access4"


def test_wrong_credentials_stay_the_accounts_fault_until_they_change(
    database: Database, clock: Clock, platform: Platform
) -> None:
    tokens = worker(database, clock)
    platform.fails = NotAuthorised("1004", "wrong password")
    for _ in range(3):
        with pytest.raises(NotAuthorised):
            tokens.get("jd", "wrong", platform)
    assert len(platform.asked) == 1
    platform.fails = None
    assert tokens.get("jd", "right", platform).access == "access2"


def test_tokens_of_former_credentials_are_forgotten(
    database: Database, clock: Clock, platform: Platform
) -> None:
    tokens = worker(database, clock)
    tokens.get("jd", "app", platform)
    assert tokens.get("jd", "other app", platform).access == "access2"
    assert platform.asked == [None, None]


def test_a_worker_that_died_while_refreshing_holds_nobody_up(
    database: Database, clock: Clock, platform: Platform
) -> None:
    with database.as_system() as session:
        session.execute(
            text("INSERT INTO source_tokens (source, lease, leased_until) VALUES ('jd', 'x', :u)"),
            {"u": START - timedelta(seconds=1)},
        )
    assert worker(database, clock).get("jd", "app", platform).access == "access1"


def test_a_token_from_a_browser_is_used_at_once(
    database: Database, clock: Clock, platform: Platform
) -> None:
    given = Token("browser", "r", START + timedelta(days=1), None, START, {"member": "b2b-1"})
    worker(database, clock).put("ali", "app", given)
    assert worker(database, clock).get("ali", "app", platform) == given
    assert platform.asked == []


def test_without_a_database_a_process_keeps_its_own(clock: Clock, platform: Platform) -> None:
    tokens = Tokens(now=clock)
    old = tokens.get("jd", "app", platform)
    assert tokens.get("jd", "app", platform) is old
    assert tokens.renew("jd", "app", old, platform).access == "access2"
    assert tokens.get("jd", "app", platform).access == "access2"
