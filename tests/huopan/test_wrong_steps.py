"""What a new user sees at every wrong step: one sentence that says what to do, no traceback."""

import re

import psycopg
import pytest
from sqlalchemy import make_url

from kit.db import dsn
from tests.huopan.conftest import GOODS, Cli


def _refused(huopan: Cli, *arguments: str, code: int = 2) -> str:
    done = huopan(*arguments)
    assert done.code == code, done
    assert done.out == ""
    assert "Traceback" not in done.err
    return done.err


def test_a_missing_column_names_what_the_header_has(huopan: Cli) -> None:
    path = huopan.file("no-price.csv", "货号,品名,库存\n0007,茉莉花茶,3\n")
    said = _refused(huopan, "import", path, "--source", "teahouse")
    assert "price" in said
    assert "货号" in said
    assert "name them, for example --columns price=列名" in said


def test_a_column_that_is_not_there_is_named(huopan: Cli) -> None:
    path = huopan.file("goods.csv", GOODS)
    said = _refused(huopan, "import", path, "--source", "t", "--columns", "price=没有")
    assert "no column named as in price=没有" in said
    assert "供货价" in said


def test_malformed_columns_are_shown_the_form(huopan: Cli) -> None:
    path = huopan.file("goods.csv", GOODS)
    said = _refused(huopan, "import", path, "--source", "t", "--columns", "price")
    assert "sku=货号" in said
    assert "unified" in _refused(huopan, "import", path, "--source", "t", "--columns", "prise=x")


def test_a_missing_file_is_said(huopan: Cli) -> None:
    said = _refused(huopan, "import", "nowhere.xlsx", "--source", "teahouse")
    assert "there is no file at nowhere.xlsx" in said


@pytest.mark.parametrize("content", [b"\x89PNG\r\n" + bytes(99), b"%PDF-1.4", b"PK\x03\x04", b""])
def test_an_unreadable_file_is_said(huopan: Cli, content: bytes) -> None:
    path = huopan.file("goods.xlsx", content)
    said = _refused(huopan, "import", path, "--source", "teahouse")
    assert re.search(r"goods\.xlsx is (a PDF|a picture|a damaged workbook|empty);", said)
    assert huopan("sources", "--json").json == []


def test_rejects_that_cannot_be_written_are_said(huopan: Cli) -> None:
    path = huopan.file("goods.csv", GOODS)
    said = _refused(huopan, "import", path, "--source", "t", "--rejects", "no/such/out.csv")
    assert "no/such" in said


def test_an_unknown_source_names_those_there_are(huopan: Cli) -> None:
    said = _refused(huopan.stocked(), "sync", "teahous")
    assert "there are: teahouse" in said
    assert "huopan import" in said


def test_a_source_without_a_place_says_where_to_name_it(huopan: Cli) -> None:
    said = _refused(huopan.stocked(), "sync", "teahouse", code=3)
    assert "[sources.teahouse]" in said
    assert "huopan import" in said


def test_a_malformed_source_code_is_said(huopan: Cli) -> None:
    path = huopan.file("goods.csv", GOODS)
    assert "such as teahouse" in _refused(huopan, "import", path, "--source", "茶 行")


def test_a_setting_that_is_unknown_is_named(huopan: Cli) -> None:
    huopan.file("settings.toml", "[api]\nprot = 9000\n")
    assert "api.prot" in _refused(huopan, "sources")


def test_a_database_without_schema_says_migrate(huopan: Cli, database_url: str) -> None:
    with psycopg.connect(dsn(database_url)) as connection:
        connection.execute("DROP TABLE alembic_version")
    assert "huopan migrate" in _refused(huopan, "sources")


@pytest.mark.parametrize("command", ["sources", "migrate"])
def test_a_database_of_a_newer_huopan_is_left_alone(
    huopan: Cli, database_url: str, command: str
) -> None:
    with psycopg.connect(dsn(database_url)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    said = _refused(huopan, command)
    assert "a newer Huopan's" in said
    assert "update this installation" in said


def test_a_wrong_database_password_is_said(huopan: Cli, database_url: str) -> None:
    unknown = make_url(database_url).set(username="nobody_here", password="guessed")
    huopan.set("DATABASE__URL", unknown.render_as_string(hide_password=False))
    said = _refused(huopan, "sources", code=3)
    assert "[database] url" in said
    assert "guessed" not in said


def test_a_database_that_is_not_there_is_said(huopan: Cli, database_url: str) -> None:
    elsewhere = make_url(database_url).set(database="no_such_database")
    huopan.set("DATABASE__URL", elsewhere.render_as_string(hide_password=False))
    assert "Create it, or correct [database] url" in _refused(huopan, "sources", code=3)


def test_a_foreign_kind_of_database_is_said(huopan: Cli) -> None:
    huopan.set("DATABASE__URL", "mysql://root@127.0.0.1/shop")
    assert "postgresql://user@host/name" in _refused(huopan, "sources")


def test_an_unknown_command_and_option_are_said(huopan: Cli) -> None:
    assert "No such command 'serch'" in _refused(huopan, "serch", "茶")
    assert "--sorce" in _refused(huopan, "import", "x.csv", "--sorce", "tea")


def test_every_command_helps(huopan: Cli) -> None:
    listed = huopan("--help").out
    for name in ("up", "migrate", "sources", "sync", "import", "search", "check", "doctor"):
        assert name in listed
        assert huopan(name, "--help").code == 0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("[api]\nprot = 1\n", "api.prot: there is no such key; is port meant?"),
        ("[api]\nport = 'x'\n", "api.port: give a whole number"),
        ("[api]\nport = 99999\n", "api.port: give at most 65535"),
        ("[apis]\nport = 1\n", "apis: there is no such key; is api meant?"),
        ("api = 5\n", "api: give a table"),
        ("[claims]\nwhen_silent = 'no'\n", "give one of 'approve' or 'escalate'"),
        ("[api]\npublic_url = 'shop'\n", "api.public_url: give an address such as https://"),
        ("[recipients]\nshred_days = 1\n", "recipients: shred_days is at least seal_days"),
    ],
)
def test_a_setting_at_fault_is_named_with_what_it_should_be(
    huopan: Cli, given: str, said: str
) -> None:
    huopan.file("settings.toml", given)
    assert said in _refused(huopan, "sources")


def test_a_source_that_is_set_wrongly_is_told_beside_the_others(huopan: Cli) -> None:
    huopan.file("settings.toml", '[sources.tea]\nkind = "feed"\nlocaton = "a.csv"\n')
    [told] = huopan("sources", "--json").json
    assert told["health"] == "set wrongly"
    assert told["note"] == "sources.tea.locaton: there is no such key; is location meant?"
    assert told["note"] in huopan("sources").out
    huopan.file("goods.csv", "sku,title,price\n1,茉莉花茶,9.90\n")
    add = '[sources.rice]\nkind = "feed"\nlocation = "goods.csv"\n'
    huopan.file("settings.toml", f'{add}[sources.tea]\nkind = "feed"\nlocaton = "a.csv"\n')
    done = huopan("sync", "rice", "--json")
    assert (done.code, done.json["changed"]) == (0, 1)
    assert told["note"] in done.err
    assert told["note"] in _refused(huopan, "sync", "tea")
