"""`purchases export`, `ship-import`, `reconcile`, `replay`, `forget`: a supplier's day by sheet."""

from datetime import timedelta
from pathlib import Path

import openpyxl
import pytest

from huopan.demo.platforms import Platforms
from kit import clock, settings
from kit.db import Database
from kit.ids import outside
from sandbox.server import Sandbox, running
from sync import sources
from tests.huopan.conftest import Cli
from tests.trade.market import Market, submitted
from trade import desk


@pytest.fixture
def market(huopan: Cli, database: Database) -> Market:
    """A shop whose source is known, with one order of two units at 3.33 that waits to be sent."""
    huopan.stocked()
    made = Market(database, desk.from_settings(settings.load()))
    made.place(made.party(money=10_000), (made.offer(cost="3.33").sku, 2), reference="团-1")
    submitted(made)
    return made


def _fill(path: Path, number: str) -> str:
    book = openpyxl.load_workbook(path)
    sheet = book.active
    assert sheet is not None
    for row in list(sheet.iter_rows(min_row=2)):
        row[-2].value, row[-1].value = "顺丰速运", number
    book.save(path)
    return str(path)


def _day(ago: int = 0) -> str:
    return f"{clock.now().astimezone(clock.SHANGHAI) - timedelta(days=ago):%Y-%m-%d}"


@pytest.mark.usefixtures("market")
def test_a_suppliers_day_by_sheet_from_export_to_books(huopan: Cli) -> None:
    path = huopan.folder / "out.xlsx"
    exported = huopan("purchases", "export", "teahouse", "--out", str(path))
    assert exported.code == 0, exported.err
    assert "1 purchases" in exported.out
    back = huopan("ship-import", "teahouse", _fill(path, "SF1234567890"), "--json")
    assert (back.code, back.json["shipped"]) == (0, 1)
    again = huopan("ship-import", "teahouse", str(path))
    assert "0 shipped, 1 known already" in again.out
    agreed = huopan("reconcile", "teahouse", "--date", _day())
    assert agreed.code == 0, agreed.out
    assert "2 units, 6.66 CNY owed" in agreed.out
    assert "Both sides agree" in agreed.out
    assert "The day is not over" in agreed.out
    later = huopan("reconcile", "teahouse", "--date", "2999-01-01")
    assert (later.code, "has not begun in Shanghai" in later.err) == (2, True)
    assert huopan("check").code == 0
    assert "no file was written" in huopan("purchases", "export", "teahouse").out


@pytest.mark.usefixtures("market")
def test_a_sheet_that_cannot_be_written_accepts_nothing(huopan: Cli) -> None:
    assert huopan("purchases", "export", "teahouse", "--out", "no/such/place.xlsx").code == 2
    written = huopan("purchases", "export", "teahouse", "--json").json
    assert (written["purchases"], written["replacements"]) == (1, 0)


@pytest.mark.usefixtures("market")
def test_rows_that_cannot_be_used_are_told_one_by_one(huopan: Cli) -> None:
    path = huopan.file("back.csv", "采购单号,快递公司,快递单号\npur_none,顺丰,7.73E+13\n")
    done = huopan("ship-import", "teahouse", path)
    assert done.code == 1
    assert "row 2:" in done.out
    assert "its last digits are lost" in done.out


@pytest.mark.usefixtures("market")
def test_a_statement_that_differs_is_a_finding(huopan: Cli) -> None:
    path = huopan.file("statement.csv", "采购单号,快递单号,数量,金额\npur_none,SF1,2,6.66\n")
    done = huopan("reconcile", "teahouse", "--date", _day(), "--sheet", path, "--json")
    assert done.code == 1
    assert done.json["findings"][0]["code"] == "unknown_to_us"


@pytest.mark.usefixtures("market")
def test_a_deletion_request_tells_what_must_wait_and_then_is_done(huopan: Cli) -> None:
    person = ("forget", "--name", "张三", "--mobile", "13800138000")
    waits = huopan(*person)
    assert waits.code == 1
    assert "团-1" in waits.out
    path = huopan.folder / "out.xlsx"
    huopan("purchases", "export", "teahouse", "--out", str(path))
    huopan("ship-import", "teahouse", _fill(path, "SF1234567890"))
    order = waits.out.split("\n")[1].split()[0]
    assert (
        huopan("hold", order).code == huopan("hold", order, "--release", "--reason", "x").code == 2
    )
    assert huopan("hold", order, "--reason", "仲裁").out == f"{order} is held.\n"
    assert "a legal hold is on it: 仲裁" in huopan(*person).out
    assert huopan("hold", order, "--release").code == 0
    done = huopan(*person, "--json")
    assert done.code == 0
    assert (done.json["recipients"], done.json["sheets"]) == (1, 1)
    assert "Nobody of this name" in huopan(*person).out


def test_a_platform_is_asked_for_its_own_list(huopan: Cli, database: Database) -> None:
    with running(Sandbox("huopan", 5)) as address:
        made = Platforms(huopan.folder / "sandbox", int(address.rpartition(":")[2]))
        with database.as_system() as session:
            for code, config in made.configs().items():
                sources.record(session, settings.load(), code, config)
        today = huopan("reconcile", "jd-vop", "--date", _day())
        assert (today.code, today.out) == (2, "")
        assert f"{_day()} is not over in Shanghai" in today.err
        agreed = huopan("reconcile", "jd-vop", "--json")  # of yesterday
        assert agreed.code == 0, agreed.err
        assert (agreed.json["compared"], agreed.json["day"]) == (True, _day(1))
        said = huopan("reconcile", "tmall", "--date", _day(1))
    assert said.code == 2
    assert "give its statement with --sheet" in said.err


def test_without_dead_letters_nothing_is_replayed(huopan: Cli) -> None:
    assert huopan("replay", "--dry-run", "--json").json == []
    assert "no dead letters" in huopan("replay").out
    assert "no such dead letter" in huopan("replay", outside("ltr", 9)).err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["purchases", "export", "nix"], "there is no source 'nix'"),
        (["ship-import", "nix", "README.md"], "README.md"),
        (["reconcile", "nix", "--date", "2026-03-02"], "there is no source 'nix'"),
        (
            ["reconcile", "nix", "--date", "gestern"],
            "'gestern' is no day; write it like 2026-11-26",
        ),
        (["forget", "--name", "张三", "--mobile", "keine"], "with its digits"),
    ],
)
def test_wrong_steps_are_sentences(huopan: Cli, arguments: list[str], says: str) -> None:
    done = huopan(*arguments)
    assert (done.code, done.out) == (2, "")
    assert says in " ".join(done.err.split())
