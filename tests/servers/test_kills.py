"""Whatever is killed, the next start is healthy and nothing committed is lost."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable

import psutil
import psycopg
import pytest
import redis

from huopan.servers import await_stopped, hold
from huopan.servers.processes import stop
from kit.db import dsn

pytestmark = pytest.mark.servers

Eventually = Callable[[Callable[[], object]], None]

VICTIMS: dict[str, Callable[..., list[psutil.Process]]] = {
    "supervisor": lambda pair: pair.supervisors(),
    "postmaster": lambda pair: pair.postgres()[:1],
    "backend": lambda pair: pair.postgres()[-1:],
    "redis": lambda pair: pair.redis(),
    "everything": lambda pair: pair.everything(),
}


def _kill(processes: list[psutil.Process]) -> None:
    """Kill them and wait until they are gone: one that is killed keeps its locks until then."""
    assert processes
    assert not stop(processes, [(signal.SIGKILL, 30.0)])


def _healthy(database_url: str, redis_url: str) -> bool:
    try:
        with (
            psycopg.connect(dsn(database_url), connect_timeout=3) as connection,
            redis.Redis.from_url(redis_url) as client,
        ):
            found = connection.execute("SELECT word FROM kept").fetchone()
            return found == ("safe",) and bool(client.ping())
    except (psycopg.OperationalError, redis.ConnectionError):
        return False


def _keep(database_url: str) -> None:
    with psycopg.connect(dsn(database_url)) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 'safe' AS word")


@pytest.mark.parametrize("victim", VICTIMS)
def test_whatever_is_killed_while_held_comes_back(
    pair, eventually: Eventually, victim: str
) -> None:
    with hold(pair.data) as servers:
        _keep(servers.database_url)
        _kill(VICTIMS[victim](pair))
        eventually(lambda: _healthy(servers.database_url, servers.redis_url))
        eventually(lambda: len(pair.supervisors()) == len(pair.redis()) == 1)
    eventually(lambda: pair.everything() == [])


@pytest.mark.parametrize("victim", ["supervisor", "everything"])
def test_a_start_right_after_a_kill_of_holder_and_servers_is_healthy(pair, victim: str) -> None:
    with pair.hold_elsewhere() as child:
        with hold(pair.data) as servers:
            _keep(servers.database_url)
        child.kill()
        _kill(VICTIMS[victim](pair))
    with hold(pair.data) as servers:
        assert _healthy(servers.database_url, servers.redis_url)


def test_a_supervisor_asked_to_end_stops_its_servers_in_order(pair) -> None:
    with pair.hold_elsewhere() as child:
        with hold(pair.data) as servers:
            _keep(servers.database_url)
        child.kill()
    for supervisor in pair.supervisors():
        supervisor.send_signal(signal.SIGTERM)
    assert await_stopped(pair.data)
    with hold(pair.data) as servers:
        assert _healthy(servers.database_url, servers.redis_url)


def test_a_stale_process_id_that_is_a_strangers_now_neither_stops_us_nor_the_stranger(pair) -> None:
    with hold(pair.data, durable=False):
        pass
    assert await_stopped(pair.data)
    pidfile = pair.layout.postgres / "postmaster.pid"
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        pidfile.write_text(f"{stranger.pid}\n{pair.layout.postgres}\n1\n5432\n\n\n")
        os.chown(pidfile, pair.layout.owner.uid, pair.layout.owner.gid)
        with hold(pair.data, durable=False):
            assert stranger.poll() is None
        assert stranger.stdin
        stranger.stdin.write(b"\n")
    assert stranger.returncode == 0


def test_an_empty_process_id_file_of_a_crash_does_not_stop_us(pair) -> None:
    with hold(pair.data, durable=False):
        pass
    assert await_stopped(pair.data)
    (pair.layout.postgres / "postmaster.pid").write_text("")
    with hold(pair.data, durable=False) as servers:
        assert servers.database_url


def test_an_interrupted_making_of_the_database_is_made_again(pair) -> None:
    half = pair.layout.home / "postgres.new"
    pair.layout.owner.folder(half)
    (half / "PG_VERSION").write_text("18\n")
    with hold(pair.data, durable=False) as servers, psycopg.connect(dsn(servers.database_url)) as c:
        assert c.execute("SELECT 1").fetchone() == (1,)
    assert not half.exists()
