"""`up --demo`: two suppliers' lists through the real importer, four accounts, a story to walk."""

import re
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


def test_the_price_lists_come_through_the_importer_with_their_mess(first: Start) -> None:
    count = len(items())
    assert count >= 150
    assert f"{count} goods of qinghe are in the catalogue, 5 rows were rejected" in first.said[0]
    assert "goods of shangu are in the catalogue, 0 rows were rejected" in first.said[1]


def test_goods_are_found_at_once_and_shared_ones_have_two_offers(
    first: Start, huopan: Cli, database: Database
) -> None:
    assert first
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


def test_accounts_have_tokens_that_work_and_money(first: Start, database: Database) -> None:
    shown = re.findall(r"^    ([A-Z]+)=(hp_\S+)$", first.story, re.MULTILINE)
    assert [name for name, _ in shown] == ["LEADER", "BRAND", "BUYER", "OPERATOR"]
    with database.as_system() as session:
        for name, token in shown:
            who = tokens.authenticate(session, token, clock.now())
            assert who is not None
            assert who.role == name.lower()
            assert who.source == ("qinghe" if name == "BRAND" else None)
        assert session.scalar(select(func.sum(Posting.amount))) == 2_500_000


def test_each_login_works_with_its_password(first: Start, database: Database) -> None:
    rows = re.findall(r"^(leader|brand|buyer|operator)\s+(\S+)\s+(\S+)\s+pty_", first.story, re.M)
    assert len(rows) == 4
    with database.as_system() as session:
        for _, name, password in rows:
            assert tokens.login(session, name, password, clock.now())


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
    assert states == {"qinghe": "never read", "shangu": "ok"}


def test_the_same_files_are_not_written_twice(tmp_path: Path) -> None:
    files = sheets.write(tmp_path)
    files["shangu"].write_text("mine")
    assert sheets.write(tmp_path)["shangu"].read_text() == "mine"
