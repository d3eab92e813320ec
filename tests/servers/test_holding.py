"""Servers run while anybody holds them, and nobody else can reach them."""

import contextlib
import stat
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from huopan.servers import await_stopped, hold
from kit.db import dsn

pytestmark = pytest.mark.servers

_COLLATION = "SELECT datcollate FROM pg_database WHERE datname = current_database()"
Eventually = Callable[[Callable[[], object]], None]


def _ask(url: str, query: str) -> object:
    with psycopg.connect(dsn(url)) as connection:
        row = connection.execute(query).fetchone()  # type: ignore[call-overload]
    assert row
    return row[0]


def test_processes_share_one_pair_and_the_last_one_leaves_nothing_running(
    pair, eventually: Eventually
) -> None:
    with hold(pair.data, durable=False) as ours:
        started = _ask(ours.database_url, "SELECT pg_postmaster_start_time()")
        with pair.hold_elsewhere() as other:
            pass  # it ends, and we still hold
        assert other.returncode == 0
        assert await_stopped(pair.data) is False
        assert _ask(ours.database_url, "SELECT pg_postmaster_start_time()") == started
        assert len(pair.supervisors()) == 1
        assert len(pair.redis()) == 1
        assert stat.S_IMODE(pair.layout.postgres.stat().st_mode) == 0o700
    assert await_stopped(pair.data)
    eventually(lambda: pair.everything() == [])


def test_starting_together_starts_one_pair(pair) -> None:
    with contextlib.ExitStack() as leave:
        children = [leave.enter_context(pair.hold_elsewhere()) for _ in range(2)]
        assert len(pair.supervisors()) == 1
        assert len(pair.redis()) == 1
    assert [child.returncode for child in children] == [0, 0]


def test_a_killed_holder_holds_nothing(pair, eventually: Eventually) -> None:
    with pair.hold_elsewhere() as child:
        assert pair.postgres()
        child.kill()
    eventually(lambda: pair.everything() == [])


def test_nothing_listens_on_tcp_and_only_the_owner_enters(pair) -> None:
    with hold(pair.data, durable=False) as servers:
        for process in (*pair.postgres(), *pair.redis()):
            with contextlib.suppress(psutil.NoSuchProcess):  # a worker of the server that ended
                assert process.net_connections(kind="inet") == []
        assert stat.S_IMODE(pair.layout.sockets.stat().st_mode) == 0o700
        query = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
        assert _ask(servers.database_url, query) is False
        assert _ask(servers.database_url, "SHOW server_encoding") == "UTF8"
        assert _ask(servers.database_url, _COLLATION) == "C"


def test_a_path_too_long_for_a_socket_gets_a_short_private_folder(pair) -> None:
    deep = pair.data / ("long, " * 30)
    deep.mkdir()
    deep.chmod(0o711)
    with hold(deep, durable=False) as servers, redis.Redis.from_url(servers.redis_url) as client:
        assert client.ping()
        assert _ask(servers.database_url, "SELECT 1") == 1
        run = deep / "servers" / "run"
        short = run.readlink()
        assert stat.S_IMODE(short.stat().st_mode) == 0o700
        assert short.stat().st_uid == pair.layout.owner.uid
    assert await_stopped(deep)
    assert not short.exists()
    assert not run.is_symlink()


def test_older_and_newest_postgresql_both_run_and_a_folder_keeps_its_version(pair) -> None:
    with hold(pair.data, postgres="older", durable=False) as servers:
        assert str(_ask(servers.database_url, "SHOW server_version")).startswith("16.")
    assert await_stopped(pair.data)
    with hold(pair.data, durable=False) as servers:
        assert str(_ask(servers.database_url, "SHOW server_version")).startswith("16.")
    assert await_stopped(pair.data)
    newer = pair.data / "newer"
    newer.mkdir(mode=0o711)
    with hold(newer, durable=False) as servers:
        assert str(_ask(servers.database_url, "SHOW server_version")).startswith("18.")
        assert _ask(servers.database_url, "SHOW fsync") == "off"
    assert await_stopped(newer)


def test_by_default_what_is_committed_survives_a_power_cut(pair) -> None:
    with hold(pair.data) as servers:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            assert _ask(servers.database_url, f"SHOW {setting}") == "on"


def test_the_log_shows_no_row(pair) -> None:
    secret = "张三13800138000"
    with hold(pair.data, durable=False) as servers:
        with psycopg.connect(dsn(servers.database_url), autocommit=True) as connection:
            connection.execute("CREATE TABLE people (name text PRIMARY KEY)")
            connection.execute("INSERT INTO people VALUES (%s)", [secret])
            with pytest.raises(psycopg.errors.UniqueViolation):
                connection.execute("INSERT INTO people VALUES (%s)", [secret])
        deadline = time.monotonic() + 20  # another process of the server writes the log
        while "duplicate key" not in (logs := _logs(pair)) and time.monotonic() < deadline:
            time.sleep(0.05)
    assert "duplicate key" in logs
    assert secret not in logs


def _logs(pair) -> str:
    return "".join(log.read_text() for log in Path(pair.layout.postgres, "log").iterdir())
