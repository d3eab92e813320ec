"""Payouts: held when asked for, taxed when approved, posted when paid, given back when failed."""

import itertools
from io import BytesIO
from typing import Any

from python_calamine import CalamineWorkbook

from kit import clock
from tests.api.shop import Shop
from trade.invariants import violations
from trade.ledger import Entry, post
from trade.models import Earning, Party

PAYEE = {
    "kind": "person",
    "name": "张三",
    "number": "11010519491231002X",
    "bank": "招商银行深圳科技园支行",
    "account": "6225 8801 2345 6789",
}


_numbers = itertools.count(1)


def earn(shop: Shop, fen: int, plan: str = "2026-1") -> None:
    party = shop.parties["leader"]
    with shop.db.as_system() as session:
        line = next(_numbers)
        row = Earning(
            party_id=party,
            share_id=1,
            order_id=line,
            order_line_id=line,
            plan=plan,
            amount=fen,
            accrued=fen,
            released=fen,
            released_at=clock.now(),
        )
        session.add(row)
        name = f"earned:{party}:{line}"
        post(session, [Entry(name, "earned", "sales", f"earned:{party}", fen, party)])


def asked(shop: Shop, amount: str, status: int = 201) -> Any:
    return shop.said("leader", "/v1/payouts", {"amount": amount}, status)


def act(shop: Shop, payout: Any, what: str, body: Any = None, status: int = 200) -> Any:
    return shop.said("operator", f"/v1/payouts/{payout['id']}/{what}", body, status)


def sheet(shop: Shop, path: str) -> list[list[Any]]:
    answer = shop.ask("operator", "GET", path)
    assert answer.status_code == 200, answer.text
    return CalamineWorkbook.from_filelike(BytesIO(answer.content)).get_sheet_by_index(0).to_python()


def whole(shop: Shop) -> None:
    with shop.db.as_system() as session:
        assert violations(session) == []


def test_earnings_go_first_less_tax_and_deposits_come_back_whole(shop: Shop) -> None:
    earn(shop, 500_000)
    payout = asked(shop, "6000.00")
    assert (payout["earnings"], payout["deposits"]) == ("5000.00", "1000.00")
    assert (payout["gross"], payout["tax"], payout["net"]) == ("6000.00", "800.00", "5200.00")
    purse = shop.got("leader", "/v1/wallet")
    assert (purse["balance"], purse["held"]) == ("9000.00", "6000.00")
    assert shop.got("leader", "/v1/wallet/earnings") == {"payable": "0.00", "frozen": "0.00"}
    whole(shop)
    act(shop, payout, "approve")
    for _ in range(2):
        told = act(shop, payout, "paid", {"bank_reference": "B-1"})
    assert (told["status"], told["rule"]) == ("paid", "labour-2018-61")
    assert shop.got("leader", "/v1/wallet")["held"] == "0.00"
    whole(shop)
    told = act(shop, payout, "returned", {"bank_reference": "R-1", "reason": "账号已销户"})
    assert (told["status"], told["failure"], told["return_reference"]) == (
        "returned",
        "账号已销户",
        "R-1",
    )
    assert told["returned_at"] is not None
    assert shop.got("leader", "/v1/payouts?status=returned")["items"] == [told]
    assert shop.got("leader", "/v1/wallet/earnings")["payable"] == "5000.00"
    whole(shop)


def test_a_failed_payout_gives_each_part_back(shop: Shop) -> None:
    earn(shop, 100_000)
    before = shop.got("leader", "/v1/wallet")
    payout = asked(shop, "1500.00")
    act(shop, payout, "approve")
    for _ in range(2):
        told = act(shop, payout, "failed", {"reason": "账号错误"})
    assert told["failure"] == "账号错误"
    assert shop.got("leader", "/v1/wallet") == before
    assert act(shop, payout, "paid", {"bank_reference": "B-3"}, 409)["code"] == "wrong_state"
    whole(shop)


def test_two_payouts_of_a_month_are_taxed_as_one_and_have_a_bank_reference_each(
    shop: Shop,
) -> None:
    earn(shop, 250_000)
    earn(shop, 250_000, "2027-1")
    taxes, plans = [], []
    for number in range(2):
        payout = asked(shop, "2500.00")
        taxes.append(act(shop, payout, "approve")["tax"])
        plans += payout["plans"]
        act(shop, payout, "paid", {"bank_reference": f"B-2{number}"})
    assert (taxes, plans) == (["340.00", "460.00"], ["2026-1", "2027-1"])
    first, second = asked(shop, "1.00"), asked(shop, "2.00")
    assert act(shop, first, "paid", {"bank_reference": "B-4"}, 409)["code"] == "wrong_state"
    for payout in (first, second):
        act(shop, payout, "approve")
    act(shop, first, "paid", {"bank_reference": "B-4"})
    refused = act(shop, second, "paid", {"bank_reference": "B-4"}, 409)
    assert refused["code"] == "reference_conflict"
    assert len(shop.got("operator", "/v1/payouts?status=paid")["items"]) == 3
    whole(shop)


def test_nobody_approves_his_own_and_credit_is_never_paid_out(shop: Shop) -> None:
    party = shop.join("poor", "leader", money=1000)
    shop.ask("operator", "PATCH", f"/v1/parties/{party}", json={"credit_limit": "500.00"})
    refused = shop.said("poor", "/v1/payouts", {"amount": "10.01"}, 409)
    assert refused["code"] == "balance_short"
    payout = asked(shop, "1.00")
    with shop.db.as_system() as session:  # a leader that became an operator
        session.get_one(Party, shop.parties["leader"]).role = "operator"
    for what, body in (("approve", None), ("paid", {"bank_reference": "B-5"})):
        refused = shop.said("leader", f"/v1/payouts/{payout['id']}/{what}", body, 403)
        assert refused["code"] == "own_payout"


def test_the_bank_gets_the_payee_as_it_was_when_asked_for(shop: Shop) -> None:
    wrong = [("number", "110105194912310021"), ("account", "12-34"), ("kind", "firm")]
    for field, value in wrong:
        answer = shop.ask("leader", "PUT", "/v1/payee", json=PAYEE | {field: value})
        assert answer.status_code == 422, answer.text
    assert shop.ask("leader", "PUT", "/v1/payee", json=PAYEE).status_code == 200
    earn(shop, 100_000)
    payout = asked(shop, "1000.00")
    assert payout["payee"]["account"] == "***6789"
    shop.ask("leader", "PUT", "/v1/payee", json=PAYEE | {"account": "9999999999"})
    assert len(sheet(shop, "/v1/payouts/export.xlsx")) == 1
    act(shop, payout, "approve")
    row = sheet(shop, "/v1/payouts/export.xlsx")[1]
    assert row[:5] == [payout["id"], "张三", "6225880123456789", PAYEE["bank"], 960]
    assert row[8] == ""
    assert "请勿重复付款" in sheet(shop, "/v1/payouts/export.xlsx")[1][8]
    assert len(sheet(shop, "/v1/payouts/export.xlsx?only=new")) == 1
    [told] = shop.got("leader", "/v1/payouts")["items"]
    assert (told["exported_at"] is not None, told["reduced"]) == (True, "0.00")
    told = act(shop, payout, "paid", {"bank_reference": "B-6"})
    year, month = int(told["paid_at"][:4]), int(told["paid_at"][5:7])
    quarter = f"{year}Q{(month + 2) // 3}"
    listed = sheet(shop, f"/v1/payouts/income.xlsx?quarter={quarter}")[1]
    assert listed[1:7] == ["张三", "个人", PAYEE["number"], 1000, 40, 960]
    assert len(sheet(shop, "/v1/payouts/income.xlsx?quarter=2020Q1")) == 1
    assert shop.got("operator", "/v1/audit")["items"][0]["action"] == "payouts.income"
