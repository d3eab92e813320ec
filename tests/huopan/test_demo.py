"""`up --demo`: two suppliers' lists through the real importer, four accounts, a story to walk."""

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import openpyxl
import pytest
from sqlalchemy import func, select, text

from huopan.demo import sheets
from huopan.demo.goods import items
from huopan.demo.opening import Demo
from huopan.servers import Endpoints
from kit import clock, settings
from kit.db import Database
from tests.huopan.conftest import Cli
from trade import tokens
from trade.models import Party, Posting, Token

ROOT = Path(__file__).parents[2]


class Start:
    """One start of the demo on this test's servers, and what it said."""

    def __init__(self, database_url: str, redis_url: str) -> None:
        self.said: list[str] = []
        demo = Demo(settings.load(), self.said.append)
        demo.prepare(Endpoints(database_url, redis_url))
        demo.ready("http://127.0.0.1:8000")

    @property
    def story(self) -> str:
        return self.said[-1]


@pytest.fixture
def first(huopan: Cli, database_url: str, redis_url: str) -> Start:
    assert huopan
    return Start(database_url, redis_url)


def test_the_price_lists_come_through_the_importer_with_their_mess(
    first: Start, huopan: Cli, database: Database
) -> None:
    count = len(items())
    assert count >= 150
    assert f"{count} goods of qinghe are in the catalogue, 5 rows were rejected" in first.said[0]
    assert "goods of shangu are in the catalogue, 0 rows were rejected" in first.said[1]
    found = huopan("search", "纸尿裤", "--json").json
    assert any("纸尿裤" in one["title"] and one["price_from"] for one in found)
    with database.as_system() as session:
        doubly = session.scalar(
            text(
                "SELECT count(*) FROM (SELECT sku_id FROM offers GROUP BY sku_id"
                " HAVING count(DISTINCT source) = 2) both_have_it"
            )
        )
    assert doubly
    assert doubly > 20


def test_accounts_have_tokens_and_logins_that_work_and_money(
    first: Start, database: Database
) -> None:
    shown = re.findall(r"^    ([A-Z]+)=(hp_\S+)$", first.story, re.MULTILINE)
    assert [name for name, _ in shown] == ["LEADER", "BRAND", "BUYER", "OPERATOR"]
    rows = re.findall(r"^(leader|brand|buyer|operator)\s+(\S+)\s+(\S+)\s+pty_", first.story, re.M)
    assert len(rows) == 4
    with database.as_system() as session:
        for name, token in shown:
            who = tokens.authenticate(session, token, clock.now())
            assert who is not None
            assert who.role == name.lower()
            assert who.source == ("qinghe" if name == "BRAND" else None)
        for _, name, password in rows:
            assert tokens.login(session, name, password, clock.now())
        assert session.scalar(select(func.sum(Posting.amount))) == 2_500_000


def test_a_second_start_goes_on_with_its_data_and_tells_how_to_get_a_token(
    first: Start, database: Database, database_url: str, redis_url: str
) -> None:
    assert first
    again = Start(database_url, redis_url)
    assert len(again.said) == 1
    assert "hp_" not in again.story
    ids = re.findall(r"=\$\(.*huopan token (pty_\S+)\)$", again.story, re.MULTILINE)
    assert len(set(ids)) == 4
    with database.as_system() as session:
        assert session.scalar(select(func.count()).select_from(Party)) == 4
        assert session.scalar(select(func.count()).select_from(Token)) == 4


def test_a_suppliers_changed_file_is_brought_by_sync(
    first: Start, huopan: Cli, database: Database
) -> None:
    assert first
    path = next((huopan.folder / "var" / "demo").glob("*.xlsx"))
    book = openpyxl.load_workbook(path)
    cell = next(row[8] for row in book["报价表"].iter_rows() if row[2].value == "QH001-004")
    cell.value = "￥51.80/包"
    book.save(path)
    done = huopan("sync", "qinghe", "--json")
    assert done.code == 1, done.err
    assert (done.json["changed"], done.json["rejected"]) == (1, 5)


def test_a_source_of_the_settings_is_left_alone(
    huopan: Cli, database_url: str, redis_url: str
) -> None:
    huopan.file("settings.toml", '[sources.qinghe]\nkind = "feed"\nlocation = "mine.csv"\n')
    assert len(Start(database_url, redis_url).said) == 2
    states = {one["code"]: one["health"] for one in huopan("sources", "--json").json}
    assert states == dict.fromkeys(("ali1688", "jd-vop", "qinghe", "tmall"), "never read") | {
        "shangu": "ok"
    }


def test_the_platforms_secrets_stand_in_files_of_ours_only(first: Start, huopan: Cli) -> None:
    assert first
    files = list((huopan.folder / "var" / "demo" / "sandbox").iterdir())
    assert len(files) >= 9
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def test_the_same_files_are_not_written_twice(tmp_path: Path) -> None:
    files = sheets.write(tmp_path)
    files["shangu"].write_text("mine")
    assert sheets.write(tmp_path)["shangu"].read_text() == "mine"


def test_the_story_works_as_it_is_printed(
    tmp_path: Path, database_url: str, redis_url: str
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "HUOPAN_DATABASE__URL": database_url,
        "HUOPAN_REDIS__URL": redis_url,
        "HUOPAN_DATA__DIR": str(tmp_path / "var"),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "huopan", "up", "--demo", "--port", str(port)],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        said = ""
        while "Other commands:" not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        commands = "\n".join(re.findall(r"^    (.*)$", said, re.MULTILINE))
        walked = subprocess.run(
            ["sh", "-eu", "-c", commands],
            env=environment,
            cwd="/",
            capture_output=True,
            text=True,
        )
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate()
    assert walked.returncode == 0, walked.stderr
    for word in ('"shipped"', '"approved"', "rules hold"):
        assert word in walked.stdout, walked.stdout
    assert "about:blank" not in walked.stdout, walked.stdout
    assert process.returncode == 0
