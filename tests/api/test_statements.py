"""Statements: what moved a party's money, explained by its postings, never changed once issued."""

from datetime import timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from kit import clock
from kit.ids import outside
from tests.api.shop import SELLER, SOURCE, Shop
from trade.invariants import violations
from trade.models import Party
from trade.settling import statement_sheets, statements, typeface
from trade.settling.statements import KINDS, month_start


def stated(shop: Shop, who: str, status: int = 201) -> Any:
    party = outside("pty", shop.parties[who])
    return shop.said("operator", f"/v1/parties/{party}/statements", None, status)


def lines(shop: Shop, who: str, statement: Any) -> list[Any]:
    found: list[Any] = shop.got(who, f"/v1/statements/{statement['id']}/lines")["items"]
    return found


def refund(shop: Shop, order: Any, sku: str) -> None:
    body = {"kind": "refund", "lines": [{"sku": sku, "quantity": 1}], "reason": "坏了"}
    claim = shop.said("leader", f"/v1/orders/{order['id']}/claims", body)["items"][0]
    shop.said("brand", f"/v1/claims/{claim['id']}/approve", {}, 200)


def test_each_party_is_told_what_moved_its_money_and_why(shop: Shop) -> None:
    goods = shop.offer()
    order = shop.shipped(goods, 3)
    first = {who: stated(shop, who) for who in ("leader", "brand", "operator")}
    assert stated(shop, "leader", 409)["code"] == "nothing_moved"
    assert first["leader"]["totals"] == {"deposit": "10000.00", "capture": "-25.67"}
    assert first["leader"]["closing"] == "9974.33"
    assert first["brand"]["totals"] == {"payable": "23.33"}
    assert first["operator"]["totals"] == {"capture": "25.67", "payable": "-23.33"}
    assert first["operator"]["closing"] == "2.34"
    refund(shop, order, goods.sku)
    second = {who: stated(shop, who) for who in ("leader", "brand", "operator")}
    assert second["leader"]["opening"] == first["leader"]["closing"]
    assert second["leader"]["totals"] == {"refund": "8.56"}
    assert second["brand"]["totals"] == {"clawback": "-7.77"}
    assert shop.got("leader", f"/v1/statements/{first['leader']['id']}") == first["leader"]
    [deposit, captured] = lines(shop, "leader", first["leader"])
    assert (captured["order"], captured["reference"]) == (order["id"], order["reference"])
    party = shop.parties["leader"]
    assert (deposit["order"], deposit["reference"]) == (None, f"first-{party}")
    for who in first:
        for line in lines(shop, who, first[who]):
            path = f"/v1/statements/{first[who]['id']}/lines/{line['line']}"
            parts = shop.got(who, path)["items"]
            assert len(parts) == line["postings"]
            whole = sum(Decimal(one["amount"]) for one in parts)
            assert whole == Decimal(line["amount"])
    [owed] = lines(shop, "brand", first["brand"])
    assert (owed["order"], owed["reference"]) == (None, order["reference"])
    seen = str([shop.got("leader", "/v1/statements"), deposit, captured])
    assert SOURCE not in seen
    assert SELLER not in seen
    shop.got("other", f"/v1/statements/{first['leader']['id']}", 404)
    assert len(shop.got("operator", "/v1/statements?party=all")["items"]) == 6
    with shop.db.as_system() as session:
        assert violations(session) == []


def test_a_party_confirms_or_disputes_and_is_answered(shop: Shop) -> None:
    statement = stated(shop, "leader")
    path = f"/v1/statements/{statement['id']}"
    told = shop.said("leader", f"{path}/dispute", {"reason": "少了一笔充值"}, 200)
    assert (told["status"], told["closing"]) == ("disputed", statement["closing"])
    [waiting] = shop.got("operator", "/v1/exceptions?kind=statement_disputed")["items"]
    assert waiting["subject"] == statement["id"]
    assert waiting["detail"].endswith(": 少了一笔充值")
    shop.said("operator", f"{path}/answer", {"answer": "已核对无误"}, 200)
    assert shop.got("operator", "/v1/exceptions?kind=statement_disputed")["items"] == []
    for _ in range(2):
        told = shop.said("leader", f"{path}/confirm", None, 200)
    assert (told["status"], told["answer"]) == ("confirmed", "已核对无误")
    assert shop.said("leader", f"{path}/dispute", {"reason": "x"}, 409)["code"] == "wrong_state"
    for act, body in (("confirm", None), ("dispute", {"reason": "x"})):
        shop.said("other", f"{path}/{act}", body, 404)
    with shop.db.as_system() as session:
        events = session.connection().exec_driver_sql(
            "SELECT about FROM events WHERE kind = 'statement.ready'"
        )
        assert [row.about for row in events] == [statement["id"]]


def test_months_are_stated_once_without_a_gap(shop: Shop) -> None:
    until = month_start(clock.now()) + timedelta(days=45)
    with shop.db.as_system() as session:
        found = statements.due(session, statements.FIRST, until, after=0, limit=10)
        assert shop.parties["leader"] in found
        assert shop.parties["brand"] not in found
        for party in found * 2:
            statements.issue(session, party, until, clock.now())
        assert statements.due(session, statements.FIRST, until, after=0, limit=10) == [
            party for party in found if session.get_one(Party, party).role == "operator"
        ]
    assert len(shop.got("leader", "/v1/statements")["items"]) == 1


def test_on_paper_every_character_has_a_glyph(shop: Shop) -> None:
    if not typeface.FILE.is_file():
        pytest.skip("set-up has not brought the font; run make extras")
    there = typeface.characters()
    ours = [*KINDS.values(), *statement_sheets.STATES.values(), *statement_sheets.ACCOUNTS.values()]
    ours += [name for name, _ in statement_sheets.COLUMNS]
    every = (bytes((row, cell)) for row in range(0x81, 0xFE) for cell in range(0x40, 0xFF))
    gbk = "".join(pair.decode("gbk", "ignore") for pair in every)
    hanzi = "".join(char for char in gbk if char >= "一")
    missing = {char for char in "".join(ours) + hanzi if ord(char) not in there}
    assert missing == set()
    assert typeface.drawable("张\U00020bb7") == "张〓"
    with shop.db.as_system() as session:
        session.get_one(Party, shop.parties["leader"]).name = "南方团长\U00020bb7"
    statement = stated(shop, "leader")
    for kind, start in (("pdf", b"%PDF-"), ("xlsx", b"PK")):
        path = f"/v1/statements/{statement['id']}/statement.{kind}"
        answer = shop.ask("leader", "GET", path)
        assert answer.status_code == 200, answer.text
        assert answer.content.startswith(start)
    book = CalamineWorkbook.from_filelike(BytesIO(answer.content))
    assert book.get_sheet_by_index(0).to_python()[1][2:5:2] == ["充值", 10000.0]
    sums = dict(row[:2] for row in book.get_sheet_by_name("汇总").to_python())
    assert (sums["单位"], sums["期末余额"]) == ("南方团长\U00020bb7", 10000.0)
