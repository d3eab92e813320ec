"""A leader's sheet from the upload to the last order placed, beside its bare transactions.

Each row is an order of its own to another recipient, with an address as people write it. "bare" is
the very same statements of the placing, recorded once and sent by psycopg alone, in the same
transactions and round trips.
"""

import io
import os
import random
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import xlsxwriter

from bench import bare
from bench.bare import Transaction
from bench.figures import Figure, record
from bench.orders import DESK, SKUS, copied, market
from huopan.servers import hold
from kit import clock
from kit.db import Database
from kit.ids import outside
from trade import places, sighting
from trade.order_sheets import imports, placing
from trade.order_sheets.rows import opened

ROWS = int(os.environ.get("BENCH_SHEET_ROWS", "10000"))
GOODS = 20
"""So many different SKUs are in the sheet."""
SECONDS = 20.0
"""A sheet of 10,000 rows is accepted within this time."""
PARTY = 1


def run() -> None:
    """Print the seconds that reading and placing take, and the bare transactions' own."""
    with tempfile.TemporaryDirectory(prefix="huopan-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with hold(folder / "servers") as servers, market(servers.database_url) as goods:
            content = sheet()
            with copied(goods) as url:
                read = _timed(url, lambda db: _read(db, content))
                with copied(url) as first:
                    recorded = _recorded(first)
                with copied(url) as second:
                    placed = _timed(second, _place)
                with copied(url) as third:
                    limit = _replayed(third, recorded)
    print(f"{len(content):,} bytes, {len(recorded):,} transactions to place it")
    figure = f"sheet of {ROWS:,} rows"
    record(Figure("sheets", f"{figure}, read and quoted", read, "s"))
    record(Figure("sheets", f"{figure}, placed", placed, "s", limit))
    most = SECONDS * ROWS / 10_000
    record(Figure("sheets", f"{figure}, in all", read + placed, "s", most, 1, less_is_better=True))


def sheet() -> bytes:
    """The workbook, the same in every run."""
    dice = random.Random(7)  # noqa: S311 - the same sheet in every run
    counties = [c for c in places.all_counties() if sighting.sight(c.spelled) is not None]
    skus = [outside("sku", one) for one in dice.sample(range(1, SKUS + 1), GOODS)]
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        page = book.add_worksheet("订单")
        page.write_row(0, 0, ["订单号", "收件人", "电话", "地址", "商家编码", "数量", "买家备注"])
        for row in range(1, ROWS + 1):
            address = f"{dice.choice(counties).spelled}人民路 {row} 号"
            person = [f"S{row}", f"李{row}", f"139{row:08d}", address]
            page.write_row(row, 0, [*person, dice.choice(skus), dice.randint(1, 3), "轻放"])
    return buffer.getvalue()


def _timed(url: str, work: Callable[[Database], None]) -> float:
    database = Database(url, connections=2)
    began = time.perf_counter()
    work(database)
    took = time.perf_counter() - began
    database.close()
    return took


def _read(database: Database, content: bytes) -> None:
    """Upload, read, and confirm: the orders are queued."""
    now = clock.now()
    with database.as_system() as session:
        made, _ = imports.upload(session, DESK, PARTY, content, opened(content)[1], now)
    name = outside(imports.PREFIX, made)
    placing.drain(database, DESK, made, _later())
    with database.as_system() as session:
        imports.confirm(session, PARTY, name, 10**12, "order", now)


def _place(database: Database) -> None:
    with database.as_system() as session:
        [due] = placing.due(session)
    placing.drain(database, DESK, due, _later())
    with database.as_system() as session:
        money = placing.spent(session, due)
        assert (money.ready, money.again) == (0, 0), money


def _recorded(url: str) -> list[Transaction]:
    """What placing sends, transaction by transaction."""
    database = Database(url, connections=2)
    with bare.recording(database.engine) as sent:
        _place(database)
    database.close()
    found: list[Transaction] = []
    for statements in sent.values():
        for one in statements:
            if "huopan.system" in str(one.query):  # each begins with its scope
                found.append([])
            if found:
                found[-1].append(one)
    return found


def _replayed(url: str, recorded: list[Transaction]) -> float:
    with bare.replaying(url, 1) as replay:
        began = time.perf_counter()
        for transaction in recorded:
            replay(transaction)
        return time.perf_counter() - began


def _later() -> datetime:
    return clock.now() + timedelta(hours=1)
