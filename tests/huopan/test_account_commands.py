"""`party add`, `token`, `deposit`: accounts, what opens the door for them, and their money."""

import pytest

from kit import clock
from kit.db import Database
from tests.huopan.conftest import Cli
from trade import tokens


def _added(huopan: Cli, *more: str, role: str = "leader") -> dict[str, str]:
    done = huopan("party", "add", "--role", role, "--name", "团长小鹿", "--json", *more)
    assert done.code == 0, done.err
    view: dict[str, str] = done.json
    return view


def test_a_party_is_added_with_a_token_that_opens_the_door(huopan: Cli, database: Database) -> None:
    added = _added(huopan)
    assert list(added) == ["id", "role", "name", "token"]
    assert (added["role"], added["name"]) == ("leader", "团长小鹿")
    with database.as_system() as session:
        who = tokens.authenticate(session, added["token"], clock.now())
    assert who is not None
    assert who.role == "leader"


def test_a_brand_supplies_its_source(huopan: Cli, database: Database) -> None:
    added = _added(huopan.stocked(), "--source", "teahouse", role="brand")
    with database.as_system() as session:
        who = tokens.authenticate(session, added["token"], clock.now())
    assert who is not None
    assert who.source == "teahouse"


def test_a_brand_of_a_source_that_is_not_there_yet_is_told(huopan: Cli) -> None:
    done = huopan("party", "add", "--role", "brand", "--name", "青山", "--source", "teahouse")
    assert done.code == 0
    assert "no source 'teahouse' yet" in done.err


@pytest.mark.parametrize(
    ("arguments", "typed"),
    [(["--password", "correct horse"], ""), (["--password"], "correct horse\n")],
)
def test_a_password_is_given_or_piped_and_logs_in(
    huopan: Cli, database: Database, arguments: list[str], typed: str
) -> None:
    command = ["party", "add", "--role", "leader", "--name", "小鹿", *arguments]
    assert huopan(*command, stdin=typed).code == 0
    with database.as_system() as session:
        assert tokens.login(session, "小鹿", "correct horse", clock.now())


def test_accounts_are_listed(huopan: Cli) -> None:
    assert "no account yet" in huopan("party", "list").out
    added = _added(huopan)
    (one,) = huopan("party", "list", "--role", "leader", "--json").json
    assert (one["id"], one["name"]) == (added["id"], "团长小鹿")
    assert added["id"] in huopan("party", "list").out


def test_a_further_token_is_alone_on_its_line(huopan: Cli, database: Database) -> None:
    party = _added(huopan)["id"]
    plain = huopan("token", party, "--scope", "orders:read", "--expires", "90d")
    assert plain.code == 0
    with database.as_system() as session:
        who = tokens.authenticate(session, plain.out.strip(), clock.now())
    assert who is not None
    assert who.scopes == {"orders:read"}


def test_a_deposit_counts_once_per_reference(huopan: Cli) -> None:
    party = _added(huopan)["id"]
    command = ["deposit", party, "500.00", "--reference", "ICBC-1", "--json"]
    first, again = huopan(*command).json, huopan(*command).json
    assert (first["new"], first["balance"]) == (True, "500.00")
    assert (again["new"], again["balance"]) == (False, "500.00")
    told = huopan(*command[:-1])
    assert "nothing was added; the balance is 500.00" in told.out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["party", "add", "--role", "boss", "--name", "x"], "leader, brand, buyer, operator"),
        (["party", "add", "--role", "leader"], "--name"),
        (["party", "add", "--role", "leader", "--name", "x", "--source", "t"], "only a brand"),
        (["party", "add", "--role", "leader", "--name", "x", "--password", "abc"], "at least 8"),
        (["party", "add", "--role", "leader", "--name", "x", "stray"], "--password stray"),
        (["token", "pty_none"], "huopan party list"),
        (["deposit", "pty_none", "5", "--reference", "r"], "there is no party"),
        (["deposit", "pty_none", "5"], "--reference"),
        (["deposit", "pty_none", "five", "--reference", "r"], "such as 500.00"),
        (["deposit", "pty_none", "0.001", "--reference", "r"], "whole number of fen"),
    ],
)
def test_what_is_wrong_is_a_sentence(huopan: Cli, arguments: list[str], says: str) -> None:
    done = huopan(*arguments)
    assert (done.code, done.out) == (2, "")
    assert says in " ".join(done.err.split())


def test_amounts_and_scopes_and_spans_that_are_wrong(huopan: Cli) -> None:
    party = _added(huopan)["id"]
    for arguments, says in (
        (["deposit", party, "0", "--reference", "r"], "more than 0"),
        (["token", party, "--scope", "purchases:write"], "orders:read"),
        (["token", party, "--expires", "soon"], "90d, 12h, 4w or 1y"),
    ):
        done = huopan(*arguments)
        assert done.code == 2, done
        assert says in done.err, done


def test_a_reference_of_another_deposit_is_a_conflict(huopan: Cli) -> None:
    party = _added(huopan)["id"]
    assert huopan("deposit", party, "5", "--reference", "r").code == 0
    done = huopan("deposit", party, "6", "--reference", "r")
    assert done.code == 2
    assert "another deposit has the reference" in done.err


def test_a_source_has_one_supplier(huopan: Cli) -> None:
    command = ["party", "add", "--role", "brand", "--source", "tea", "--name"]
    assert huopan(*command, "青山").code == 0
    done = huopan(*command, "绿水")
    assert done.code == 2
    assert "has a supplier already" in done.err
