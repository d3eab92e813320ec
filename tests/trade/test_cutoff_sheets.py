"""Sheets to suppliers at cut-off: each purchase in exactly one, whatever happens on the way."""

import base64
import email
import email.policy
import hashlib
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import openpyxl
import paramiko
import pytest
from sqlalchemy import select, text

from connectors.registry import open_source
from connectors.surroundings import Surroundings
from kit import clock
from kit.errors import Problem
from kit.ids import outside
from kit.settings import MailSettings
from tests.far_servers import Post, mail_server, sftp_server
from tests.trade.market import HOME, NOW, Market, submitted
from tests.trade.test_claims import approve, claim
from tests.trade.test_supplier_door import Shop
from trade import (
    address_answers,
    cutoff_sheets,
    exceptions,
    forgetting,
    purchases,
    readdressing,
    sent_sheets,
    sheets,
)
from trade.after_sales import claim_answers, claims
from trade.desk import SourceTerms
from trade.models import AddressRequest, SupplierSheet
from trade.parcels.shipping import Shipment, ship
from trade.purchases import Supplier

CUTOFF = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
"""Four in the afternoon in Shanghai."""
THERE = "粤海街道后海大道 2 号"


def sending(market: Market, **terms: Any) -> Market:
    told = {"send_to": "mailto:cang@tea.example", "cutoff": "16:00"} | terms
    return replace(market, desk=replace(market.desk, sources={"teahouse": SourceTerms(**told)}))


def made(market: Market, now: datetime = CUTOFF) -> int:
    with market.db.as_system() as session:
        return cutoff_sheets.make_due(session, market.desk, now)


def sent(market: Market, source: Any) -> None:
    until = clock.now() + timedelta(seconds=30)
    cutoff_sheets.drain(market.db, market.desk, "teahouse", lambda _: source, until)


def by_mail(post: Post) -> Any:
    config = {"kind": "feed", "send_to": "mailto:cang@tea.example,boss@tea.example"}
    mail = MailSettings(smtp=post.url, sender="huopan@shop.example")
    return open_source("teahouse", config, Surroundings(mail=mail))


def rows(content: bytes) -> list[list[Any]]:
    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    assert sheet is not None
    return [[cell.value for cell in line] for line in sheet]


def attachment(mail: tuple[list[str], bytes]) -> bytes:
    parsed = email.message_from_bytes(mail[1], policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    [part] = list(parsed.iter_attachments())
    content = part.get_content()
    assert isinstance(content, bytes)
    return content


def sheet_row(market: Market) -> Any:
    with market.db.as_system() as session:
        return session.execute(text("SELECT * FROM supplier_sheets ORDER BY id DESC")).first()


def hurried(market: Market) -> None:
    """The wait before the next attempt is over."""
    with market.db.as_system() as session:
        session.execute(text("UPDATE supplier_sheets SET due_at = clock_timestamp()"))


def bought(market: Market, party: int, goods: Any, times: int = 1) -> list[int]:
    orders = [market.place(party, (goods.sku, 1)) for _ in range(times)]
    submitted(market)
    return orders


def test_at_cutoff_one_sheet_of_what_no_sheet_holds(market: Market) -> None:
    market = sending(market)
    party, goods = market.party(money=100_000), market.offer()
    first = bought(market, party, goods, 2)
    assert made(market, CUTOFF - timedelta(minutes=1)) == 1  # yesterday's cut-off had none yet
    with mail_server() as post:
        source = by_mail(post)
        sent(market, source)
        later = bought(market, party, goods)
        assert made(market) == 1
        assert made(market) == 0
        sent(market, source)
        sent(market, source)
        assert made(market, CUTOFF + timedelta(days=1)) == 0
    states = [market.purchases(order)[0].state for order in first + later]
    assert states == ["accepted"] * 3
    refs = [line[0] for mail in post.mails for line in rows(attachment(mail))[1:]]
    assert len(refs) == len(set(refs)) == 3
    assert post.mails[0][0] == ["cang@tea.example", "boss@tea.example"]


def test_what_may_have_arrived_is_sent_again_byte_for_byte(market: Market) -> None:
    market = sending(market)
    party, goods = market.party(money=100_000), market.offer()
    bought(market, party, goods)
    assert made(market) == 1
    with mail_server() as post:
        source = by_mail(post)
        post.mood = "drop"
        sent(market, source)
        assert sheet_row(market).state == "sending"
        bought(market, party, goods)
        post.mood = "take"
        hurried(market)
        sent(market, source)
    assert sheet_row(market).state == "done"
    assert len(post.mails) == 2
    assert post.mails[0] == post.mails[1]
    assert len(rows(attachment(post.mails[0]))) == 2


def readdressed(market: Market, party: int, order: int) -> None:
    """Its leader wants it elsewhere, and an operator says that its supplier agrees."""
    there = replace(HOME, address=THERE)
    with market.db.as_system() as session:
        assert readdressing.readdress(session, market.desk, party, order, there, NOW)
        name = outside("pur", session.scalars(select(AddressRequest.purchase_id)).one())
        address_answers.answer(session, Supplier("teahouse"), name, NOW, accept=True)


def test_what_has_not_left_for_certain_is_written_anew_under_the_same_name(market: Market) -> None:
    market = sending(market)
    party, goods = market.party(money=100_000), market.offer()
    moved, ended, kept = bought(market, party, goods, 3)
    made(market)
    with mail_server() as post:
        post.mood = "later"
        sent(market, by_mail(post))
        before = sheet_row(market)
        readdressed(market, party, moved)
        with market.db.as_system() as session:
            name = outside("pur", market.purchases(ended)[0].id)
            purchases.refuse(session, Supplier("teahouse"), name, "out_of_stock", "没货", NOW)
            asked = replace(HOME, address=THERE)
            assert readdressing.readdress(session, market.desk, party, kept, asked, NOW)
        bought(market, party, goods)  # goes with the next sheet
        post.mood = "take"
        hurried(market)
        sent(market, by_mail(post))
    after = sheet_row(market)
    assert (before.id, before.purchases, before.may_have_left) == (after.id, 3, False)
    assert (after.state, after.purchases) == ("done", 2)
    [mail] = post.mails
    found = [(line[0], line[4].endswith(THERE), line[9]) for line in rows(attachment(mail))[1:]]
    assert found == [
        (outside("pur", market.purchases(moved)[0].id), True, ""),
        (outside("pur", market.purchases(kept)[0].id), False, sheets.READDRESSED),
    ]


def test_what_may_have_left_keeps_its_bytes_whatever_its_supplier_agreed_to(market: Market) -> None:
    market = sending(market)
    party, goods = market.party(money=100_000), market.offer()
    [order] = bought(market, party, goods)
    made(market)
    with mail_server() as post:
        for mood in ("drop", "refuse", "take"):  # that it failed later takes nothing back
            post.mood = mood
            sent(market, by_mail(post))
            if mood == "drop":
                readdressed(market, party, order)
            hurried(market)
    assert post.mails[0] == post.mails[1]
    assert sheet_row(market).may_have_left
    [line] = rows(attachment(post.mails[1]))[1:]
    assert not line[4].endswith(THERE)


def test_a_sheet_of_which_all_has_ended_is_not_sent(market: Market) -> None:
    market = sending(market)
    [order] = bought(market, market.party(money=100_000), market.offer())
    made(market)
    with market.db.as_system() as session:
        name = outside("pur", market.purchases(order)[0].id)
        purchases.refuse(session, Supplier("teahouse"), name, "out_of_stock", "没货", NOW)
    with mail_server() as post:
        sent(market, by_mail(post))
        assert post.mails == []
    assert sheet_row(market).state == "empty"


def test_a_worker_that_dies_while_it_sends_leaves_the_sheet_to_the_next(market: Market) -> None:
    market = sending(market)
    bought(market, market.party(money=100_000), market.offer())
    made(market)
    with market.db.as_system() as session:
        lost = cutoff_sheets.claim(session, market.desk, "teahouse", clock.now())
        assert lost is not None
    with mail_server() as post:
        sent(market, by_mail(post))
        assert post.mails == []
        hurried(market)
        sent(market, by_mail(post))
        assert len(post.mails) == 1
    with market.db.as_system() as session:
        cutoff_sheets.settle(session, lost, None, NOW)
    assert sheet_row(market).state == "done"


def test_tries_are_bounded_and_then_a_person_is_told(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cutoff_sheets, "WAITS", cutoff_sheets.WAITS[:2])
    market = sending(market)
    [order] = bought(market, market.party(money=100_000), market.offer())
    made(market)
    with mail_server() as post:
        source = by_mail(post)
        post.mood = "refuse"
        for _ in range(5):
            hurried(market)
            sent(market, source)
        row = sheet_row(market)
        assert (row.state, row.attempts) == ("failed", len(cutoff_sheets.WAITS) + 1)
        assert market.purchases(order)[0].state == "submitted"
        with market.db.as_system() as session:
            [case] = exceptions.waiting(session, market.desk, clock.now(), kind="sheet_not_sent")
            assert "554" in case["detail"] or "refuses" in case["detail"]
            name = outside("sht", row.id)
            assert sent_sheets.page(session, Supplier("teahouse"))[0][0]["status"] == "failed"
            sent_sheets.send_again(session, Supplier("teahouse"), name, clock.now())
        with market.db.as_system() as session, pytest.raises(Problem):
            sent_sheets.send_again(session, Supplier("rival"), name, clock.now())
        post.mood = "take"
        sent(market, source)
    assert market.purchases(order)[0].state == "accepted"


def test_a_supplier_who_accepts_by_hand_has_it_as_submitted(market: Market) -> None:
    market = sending(market, accept="manual")
    [order] = bought(market, market.party(money=100_000), market.offer())
    made(market)
    with mail_server() as post:
        sent(market, by_mail(post))
        assert len(post.mails) == 1
    assert (sheet_row(market).state, market.purchases(order)[0].state) == ("done", "submitted")
    body = bytes(sheet_row(market).body)
    assert body
    assert not body.startswith(b"PK")
    with market.db.as_system() as session:
        late = clock.now() + cutoff_sheets.KEPT
        found = [cutoff_sheets.prune(session, late + timedelta(days=n)) for n in (-1, 1, 1)]
    assert found == [0, 1, 0]
    assert made(market, CUTOFF + timedelta(days=1)) == 0


def test_to_a_folder_by_sftp_whole_and_once(
    market: Market, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAR_PASSWORD", "leaf")
    (tmp_path / "in").mkdir()
    key = paramiko.ECDSAKey.generate()
    digest = base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")
    market = sending(market, send_to="sftp://x/in/")
    bought(market, market.party(money=100_000), market.offer())
    made(market)
    with sftp_server(tmp_path, key, breaks=1) as port:
        config = {
            "kind": "feed",
            "send_to": f"sftp://127.0.0.1:{port}/in/",
            "username": "tea",
            "password": "env:FAR_PASSWORD",
            "host_key": f"SHA256:{digest}",
            "allow_private_hosts": True,
        }
        sent(market, open_source("teahouse", config | {"send_to": config["send_to"] + "no/"}))
        assert "no folder" in sheet_row(market).failure
        hurried(market)
        sent(market, open_source("teahouse", config))
        assert (sheet_row(market).state, sheet_row(market).may_have_left) == ("sending", True)
        hurried(market)
        sent(market, open_source("teahouse", config))
    [file] = (tmp_path / "in").iterdir()
    assert file.name == "huopan-teahouse-20260302-1600.xlsx"
    assert len(rows(file.read_bytes())) == 2
    assert sheet_row(market).state == "done"


def test_what_is_sent_again_for_a_claim_is_in_exactly_one_sheet(market: Market) -> None:
    market = sending(market)
    shop = Shop(market)
    shop.ship("SF1234567890")
    asked = [claim(shop, 1, kind="reissue", reason="少件") for _ in range(2)]
    assert made(market, CUTOFF - timedelta(days=1)) == 0  # nobody has agreed yet
    withdrawn, owed = asked
    for name in asked:
        approve(shop, name)
    with market.db.as_system() as session:
        claims.cancel(session, market.desk, shop.leader, withdrawn, NOW)
    days = [CUTOFF + timedelta(days=one) for one in range(3)]
    assert [made(market, day) for day in days] == [1, 0, 0]
    with mail_server() as post:
        sent(market, by_mail(post))
        [mail] = post.mails
    assert [(line[0], line[8], line[9]) for line in rows(attachment(mail))[1:]] == [
        (owed, "1", "【补发】")
    ]
    with market.db.as_system() as session:
        told = sent_sheets.page(session, shop.door)[0][-1]
        assert (told["purchases"], told["replacements"], told["status"]) == (0, 1, "sent")
        claim_answers.reissue(session, market.desk, shop.door, owed, "顺丰", "SF0000000001", NOW)
    with market.db.as_system() as session:
        keyring = market.desk.keyring
        assert forgetting.forget(session, keyring, HOME.name, HOME.mobile, NOW).sheets == 1


def test_whoever_is_forgotten_is_in_no_sheet(market: Market) -> None:
    market = sending(market)
    [order] = bought(market, market.party(money=100_000), market.offer())
    made(market)
    with market.db.as_system() as session:
        keyring = market.desk.keyring
        waits = forgetting.forget(session, keyring, HOME.name, HOME.mobile, NOW)
        assert (len(waits.waiting), waits.sheets) == (1, 0)
    with mail_server() as post:
        sent(market, by_mail(post))
    [purchase] = market.purchases(order)
    with market.db.as_system() as session:
        parcel = Shipment(outside("pur", purchase.id), "顺丰", "SF0000000001")
        ship(session, Supplier("teahouse"), parcel, NOW)
        done = forgetting.forget(session, keyring, HOME.name, HOME.mobile, NOW)
    assert (done.waiting, done.sheets) == ([], 1)
    assert bytes(sheet_row(market).body) == b""


def test_a_sheet_that_may_have_left_and_was_erased_is_a_persons_to_end(market: Market) -> None:
    market = sending(market)
    [order] = bought(market, market.party(money=100_000), market.offer())
    made(market)
    with market.db.as_system() as session:  # its worker died, and somebody in it was erased
        row = session.scalars(select(SupplierSheet).where(SupplierSheet.state == "made")).one()
        row.state, row.body, row.due_at, row.may_have_left = "sending", b"", NOW, True
    with mail_server() as post:
        sent(market, by_mail(post))
        assert post.mails == []
    with market.db.as_system() as session:
        assert cutoff_sheets.due(session, clock.now()) == []
        [case] = exceptions.waiting(session, market.desk, clock.now(), kind="sheet_not_sent")
        assert (case["actions"], "erased" in case["detail"]) == (("sent",), True)
    name = outside("sht", sheet_row(market).id)
    with market.db.as_system() as session, pytest.raises(Problem, match="ask its supplier"):
        sent_sheets.send_again(session, Supplier("teahouse"), name, clock.now())
    with market.db.as_system() as session:
        sent_sheets.found_sent(session, case["about"][1], clock.now())
    with mail_server() as post:
        sent(market, by_mail(post))
    assert (sheet_row(market).state, market.purchases(order)[0].state) == ("done", "accepted")


def test_the_last_cutoff_is_todays_or_yesterdays_in_shanghai() -> None:
    assert cutoff_sheets.last_cutoff("16:00", CUTOFF) == CUTOFF
    early = CUTOFF - timedelta(seconds=1)
    assert cutoff_sheets.last_cutoff("16:00", early) == CUTOFF - timedelta(days=1)
    assert cutoff_sheets.last_cutoff(None, CUTOFF) == CUTOFF
