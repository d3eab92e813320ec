"""Parties, their people, their tokens and their money."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from kit.db import Database
from kit.errors import Problem
from kit.ids import outside
from tests.trade.market import NOW
from trade import parties, rights, tokens, wallets
from trade.models import Balance, Posting, Token
from trade.parties import Terms


def made(database: Database, role: str = "leader", **fields: str) -> int:
    with database.as_system() as session:
        return parties.create(session, role, f"一号{role}", **fields)


def refused(code: str, status: int, problem: pytest.ExceptionInfo[Problem]) -> bool:
    return (problem.value.status, problem.value.code) == (status, code)


@pytest.mark.parametrize("role", rights.ROLES)
def test_a_token_opens_the_door_for_its_party_and_role(database: Database, role: str) -> None:
    party = made(database, role)
    with database.as_system() as session:
        issued = tokens.issue(session, party)
    with database.as_system() as session:
        identity = tokens.authenticate(session, issued.text, NOW)
    assert identity is not None
    assert (identity.party_id, identity.role) == (party, role)
    assert identity.scopes == rights.OF_ROLE[role]
    assert identity.sees_sources == (role in ("operator", "buyer"))


def test_a_token_is_kept_only_as_its_hash(database: Database) -> None:
    party = made(database)
    with database.as_system() as session:
        issued = tokens.issue(session, party)
        row = session.get_one(Token, issued.id)
        assert row.hash == hashlib.sha256(issued.text.encode()).digest()
        assert issued.text not in str(tokens.listed(session, party))


def test_an_expired_revoked_or_unknown_token_opens_nothing(database: Database) -> None:
    party = made(database)
    with database.as_system() as session:
        short = tokens.issue(session, party, expires_at=NOW + timedelta(hours=1))
        gone = tokens.issue(session, party)
        tokens.revoke(session, party, outside("tok", gone.id), NOW)
        tokens.revoke(session, party, outside("tok", gone.id), NOW)
    with database.as_system() as session:
        assert tokens.authenticate(session, short.text, NOW)
        assert tokens.authenticate(session, short.text, NOW + timedelta(hours=1)) is None
        for text in (gone.text, "hp_made-up", "", "Bearer x"):
            assert tokens.authenticate(session, text, NOW) is None


def test_nobody_revokes_another_partys_token(database: Database) -> None:
    party, other = made(database), made(database, "buyer")
    with database.as_system() as session:
        issued = tokens.issue(session, party)
    with database.as_system() as session, pytest.raises(Problem) as problem:
        tokens.revoke(session, other, outside("tok", issued.id), NOW)
    assert refused("not_found", 404, problem)


def test_an_inactive_partys_tokens_open_nothing(database: Database) -> None:
    party = made(database)
    with database.as_system() as session:
        issued = tokens.issue(session, party)
        parties.set_terms(session, party, Terms(active=False))
    with database.as_system() as session:
        assert tokens.authenticate(session, issued.text, NOW) is None


def test_scopes_only_narrow(database: Database) -> None:
    party = made(database)
    with database.as_system() as session:
        issued = tokens.issue(session, party, scopes=["catalog:read"])
        identity = tokens.authenticate(session, issued.text, NOW)
        assert identity is not None
        assert identity.scopes == {"catalog:read"}
        with pytest.raises(Problem) as problem:
            tokens.issue(session, party, scopes=["parties:write"])
    assert refused("invalid", 422, problem)


def test_a_member_does_no_more_than_its_roles_allow(database: Database) -> None:
    party = made(database)
    with database.as_system() as session:
        clerk = parties.add_member(session, party, "小王", ["clerk"])
        viewer = parties.add_member(session, party, "小李", ["viewer"])
        by_clerk = tokens.issue(session, party, member_id=clerk)
        by_viewer = tokens.issue(session, party, member_id=viewer)
        for_clerk = tokens.authenticate(session, by_clerk.text, NOW)
        for_viewer = tokens.authenticate(session, by_viewer.text, NOW)
    assert for_clerk is not None
    assert for_viewer is not None
    assert "orders:write" in for_clerk.scopes
    assert "wallet:write" not in for_clerk.scopes
    assert all(scope.endswith(":read") for scope in for_viewer.scopes)


def test_a_member_logs_in_with_its_password_and_with_no_other(database: Database) -> None:
    party = made(database, password="correct horse")
    until = NOW + timedelta(days=1)
    with database.as_system() as session:
        issued = tokens.login(session, " 一号leader", "correct horse", until)
        identity = tokens.authenticate(session, issued.text, NOW)
        assert identity is not None
        assert identity.party_id == party
    for name, password in (("一号leader", "wrong horse!"), ("nobody", "correct horse")):
        with database.as_system() as session, pytest.raises(Problem) as problem:
            tokens.login(session, name, password, until)
        assert refused("wrong_password", 401, problem)


def test_names_that_log_in_are_unique_others_are_not(database: Database) -> None:
    made(database)
    made(database)
    made(database, password="correct horse")
    with pytest.raises(Problem) as problem:
        made(database, password="another horse")
    assert refused("login_taken", 409, problem)


def test_a_short_password_is_refused(database: Database) -> None:
    with pytest.raises(Problem) as problem:
        made(database, password="short")
    assert refused("invalid", 422, problem)


def test_a_source_has_one_supplier_who_is_a_brand(database: Database) -> None:
    made(database, "brand", source="teahouse")
    with pytest.raises(Problem) as problem:
        made(database, "brand", source="teahouse")
    assert refused("source_taken", 409, problem)
    with pytest.raises(Problem) as problem:
        made(database, "leader", source="other")
    assert refused("invalid", 422, problem)


@pytest.mark.parametrize(("role", "name"), [("king", "甲"), ("leader", " "), ("leader", "x" * 101)])
def test_a_party_has_a_known_role_and_a_name(database: Database, role: str, name: str) -> None:
    with database.as_system() as session, pytest.raises(Problem) as problem:
        parties.create(session, role, name)
    assert refused("invalid", 422, problem)


def test_the_same_deposit_again_posts_nothing(database: Database) -> None:
    party = made(database)
    with database.as_system() as session:
        assert wallets.deposit(session, party, 10_000, "B-1")
        assert not wallets.deposit(session, party, 10_000, "B-1")
        assert wallets.wallet(session, party)["balance"] == "100.00"


def test_another_deposit_under_a_used_reference_is_a_conflict(database: Database) -> None:
    party, other = made(database), made(database, "buyer")
    with database.as_system() as session:
        wallets.deposit(session, party, 10_000, "B-1")
    for who, amount in ((party, 9_999), (other, 10_000)):
        with database.as_system() as session, pytest.raises(Problem) as problem:
            wallets.deposit(session, who, amount, "B-1")
        assert refused("reference_conflict", 409, problem)


def test_twenty_deposits_at_once_under_one_reference_are_one(database: Database) -> None:
    party = made(database)

    def pay(_: int) -> bool:
        with database.as_system() as session:
            return wallets.deposit(session, party, 500, "B-7")

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(pay, range(20))) == 1
    with database.as_system() as session:
        assert session.scalar(select(func.count()).select_from(Posting)) == 1
        assert session.get_one(Balance, f"wallet:{party}").amount == 500


@pytest.mark.parametrize(("amount", "reference"), [(0, "B"), (-1, "B"), (1, " "), (1, "B" * 101)])
def test_a_malformed_deposit_is_refused(database: Database, amount: int, reference: str) -> None:
    party = made(database)
    with database.as_system() as session, pytest.raises(Problem) as problem:
        wallets.deposit(session, party, amount, reference)
    assert refused("invalid", 422, problem)


def test_a_deposit_request_becomes_money_once_when_an_operator_confirms(
    database: Database,
) -> None:
    party = made(database)
    with database.as_party(party) as session:
        request = wallets.ask_deposit(session, party, 5_000, "回单 8848", NOW)["id"]
    with database.as_system() as session:
        assert wallets.confirm(session, request, NOW)["status"] == "confirmed"
        assert wallets.confirm(session, request, NOW)["status"] == "confirmed"
    with database.as_party(party) as session:
        assert wallets.wallet(session, party)["balance"] == "50.00"
        listed, more = wallets.entries(session, party)
    assert [(entry["kind"], entry["amount"]) for entry in listed] == [("deposit", "50.00")]
    assert more is None
    with database.as_system() as session, pytest.raises(Problem) as problem:
        wallets.refuse(session, request, "没有到账", NOW)
    assert refused("wrong_state", 409, problem)


def test_money_that_came_in_once_is_credited_once_however_it_is_told(database: Database) -> None:
    party = made(database)
    with database.as_system() as session:
        wallets.deposit(session, party, 5_000, "B-8848")
        told, same, other = (
            wallets.ask_deposit(session, party, 5_000, proof, NOW)["id"]
            for proof in ("B-8848", "回单 8849", "回单 8849")
        )
        assert wallets.confirm(session, same, NOW)["status"] == "confirmed"
        assert wallets.deposit(session, party, 5_000, "回单 8849") is False
    for request in (told, other):
        with database.as_system() as session, pytest.raises(Problem) as problem:
            wallets.confirm(session, request, NOW)
        assert refused("reference_conflict", 409, problem)
    with database.as_party(party) as session:
        assert wallets.wallet(session, party)["balance"] == "100.00"


def test_a_refused_deposit_request_moves_no_money(database: Database) -> None:
    party = made(database)
    with database.as_party(party) as session:
        request = wallets.ask_deposit(session, party, 5_000, "回单 8848", NOW)["id"]
    with database.as_system() as session:
        wallets.refuse(session, request, "没有到账", NOW)
    with database.as_party(party) as session:
        found, _ = wallets.requests(session, party)
        assert [(one["status"], one["answer"]) for one in found] == [("refused", "没有到账")]
        assert wallets.wallet(session, party)["balance"] == "0.00"


def test_deposit_requests_stand_behind_the_tenant_wall(database: Database) -> None:
    party, other = made(database), made(database, "buyer")
    with database.as_party(party) as session:
        wallets.ask_deposit(session, party, 5_000, "回单 8848", NOW)
    with database.as_party(other) as session:
        assert wallets.requests(session, None) == ([], None)


def test_a_wallet_may_go_below_zero_as_far_as_its_credit_goes(database: Database) -> None:
    party = made(database)
    with database.as_system() as session:
        parties.set_terms(session, party, Terms(terms="monthly+30", credit_limit=1_000))
        assert parties.view(session, party)["credit_limit"] == "10.00"
        session.get_one(Balance, f"wallet:{party}").amount = -700
    with database.as_system() as session, pytest.raises(Problem) as problem:
        parties.set_terms(session, party, Terms(credit_limit=600))
    assert refused("credit_in_use", 409, problem)


@pytest.mark.parametrize("terms", ["later", "T+", "monthly+1234", "prepaid "])
def test_malformed_terms_are_refused(database: Database, terms: str) -> None:
    party = made(database)
    with database.as_system() as session, pytest.raises(Problem) as problem:
        parties.set_terms(session, party, Terms(terms=terms))
    assert refused("invalid", 422, problem)


def test_a_party_cannot_stand_under_itself(database: Database) -> None:
    head, agent = made(database), made(database)
    with database.as_system() as session:
        parties.set_terms(session, agent, Terms(parent=outside("pty", head)))
    with database.as_system() as session, pytest.raises(Problem) as problem:
        parties.set_terms(session, head, Terms(parent=outside("pty", agent)))
    assert refused("invalid", 422, problem)


def test_parties_are_listed_by_role_and_page(database: Database) -> None:
    ids = [made(database) for _ in range(3)]
    made(database, "buyer")
    with database.as_system() as session:
        first, after = parties.page(session, role="leader", limit=2)
        rest, end = parties.page(session, role="leader", limit=2, after=after)
    assert [one["id"] for one in (*first, *rest)] == [outside("pty", one) for one in ids]
    assert end is None


@pytest.mark.parametrize(("span", "hours"), [("90d", 2160), ("12h", 12), ("4w", 672)])
def test_spans_of_time(span: str, hours: int) -> None:
    assert tokens.expiry(span, NOW) == NOW + timedelta(hours=hours)


@pytest.mark.parametrize("span", ["", "soon", "0d", "-1d", "90", "99999d"])
def test_a_span_that_is_none_is_refused(span: str) -> None:
    with pytest.raises(Problem):
        tokens.expiry(span, NOW)
