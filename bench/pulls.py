"""Prices and stock of many JD SKUs pulled from a simulated JD that takes 20 ms for an answer.

Twice: within a call budget, which should be used up; and without one, to see what the engine itself
costs. "bare" sends the very same requests again from as many threads, over one httpx client of the
same size, and throws the answers away. The platform works on the same machine in a process of its
own, so that its time is in both.
"""

import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg

from bench.figures import Figure, record
from bench.goods import place, timed
from connectors.budgets import Budgets
from connectors.http import CONNECTIONS
from connectors.model import Prices
from connectors.surroundings import Surroundings
from kit.db import Database, dsn
from sandbox.frame import Clock
from sandbox.jd.gate import APPS, PASSWORD, USER
from sandbox.jd.shop import Shop
from sandbox.world import World
from sync import pull
from sync.figures import THREADS
from sync.opening import OpenSources

SKUS = int(os.environ.get("BENCH_PULLED", "100000"))
LISTINGS = SKUS // 2
PORT = int(os.environ.get("BENCH_SANDBOX_PORT", "8093"))
LATENCY = 0.02
BUDGET = 50.0
"""Calls a second: a whole pull of both figures is a call for every hundred SKUs and figure."""

PACED_SKUS = 50_000
SOURCE = "jd"
URL = f"http://127.0.0.1:{PORT}"

Sent = tuple[str, str, bytes, dict[str, str]]


def run() -> None:
    """Print calls a second beside the budget, and SKUs a second beside a bare loop."""
    with place() as (database, folder, _), _platform():
        ids = _offers(database)
        config = _config(folder)
        _paced(database, config)
        _unpaced(database, config, len(ids))


@contextmanager
def _platform() -> Iterator[None]:
    command = [sys.executable, "-m", "huopan", "sandbox", "--port", str(PORT)]
    with subprocess.Popen([*command, "--size", str(LISTINGS)], stdout=subprocess.DEVNULL) as child:
        try:
            _answering()
            httpx.post(f"{URL}/_control/latency", json={"seconds": LATENCY}).raise_for_status()
            yield
        finally:
            child.terminate()


def _answering() -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            httpx.get(f"{URL}/_control/calls?platform=jd").raise_for_status()
        except httpx.HTTPError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return


def _offers(database: Database) -> list[int]:
    """The platform's SKUs as offers that we hold, all of whose figures are due."""
    ids = Shop(World("huopan", LISTINGS), Clock()).skus()[:SKUS]
    with psycopg.connect(dsn(_url(database)), autocommit=True) as connection:
        connection.execute("INSERT INTO products (title) VALUES ('-')")
        connection.execute(
            "INSERT INTO skus (product_id) SELECT 1 FROM generate_series(1, %s::int)", [len(ids)]
        )
        connection.execute("CREATE TEMP TABLE told (id bigint, external_id text)")
        with connection.cursor().copy("COPY told FROM STDIN") as copy:
            for number, sku in enumerate(ids, start=1):
                copy.write_row((number, str(sku)))
        connection.execute(
            "INSERT INTO offers (source, external_id, sku_id, title, content_hash, seen_at)"
            " SELECT %s, external_id, id, '-', '-', now() FROM told ORDER BY id",
            [SOURCE],
        )
        connection.execute("VACUUM ANALYZE")
    return ids


def _due(database: Database, most: int) -> None:
    with database.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM figures")
        connection.exec_driver_sql(
            "INSERT INTO figures (offer_id, kind, source, due_at)"
            " SELECT id, kind, source, now() - interval '1 hour' FROM offers,"
            " unnest(ARRAY['price', 'stock']) kind WHERE id <= %(most)s",
            {"most": most},
        )


def _pull(database: Database, config: dict[str, object]) -> float:
    """Seconds to read everything that is due."""
    sources = OpenSources(Surroundings(Budgets()))
    source = sources.get(SOURCE, config)
    assert isinstance(source, Prices)
    try:
        source.prices(["100000000000"])  # the token is there, the connection too
        return timed(lambda: [pull.run(database, source, stream) for stream in ("prices", "stock")])
    finally:
        sources.close()


def _paced(database: Database, config: dict[str, object]) -> None:
    skus = min(PACED_SKUS, SKUS)
    _due(database, skus)
    before = _calls()
    took = _pull(database, config | {"calls_per_second": BUDGET})
    used = (_calls() - before) / took
    record(Figure("pulls", "calls within the budget", used, "calls/s", BUDGET, 0.95))


def _unpaced(database: Database, config: dict[str, object], skus: int) -> None:
    _due(database, skus)
    sent: list[Sent] = []
    cpu = _cpu()
    with _overheard(sent):
        took = _pull(database, config | {"calls_per_second": 100_000})
    spent = _cpu() - cpu
    bare_cpu = _cpu()
    bare = timed(lambda: _bare(sent))
    bare_spent = _cpu() - bare_cpu
    record(Figure("pulls", "figures read", 2 * skus / took, "figures/s", 2 * skus / bare))
    each = (spent - bare_spent) / skus * 1e6
    record(Figure("pulls", "the engine's own time", each, "µs CPU a SKU (price and stock)"))


@contextmanager
def _overheard(sent: list[Sent]) -> Iterator[None]:
    """Every request that leaves, as it leaves."""
    send, lock = httpx.Client.send, threading.Lock()

    def listening(self: httpx.Client, request: httpx.Request, **how: object) -> httpx.Response:
        with lock:
            sent.append((request.method, str(request.url), request.content, dict(request.headers)))
        return send(self, request, **how)  # type: ignore[arg-type]

    httpx.Client.send = listening  # type: ignore[method-assign]
    try:
        yield
    finally:
        httpx.Client.send = send  # type: ignore[method-assign]


def _bare(sent: list[Sent]) -> None:
    limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
    with httpx.Client(limits=limits, trust_env=False, timeout=30) as client:

        def again(one: Sent) -> None:
            method, url, content, headers = one
            client.request(method, url, content=content, headers=headers)

        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(again, sent))


def _config(folder: Path) -> dict[str, object]:
    client, password = next(iter(APPS.items()))
    secrets = {"client_id": client, "client_secret": password, "username": USER}
    secrets["password"] = PASSWORD
    for name, value in secrets.items():
        (folder / name).write_text(value)
    named = {name: f"file:{folder / name}" for name in secrets}
    return {"kind": "jd_vop", "base_url": f"{URL}/jd", "oauth_url": f"{URL}/jd", **named}


def _calls() -> int:
    told = httpx.get(f"{URL}/_control/calls?platform=jd", timeout=60).json()
    return len(told["items"])


def _cpu() -> float:
    spent = resource.getrusage(resource.RUSAGE_SELF)
    return spent.ru_utime + spent.ru_stime


def _url(database: Database) -> str:
    return database.engine.url.render_as_string(hide_password=False)
