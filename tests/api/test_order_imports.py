"""A sheet of orders through the API: sent, asked back, confirmed, given back."""

import csv
import io
from datetime import timedelta
from typing import Any

import openpyxl

from kit import clock
from kit.ids import inside
from tests.api.platforms import JD, Trade
from tests.api.shop import COST, SELLER, SOURCE, Shop
from tests.trade.order_sheets import HEADER, NANSHAN, csv_text, row, xlsx
from trade import parties
from trade.order_sheets import placing
from trade.orders import OrderRequest
from trade.planning import Draft


def work(shop: Shop, name: str) -> None:
    """What the worker does once it is woken."""
    until = clock.now() + timedelta(seconds=60)
    placing.drain(shop.db, shop.market.desk, inside("imp", name), until)


def send(shop: Shop, content: bytes, status: int = 202, **more: Any) -> Any:
    answer = shop.ask(
        "leader", "POST", "/v1/orders/import", files={"file": ("单.xlsx", content)}, **more
    )
    assert answer.status_code == status, answer.text
    return answer.json()


def test_a_sheet_is_sent_asked_about_paid_and_given_back(shop: Shop) -> None:
    goods = shop.offer()
    shop.index()
    title = shop.got("leader", "/v1/products")["items"][0]["title"]
    content = xlsx(row("A1", title, 2), row("A2", title), row("A3", title, quantity="?"))
    name = send(shop, content)["id"]
    path = f"/v1/orders/imports/{name}"
    assert (shop.got("leader", path)["status"], shop.got("leader", path)["total"]) == (
        "reading",
        None,
    )
    early = shop.ask("leader", "POST", f"{path}/confirm", json={"max_total": "1"}, key="once")
    assert (early.status_code, early.headers["retry-after"]) == (409, "1")
    work(shop, name)
    [asked] = shop.got("leader", path)["needs_mapping"]
    assert (asked["code"], asked["rows"], asked["first_row"]) == (title, 2, 2)
    assert asked["suggestions"][0]["sku"] == goods.sku
    answer = shop.ask("leader", "PUT", f"{path}/mappings", json={"mappings": {title: goods.sku}})
    assert answer.status_code == 202, answer.text
    work(shop, name)
    told = shop.got("leader", path)
    assert (told["rows"], told["orders"], told["total"]) == (3, 2, "25.67")
    assert [(one["row"], one["column"], one["value"]) for one in told["rejected"]] == [
        (4, "数量", "?")
    ]
    consent = {"max_total": "25.67"}
    assert shop.said("leader", f"{path}/confirm", consent, 202, key="once")["status"] == "placing"
    again = shop.ask("leader", "POST", f"{path}/confirm", json=consent, key="once")
    assert again.headers["idempotent-replayed"] == "true"
    work(shop, name)
    told = shop.got("leader", path)
    assert (told["status"], told["placed"], told["failed"]) == ("done", 2, [])
    shop.submitted()
    parcel = {"carrier": "顺丰", "tracking_number": "SF0000000009"}
    bought = shop.got("brand", "/v1/purchases")["items"]
    [first] = [one for one in bought if one["lines"][0]["quantity"] == 2]
    shop.said("brand", f"/v1/purchases/{first['id']}/ship", parcel, 200)
    made = shop.ask("leader", "GET", f"{path}/result.xlsx").content
    sheet = openpyxl.load_workbook(io.BytesIO(made)).active
    assert sheet is not None
    lines = [[cell.value for cell in line] for line in sheet]
    assert lines[0][: len(HEADER) + 3] == [*HEADER, "status", "快递公司", "快递单号"]
    assert [line[6] for line in lines[1:]] == ["shipped", "processing", "rejected"]
    assert lines[1][7:9] == ["顺丰", "SF0000000009"]
    rejects = shop.ask("leader", "GET", f"{path}/rejects.csv").content.decode()
    assert "4,数量,?" in rejects
    for secret in (SOURCE, SELLER, COST):
        assert secret not in f"{told}{lines}{rejects}"
    for path_of in (path, f"{path}/result.xlsx", f"{path}/rejects.csv"):
        assert shop.ask("other", "GET", path_of).status_code == 404


def test_the_same_sheet_is_one_and_a_wrong_one_says_why(shop: Shop) -> None:
    content = csv_text(row("A1", "TEA"), code="gbk")
    one = send(shop, content)
    raw = shop.client.post("/v1/orders/import", content=content, headers=shop.headers("leader"))
    assert (raw.status_code, raw.json()) == (202, one)
    assert send(shop, b"no sheet", 422)["code"] == "missing_column"
    assert send(shop, csv_text(*[row("A", "T")] * 10_001), 422)["code"] == "too_many_rows"


def test_rejected_rows_of_a_sheet_can_be_corrected_and_sent(shop: Shop) -> None:
    goods = shop.offer()
    header = ["收件人", "电话", "地址", "商家编码", "数量"]
    person = ["张三", "13800138000", NANSHAN]
    other = ["李四", "13800138001", NANSHAN]
    lines = [[*person, goods.sku, "?"], ["", "", "", goods.sku, 2], [*other, goods.sku, 3]]
    name = send(shop, xlsx(*lines, ["", "", "", "", ""], ["", "", "", goods.sku, 4], header=header))
    work(shop, name["id"])
    path = f"/v1/orders/imports/{name['id']}/rejects.csv"
    table = list(
        csv.reader(io.StringIO(shop.ask("leader", "GET", path).content.decode("utf-8-sig")))
    )
    assert [row[-4:-2] for row in table if row] == [
        ["行 row", "列 column"], ["2", "数量"], ["3", ""], ["6", "收件人"],
    ]  # fmt: skip
    table[1][4] = "1"
    out = io.StringIO()
    csv.writer(out).writerows(table)
    again = send(shop, out.getvalue().encode("gbk"))["id"]
    work(shop, again)
    told = shop.got("leader", f"/v1/orders/imports/{again}")
    assert (told["rows"], told["orders"], [one["row"] for one in told["rejected"]]) == (3, 1, [5])
    assert told["total"] == "25.67", "three pieces: goods of nobody join no other's order"


def test_rows_that_are_filtered_away_are_told_and_not_ordered(shop: Shop) -> None:
    goods = shop.offer()
    lines = [row(f"A{n}", goods.sku, n) for n in (1, 2, 3)]
    name = send(shop, xlsx(*lines, hidden=(3,)))["id"]
    path = f"/v1/orders/imports/{name}"
    work(shop, name)
    told = shop.got("leader", path)
    assert (told["rows"], told["orders"], told["hidden"]) == (2, 2, [3])
    shop.said("leader", f"{path}/confirm", {"max_total": told["total"]}, 202)
    work(shop, name)
    made = openpyxl.load_workbook(
        io.BytesIO(shop.ask("leader", "GET", f"{path}/result.xlsx").content)
    )
    [_, *lines_back] = [[cell.value for cell in line] for line in made.worksheets[0]]
    assert [line[6] for line in lines_back] == ["pending", "hidden", "pending"]
    assert "unhide" in lines_back[1][9]
    shown = send(shop, xlsx(*lines))["id"]  # the one way to have them ordered
    work(shop, shown)
    told = shop.got("leader", f"/v1/orders/imports/{shown}")
    assert (told["rows"], told["hidden"], told["failed"]) == (3, [], [])
    shop.said("leader", f"/v1/orders/imports/{shown}/confirm", {"max_total": "999"}, 202)
    work(shop, shown)
    told = shop.got("leader", f"/v1/orders/imports/{shown}")
    assert (told["placed"], told["known"]) == (1, 2)
    nothing = send(shop, xlsx(*lines, hidden=(2, 3, 4)), 422)
    assert (nothing["code"], "hidden" in nothing["detail"]) == ("no_rows", True)


def test_a_pdf_or_picture_is_told_from_a_sheet_at_every_door(shop: Shop) -> None:
    for content, what in ((b"%PDF-1.4", "a PDF"), (b"\x89PNG\r\n\x1a\n", "a picture")):
        for who, path in (("leader", "/v1/orders/import"), ("brand", "/v1/purchases/ship-import")):
            answer = shop.ask(who, "POST", path, content=content)
            assert f"the file is {what}; save it as XLSX or CSV" in answer.text


def test_who_may_see_no_recipient_sees_none_of_a_sheet(shop: Shop) -> None:
    name = send(shop, xlsx(row("A1", "TEA", mobile="1390000"), row("A2", "T", address="南山区")))
    work(shop, name["id"])
    with shop.db.as_system() as session:
        party = shop.parties["leader"]
        member = parties.add_member(session, party, "看单", ["viewer"], password="correct horse")
        assert member
    login = {"name": "看单", "password": "correct horse"}
    shop.tokens["viewer"] = shop.client.post("/v1/login", json=login).json()["token"]
    path = f"/v1/orders/imports/{name['id']}"
    told = shop.got("viewer", path)
    assert {one["value"] for one in told["rejected"]} == {"***"}
    assert shop.ask("viewer", "GET", f"{path}/result.xlsx").status_code == 403
    assert shop.got("leader", path)["rejected"][0]["value"] == "1390000"
    seen = shop.got("operator", path)
    assert seen == told | {"needs_mapping": seen["needs_mapping"]}
    for who, what, status in (
        ("other", "", 404),
        ("operator", "x", 404),
        ("operator", "/result.xlsx", 403),
    ):
        assert shop.ask(who, "GET", path + what).status_code == status


def test_platforms_are_asked_about_orders_of_a_sheet_before_it_is_ready(trade: Trade) -> None:
    shop, town = trade.shop, "广东省深圳市南山区粤海街道科技园 1 号"
    goods, plain = trade.goods(JD, 2000, freight=None), shop.market.offer(source=SOURCE)
    for one, code in ((goods, "J"), (plain, "P")):
        body = {"markup_percent": "50", "code": code}
        assert shop.ask("leader", "PUT", f"/v1/selections/{one.sku}", json=body).is_success
    name = send(shop, xlsx(row("S1", "J", address=town), row("S2", "P"), row("S3", "J", 2)))["id"]
    path = f"/v1/orders/imports/{name}"

    def worked(seconds: float) -> Any:
        office, number = shop.app.state.office, inside("imp", name)

        def ask(party: int, request: OrderRequest) -> Draft | None:
            return office.hearing(party, 3.0).heard(request)

        until = clock.now() + timedelta(seconds=seconds)
        placing.drain(shop.db, office.terms.desk, number, until, ask)
        return shop.got("leader", path)

    assert worked(-1)["status"] == "reading"  # its time was over before anybody was asked
    told = worked(60)
    assert (told["status"], told["orders"]) == ("ready", 3)
    [failed] = told["failed"]
    assert (failed["reference"], failed["code"]) == ("S3", "address_incomplete")
    shop.said("leader", f"{path}/confirm", {"max_total": told["total"]}, 202)
    done = worked(60)
    assert (done["status"], done["placed"], done["total"]) == ("done", 2, told["total"])
    trade.worked(JD)
    [bought] = trade.stage.orders("jd")
    assert bought["state"] == "confirmed"
    assert trade.balanced()
