"""Ordering by sheet: what is read, asked back, refused, placed, and given back."""

import io
import itertools
from datetime import timedelta
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from sqlalchemy import text

from kit.errors import Problem
from kit.ids import outside
from tests.trade.market import NOW, Market, submitted
from tests.trade.order_sheets import (
    HEADER,
    confirmed,
    csv_text,
    picked,
    row,
    seen,
    sent,
    worked,
    xlsx,
)
from trade import forgetting
from trade.order_sheets import files, imports, placing, results
from trade.parcels import shipping
from trade.parcels.shipping import Shipment
from trade.purchases import Supplier

_numbers = itertools.count(1)


def answered(
    market: Market, party: int, name: str, mappings: Any = None, regions: Any = None
) -> dict[str, Any]:
    with market.db.as_system() as session:
        imports.answer(session, party, name, mappings or {}, regions or {}, NOW)
    worked(market, name)
    return seen(market, party, name)


def result(market: Market, party: int, name: str) -> list[list[Any]]:
    with market.db.as_party(party) as session:
        made = results.result(session, market.desk, imports.own(session, party, name))
    sheet = openpyxl.load_workbook(io.BytesIO(made.xlsx())).active
    assert sheet is not None
    assert {cell.data_type for line in sheet for cell in line if cell.value is not None} == {"s"}
    return [[cell.value or "" for cell in line] for line in sheet]


def orders(market: Market, party: int) -> list[Any]:
    with market.db.as_system() as session:
        found = text("SELECT reference, total, status FROM orders WHERE party_id = :p ORDER BY id")
        return list(session.execute(found, {"p": party}))


class TestReading:
    def test_rows_with_one_number_are_one_order(self, market: Market) -> None:
        party = market.party(money=100_000)
        picked(market, party, "TEA")
        picked(market, party, "CUP", cost="3.00")
        name = sent(market, party, xlsx(row("A1", "TEA", 2), row("A1", "CUP"), row("A2", "TEA")))
        told = seen(market, party, name)
        assert (told["status"], told["rows"], told["orders"]) == ("ready", 3, 2)
        assert (told["total"], told["rejected"], told["needs_mapping"]) == ("33.00", [], [])

    def test_text_in_any_usual_encoding(self, market: Market) -> None:
        party = market.party()
        picked(market, party, "TEA")
        for code in ("utf-8", "utf-8-sig", "gbk", "utf-16"):
            told = seen(market, party, sent(market, party, csv_text(row("A1", "TEA"), code=code)))
            assert (told["orders"], told["total"], told["rejected"]) == (1, "10.00", [])

    def test_a_messy_export_of_a_platform(self, market: Market) -> None:
        party = market.party()
        goods = picked(market, party, "TEA")
        book = openpyxl.Workbook()
        sheet = book.active
        assert sheet is not None
        sheet.append(["本团订单导出，请勿修改表头"])
        sheet.append([])
        people = ["收货人（必填）", "联系电话", "省份", "城市", "区县", "详细地址"]
        sheet.append(["*订单编号", "下单人", *people, "商品", "规格", "数量(件)", "团员备注"])
        sheet.append(
            [7730000000001, "付款人", "李四", 13800138000, "广东省", "深圳市", "南山区", "科技园",
             title(market, goods), None, "2 件", "轻放"]
        )  # fmt: skip
        sheet.append(
            [None, None, None, None, None, None, None, None, title(market, goods), None, 1]
        )
        sheet.append(["合计", None, None, None, None, None, None, None, None, None, 3])
        sheet.merge_cells("A4:A5")
        buffer = io.BytesIO()
        book.save(buffer)
        told = seen(market, party, sent(market, party, buffer.getvalue()))
        assert told["rejected"] == []
        assert (told["rows"], told["orders"], told["total"]) == (2, 1, "30.00")

    def test_each_fault_names_row_column_value_and_reason(self, market: Market) -> None:
        party = market.party()
        picked(market, party, "TEA")
        content = csv_text(
            row("7.73E+13", "TEA"),
            row("A2", "TEA", mobile="1380013"),
            row("A3", "TEA", quantity="几份"),
            row("A4", "TEA", address="南山区科技园 1 号"),
            row("A5", ""),
            row("A6", "TEA"),
            row("A6", "TEA", name="王五"),
            row("A7", "TEA"),
            row("A7", "TEA", quantity=0),
            row("A8", "TEA", name="", mobile="", address=""),
            row("A9", "TEA"),
            row("A10", "TEA", quantity="2斤"),
        )
        told = seen(market, party, sent(market, party, content))
        faults = [(one["row"], one["column"], one["value"]) for one in told["rejected"]]
        assert faults[:3] == [
            (2, "订单号", "7.73E+13"),
            (3, "电话", "1380013"),
            (4, "数量", "几份"),
        ]
        assert faults[3] == (5, "地址", "南山区科技园 1 号")
        assert [line for line, _, _ in faults] == [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13]
        reasons = {one["row"]: one["reason"] for one in told["rejected"]}
        assert "digits are lost" in reasons[2]
        assert "different recipients" in reasons[7]
        assert "row 10 of the same order" in reasons[9]
        assert "this is a weight" in reasons[13]
        assert (told["orders"], told["total"]) == (1, "10.00")

    def test_an_empty_retail_price_says_no_other_price_for_the_same_goods(
        self, market: Market
    ) -> None:
        party = market.party(money=100_000)
        picked(market, party, "TEA")
        prices = (("A1", "15"), ("A1", ""), ("A2", ""), ("A2", "16.00"), ("A3", "15"), ("A3", "16"))
        content = csv_text(
            *((*row(reference, "TEA"), retail) for reference, retail in prices),
            header=[*HEADER, "零售价"],
        )
        told = seen(market, party, sent(market, party, content))
        assert (told["orders"], told["total"]) == (2, "40.00")
        assert [(one["row"], one["column"]) for one in told["rejected"]] == [
            (6, "零售价"),
            (7, "零售价"),
        ]
        assert "rows 6 and 7" in told["rejected"][0]["reason"]

    def test_what_is_no_sheet_of_orders_says_what_to_do(self, market: Market) -> None:
        party = market.party()
        cases = {
            "missing_column": csv_text(["A1", "TEA"], header=["订单号", "商家编码"]),
            "no_rows": csv_text(),
            "unreadable_sheet": b"PK\x03\x04 no workbook",
            "too_many_rows": csv_text(*[["A", "n", "1", "a", "T", "1"]] * 10_001),
        }
        for code, content in cases.items():
            with pytest.raises(Problem) as caught:
                sent(market, party, content)
            assert (caught.value.status, caught.value.code) == (422, code)
            assert "10,001" in caught.value.detail or code != "too_many_rows"

    def test_no_recipient_is_kept_in_clear(self, market: Market) -> None:
        party = market.party()
        picked(market, party, "TEA")
        bad = row("A2", "TEA", quantity="x", name="赵六六", mobile="13911112222")
        sent(market, party, xlsx(row("A1", "TEA", name="张小三", mobile="13812345678"), bad))
        with market.db.as_system() as session:
            for table in ("order_imports", "order_import_parts", "imported_orders", "outbox"):
                for found in session.execute(text(f"SELECT t::text FROM {table} t")).scalars():  # noqa: S608
                    for secret in ("张小三", "13812345678", "赵六六", "13911112222"):
                        assert secret not in found
                        assert secret.encode().hex() not in found


def title(market: Market, goods: Any) -> str:
    with market.db.as_system() as session:
        found = text(
            "SELECT title FROM products p JOIN skus s ON s.product_id = p.id WHERE s.id=:i"
        )
        return str(session.scalar(found, {"i": goods.sku_id}))


class TestAskedBack:
    def test_a_code_is_asked_once_and_remembered(self, market: Market) -> None:
        party, other = market.party(money=100_000), market.party()
        goods = market.offer()
        name = sent(market, party, xlsx(row("A1", "T-01"), row("A2", "T-01", 2)))
        told = seen(market, party, name)
        asked = [(one["code"], one["rows"], one["first_row"]) for one in told["needs_mapping"]]
        assert (asked, told["total"]) == ([("T-01", 2, 2)], "0.00")
        with pytest.raises(Problem, match="needs_mapping"):
            confirmed(market, party, name)
        told = answered(market, party, name, {"T-01": goods.sku})
        assert (told["needs_mapping"], told["total"]) == ([], "30.00")
        again = seen(market, party, sent(market, party, xlsx(row("A3", "T-01"))))
        assert (again["needs_mapping"], again["orders"]) == ([], 1)
        theirs = seen(market, other, sent(market, other, xlsx(row("A3", "T-01"))))
        assert len(theirs["needs_mapping"]) == 1

    def test_name_and_specification_where_there_is_no_code(self, market: Market) -> None:
        party = market.party()
        goods = picked(market, party, "TEA")
        with market.db.as_system() as session:
            described = text("""UPDATE skus SET attributes = '{"规格": "250g"}' WHERE id = :id""")
            session.execute(described, {"id": goods.sku_id})
        header = ["订单号", "收件人", "电话", "地址", "商品名称", "规格", "数量"]
        known = [*row("A1", "")[:4], title(market, goods), "250g", 1]
        other = [*row("A2", "")[:4], "铁观音", "礼盒", 1]
        told = seen(market, party, sent(market, party, xlsx(known, other, header=header)))
        assert [one["code"] for one in told["needs_mapping"]] == ["铁观音 礼盒"]
        assert told["total"] == "10.00"

    def test_an_ambiguous_address_comes_back_with_candidates(self, market: Market) -> None:
        party = market.party(money=10_000)
        picked(market, party, "TEA")
        name = sent(market, party, xlsx(row("A1", "TEA", address="南山区科技园 1 号")))
        [asked] = seen(market, party, name)["ambiguous_addresses"]
        places = {one["name"]: one["region"] for one in asked["candidates"]}
        assert asked["row"] == 2
        assert places["广东省深圳市南山区"] == "440305"
        with pytest.raises(Problem) as caught:
            answered(market, party, name, {"T-01": "sku_nothing"})
        assert caught.value.errors[0].field == "mappings.T-01"
        with pytest.raises(Problem) as caught:
            answered(market, party, name, {}, {"2": "999999"})
        assert caught.value.errors[0].field == "regions.2"
        told = answered(market, party, name, regions={"2": "440305"})
        assert (told["ambiguous_addresses"], told["rejected"]) == ([], [])
        assert confirmed(market, party, name)["placed"] == 1


class TestPlacing:
    def test_confirmed_is_paid_and_placed_and_beyond_the_consent_nothing_is(
        self, market: Market
    ) -> None:
        party = market.party(money=100_000)
        picked(market, party, "TEA")
        name = sent(market, party, xlsx(row("A1", "TEA", 2), row("A2", "TEA")))
        with pytest.raises(Problem) as caught:
            confirmed(market, party, name, 2_999)
        assert (caught.value.code, orders(market, party)) == ("price_changed", [])
        told = confirmed(market, party, name, 3_000)
        assert (told["status"], told["placed"], told["failed"]) == ("done", 2, [])
        assert [tuple(one) for one in orders(market, party)] == [
            ("A1", 2000, "pending"),
            ("A2", 1000, "pending"),
        ]
        assert market.balance(f"wallet:{party}") == 97_000

    def test_a_price_that_rose_meanwhile_stays_within_the_consent(self, market: Market) -> None:
        party = market.party(money=100_000)
        goods = picked(market, party, "TEA")
        name = sent(market, party, xlsx(row("A1", "TEA"), row("A2", "TEA")))
        with market.db.as_system() as session:
            imports.confirm(session, party, name, 2_400, "skip", NOW)
            risen = text("UPDATE prices SET price = :p WHERE offer_id = :o")
            session.execute(risen, {"p": Decimal("12.01"), "o": goods.offer_id})
        worked(market, name)
        told = seen(market, party, name)
        assert [one["code"] for one in told["failed"]] == ["price_changed"] * 2
        again = confirmed(market, party, name, 2_402)
        assert (again["placed"], again["total"], again["failed"]) == (2, "24.02", [])

    def test_the_same_sheet_again_adds_nothing(self, market: Market) -> None:
        party = market.party(money=100_000)
        picked(market, party, "TEA")
        content = xlsx(row("A1", "TEA"), row("A2", "TEA"))
        name = sent(market, party, content)
        confirmed(market, party, name)
        assert sent(market, party, content) == name
        confirmed(market, party, name)
        longer = sent(market, party, xlsx(row("A1", "TEA"), row("A2", "TEA"), row("A3", "TEA")))
        told = confirmed(market, party, longer)
        assert (told["known"], told["placed"]) == (2, 1)
        other = confirmed(market, party, sent(market, party, xlsx(row("A1", "TEA", 5))))
        assert [one["code"] for one in other["failed"]] == ["reference_conflict"]
        assert len(orders(market, party)) == 3

    def test_an_order_like_a_recent_one_waits_for_a_word(self, market: Market) -> None:
        party = market.party(money=100_000)
        picked(market, party, "TEA")
        mobile = "13800138000"
        confirmed(market, party, sent(market, party, xlsx(row("A1", "TEA", mobile=mobile))))
        twin = row("B1", "TEA", 3, mobile=mobile)
        name = sent(market, party, xlsx(twin, row("B2", "TEA"), row("B2", "TEA")))
        told = seen(market, party, name)
        like = [
            (x["reference"], x["why"], x["order_reference"]) for x in told["possible_duplicates"]
        ]
        assert like == [("B1", "recent_order", "A1"), ("B2", "repeated_row", None)]
        assert told["total"] == "0.00"
        with pytest.raises(Problem) as caught:
            confirmed(market, party, name)
        assert caught.value.code == "nothing_ready"
        assert confirmed(market, party, name, duplicates=["B1"])["placed"] == 1
        left = seen(market, party, name)["possible_duplicates"]
        assert [one["reference"] for one in left] == ["B2"]
        assert confirmed(market, party, name, duplicates="order")["placed"] == 2
        assert [one.total for one in orders(market, party)] == [1000, 3000, 2000]

    def test_what_fails_says_why_and_is_tried_again(self, market: Market) -> None:
        party = market.party(money=2_500)
        picked(market, party, "TEA")
        picked(market, party, "FEW", stock=1)
        picked(market, party, "OUT", stock=0)
        rows = [row("A1", "TEA"), row("A2", "FEW"), row("A3", "FEW"), row("A4", "TEA")]
        name = sent(market, party, xlsx(*rows, row("A5", "OUT")))
        told = confirmed(market, party, name)
        codes = {one["reference"]: one["code"] for one in told["failed"]}
        assert (told["status"], told["placed"]) == ("done", 2)
        assert codes["A5"] == "out_of_stock"
        assert "balance_short" in codes.values()
        market_deposit(market, party, 10_000)
        told = confirmed(market, party, name)
        assert {one["code"] for one in told["failed"]} <= {"not_orderable", "out_of_stock"}
        assert told["placed"] == 3

    def test_killed_between_orders_each_is_placed_once(
        self, market: Market, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Killed(BaseException):
            """As a SIGKILL: nothing after it runs."""

        party = market.party(money=100_000)
        picked(market, party, "TEA")
        name = sent(market, party, xlsx(*(row(f"A{n}", "TEA") for n in range(12))))
        with market.db.as_system() as session:
            imports.confirm(session, party, name, 10**9, "skip", NOW)
        monkeypatch.setattr(placing, "BATCH", 3)
        real, calls = placing.send, itertools.count(1)

        def dying(session: Any, *statements: Any) -> Any:
            answer = real(session, *statements)
            if next(calls) in (2, 6, 7, 11):  # after orders were written, before the commit
                raise Killed
            return answer

        for _ in range(8):
            monkeypatch.setattr(placing, "send", dying)
            try:
                worked(market, name)
            except Killed:
                continue
        assert seen(market, party, name)["placed"] == 12
        assert len({one.reference for one in orders(market, party)}) == 12
        assert market.balance(f"wallet:{party}") == 100_000 - 12 * 1000

    def test_reading_again_leaves_placed_orders_alone(self, market: Market) -> None:
        party = market.party(money=100_000)
        picked(market, party, "TEA")
        goods = market.offer(cost="5.00")
        name = sent(market, party, xlsx(row("A1", "TEA"), row("A2", "NEW")))
        assert confirmed(market, party, name)["placed"] == 1
        told = answered(market, party, name, {"NEW": goods.sku})
        assert (told["status"], told["placed"], told["total"]) == ("ready", 1, "15.00")
        told = confirmed(market, party, name, 1_500)
        assert (told["placed"], told["total"]) == (2, "15.00")


def market_deposit(market: Market, party: int, money: int) -> None:
    from trade import wallets

    with market.db.as_system() as session:
        wallets.deposit(session, party, money, f"more-{next(_numbers)}")


class TestResult:
    def test_the_sheet_comes_back_with_waybills(self, market: Market) -> None:
        party = market.party(money=100_000)
        picked(market, party, "TEA")
        content = xlsx(
            [*row("A1", "TEA", 2), "=HYPERLINK(1)", "红"],
            [*row("A2", "TEA", quantity="x"), "", ""],
            [*row("A3", "TEA"), "", "蓝"],
            header=[*HEADER, "备注", "颜色"],
        )
        name = sent(market, party, content)
        confirmed(market, party, name)
        submitted(market)
        with market.db.as_system() as session:
            found = session.execute(text("SELECT id FROM purchases ORDER BY id")).scalars().all()
            door = Supplier("teahouse", None)
            one = outside("pur", found[0])
            for number, lines in (("SF0000000001", {1: 1}), ("SF0000000002", {1: 1})):
                shipping.ship(session, door, Shipment(one, "顺丰", number, lines), NOW)
        header, first, second, third = result(market, party, name)
        assert header == [*HEADER, "备注", "颜色", "status", "快递公司", "快递单号", "说明"]
        assert first[7:11] == ["红", "shipped", "顺丰", "SF0000000001;SF0000000002"]
        assert (second[8], second[5]) == ("rejected", "x")
        assert "数量" in second[11]
        assert third[7:11] == ["蓝", "processing", "", ""]
        assert "teahouse" not in str([header, first, second, third])

    def test_a_row_that_counts_several_goods_has_the_waybills_of_all(self, market: Market) -> None:
        party = market.party(money=100_000)
        picked(market, party, "TEA")
        picked(market, party, "CUP")
        header = [*HEADER[1:4], "TEA", "CUP"]
        content = xlsx([*row("", "")[1:4], 2, "两个"], [*row("-", "")[1:4], "", 1], header=header)
        name = sent(market, party, content)
        told = confirmed(market, party, name)
        assert (told["rows"], told["placed"], told["total"]) == (2, 2, "50.00")
        submitted(market)
        with market.db.as_system() as session:
            first = session.scalar(text("SELECT min(id) FROM purchases"))
            for line in (1, 2):
                parcel = Shipment(outside("pur", first), "顺丰", f"SF000000000{line}", {line: 2})
                shipping.ship(session, Supplier("teahouse"), parcel, NOW)
        _, both, one = result(market, party, name)
        assert both[5:8] == ["shipped", "顺丰", "SF0000000001;SF0000000002"]
        assert one[5:8] == ["processing", "", ""]

    def test_a_bundle_is_shipped_by_the_parcels_of_its_parts(self, market: Market) -> None:
        party = market.party(money=100_000)
        tea, cup = market.offer(cost="3.00"), market.offer(cost="4.00")
        with market.db.as_system() as session:
            made = session.execute(
                text("INSERT INTO skus (product_id) SELECT min(id) FROM products RETURNING id")
            ).scalar_one()
            for part in (tea, cup):
                session.execute(
                    text("INSERT INTO sku_parts (sku_id, part_id, units) VALUES (:s, :p, 1)"),
                    {"s": made, "p": part.sku_id},
                )
        name = sent(market, party, xlsx(row("A1", outside("sku", made)), row("A2", tea.sku)))
        told = confirmed(market, party, name)
        assert (told["placed"], told["total"]) == (2, "10.00")
        submitted(market)
        with market.db.as_system() as session:
            first = session.scalar(text("SELECT min(id) FROM purchases"))
            parcel = Shipment(outside("pur", first), "顺丰", "SF0000000001")
            shipping.ship(session, Supplier("teahouse"), parcel, NOW)
        _, first_row, second_row = result(market, party, name)
        assert first_row[6:9] == ["shipped", "顺丰", "SF0000000001"]
        assert second_row[6:8] == ["processing", ""]

    def test_a_sheet_goes_when_its_time_is_over(self, market: Market) -> None:
        party = market.party(money=100_000)
        picked(market, party, "TEA")
        content = xlsx(row("A1", "TEA"))
        name = sent(market, party, content)
        confirmed(market, party, name)
        with market.db.as_system() as session:
            assert files.prune(session, NOW + imports.KEPT - timedelta(days=1)) == 0
            assert files.prune(session, NOW + imports.KEPT + timedelta(days=1)) == 1
            left = session.scalar(text("SELECT count(*) FROM order_import_parts"))
            sealed = session.scalar(text("SELECT max(length(sealed)) FROM imported_orders"))
        assert (left, sealed) == (0, 0)
        with pytest.raises(Problem) as gone:
            result(market, party, name)
        assert gone.value.code == "sheet_expired"
        assert sent(market, party, content) == name
        assert len(orders(market, party)) == 1

    def test_a_person_who_is_forgotten_is_in_no_sheet(self, market: Market) -> None:
        party = market.party(money=100_000)
        picked(market, party, "TEA")
        person = row("A2", "TEA", name="赵六", mobile="13911112222")
        name = sent(market, party, xlsx(row("A1", "TEA"), person))
        other = sent(market, party, xlsx(row("B1", "TEA"), row("B2", "TEA", mobile="13911112222")))
        book = openpyxl.load_workbook(io.BytesIO(xlsx(row("C1", "TEA"))))
        book.create_sheet("旧").append(["赵六", 13911112222])
        book["旧"].sheet_state = "hidden"
        book.save(buffer := io.BytesIO())
        hidden = sent(market, party, buffer.getvalue())
        with market.db.as_system() as session:
            keyring = market.desk.keyring
            done = forgetting.forget(session, keyring, "赵六", "139 1111 2222", NOW)
        assert (done.sheets, done.waiting) == (2, [])
        for one in (name, hidden):
            with pytest.raises(Problem) as gone:
                result(market, party, one)
            assert gone.value.code == "sheet_expired"
        assert len(result(market, party, other)) == 3
        told = seen(market, party, name)
        assert [one["code"] for one in told["failed"]] == ["recipient_forgotten"]
        told = confirmed(market, party, name)
        assert (told["placed"], [one["code"] for one in told["failed"]]) == (
            1,
            ["recipient_forgotten"],
        )
