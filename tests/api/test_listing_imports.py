"""A brand hands in a price list: good rows load, bad ones are told, harm waits for a person."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from openpyxl import Workbook
from sqlalchemy import text

from catalog import media
from kit import clock
from sync import handed, pull
from sync.due import due
from tests.api.shop import SOURCE, Shop

FIELDS = ("sku", "title", "price", "stock", "freight", "state")


def sheet(*rows: tuple[str, ...], fields: tuple[str, ...] = FIELDS) -> bytes:
    """A price list in the unified fields, as CSV."""
    lines = [",".join(fields), *(",".join(row) for row in rows)]
    return "\n".join(lines).encode()


def tea(number: int, price: str = "10.00", state: str = "live") -> tuple[str, ...]:
    return (f"T-{number}", f"茉莉花茶 {number} 号 250g", price, "30", "包邮", state)


def hand_in(shop: Shop, content: bytes, status: int = 202, **query: Any) -> Any:
    answer = shop.ask("brand", "POST", "/v1/listings/import", content=content, params=query)
    assert answer.status_code == status, answer.text
    return answer.json()


def offered(shop: Shop) -> dict[str, Any]:
    items = shop.got("brand", "/v1/listings")["items"]
    return {one["external_id"]: (one["state"], one["price"]) for one in items}


def test_good_rows_load_and_bad_ones_can_be_fetched(shop: Shop) -> None:
    done = hand_in(shop, sheet(tea(1), tea(2, "一块"), tea(3, state="draft"), ("", *tea(4)[1:])))
    counts = {name: done[name] for name in ("state", "rows", "changed", "rejected", "reason")}
    assert counts == {"state": "live", "rows": 2, "changed": 2, "rejected": 2, "reason": None}
    assert offered(shop) == {"T-1": ("live", "10.00"), "T-3": ("draft", "10.00")}
    assert shop.got("brand", f"/v1/listings/imports/{done['id']}") == done
    rejects = shop.ask("brand", "GET", f"/v1/listings/imports/{done['id']}/rejects.csv")
    assert rejects.headers["content-type"].startswith("text/csv")
    assert "一块" in rejects.content.decode("utf-8-sig")
    shop.index()
    found = shop.got("leader", "/v1/products?q=茉莉花茶")["items"]
    assert [one["price_from"] for one in found] == ["11.00"]
    double = sheet(tea(1, "一块"), tea(3, "8.00", "draft"), tea(3, "9.00", "draft"), tea(5))
    whole = hand_in(shop, double, complete=True)
    assert (whole["rows"], whole["rejected"], whole["withdrawn"]) == (1, 3, 0)
    states = {"T-1": ("live", "10.00"), "T-3": ("draft", "10.00"), "T-5": ("live", "10.00")}
    assert offered(shop) == states, "a row that cannot be read is not absent"


@pytest.mark.parametrize(
    ("code", "delimiter"), [("utf-8-sig", ","), ("gbk", ","), ("utf-16", "\t")]
)
def test_rejected_rows_can_be_corrected_and_handed_in(
    shop: Shop, code: str, delimiter: str
) -> None:
    lines = ["货号,品名,供货价(不含税),规格,库存,税率", "0007,红茶,面议,250g,-1,13%"]
    lines += ["0008,绿茶,一块,1-2,多,13%", "A,白茶,10,250g,5,13%"]
    done = hand_in(shop, "\n".join(lines).encode())
    assert (done["rows"], done["rejected"]) == (1, 3)
    path = f"/v1/listings/imports/{done['id']}/rejects.csv"
    given = shop.ask("brand", "GET", path).content.decode("utf-8-sig")
    table = list(csv.reader(io.StringIO(given, newline="")))
    assert [row[0] for row in table] == ["货号", "'0007", "'0008"]
    assert table[2][table[0].index("列 column")] == "供货价(不含税)；库存"
    price, stock = (table[0].index(name) for name in ("供货价(不含税)", "库存"))
    table[1][price], table[2][price], table[2][stock] = "8", "9", "30"
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(table)
    again = hand_in(shop, out.getvalue().encode(code), complete=True)
    assert (again["state"], again["rows"], again["rejected"]) == ("live", 2, 0)
    assert (again["withdrawn"], again["changed"]) == (0, 2)
    assert offered(shop) == {
        "A": ("live", "11.30"), "0007": ("live", "9.04"), "0008": ("live", "10.17"),
    }  # fmt: skip


def test_a_workbook_as_people_write_it_is_read_and_nobody_elses_import_is_seen(shop: Shop) -> None:
    book = Workbook()
    table = book.active
    assert table is not None
    for row in (["春季报价单"], ["货号", "品名", "供货价", "库存"], ["0007", "红茶", "￥8/件", 5]):
        table.append(row)
    out = io.BytesIO()
    book.save(out)
    files = {"file": ("报价.xlsx", out.getvalue())}
    done = shop.said("brand", "/v1/listings/import", status=202, files=files)
    assert "price=供货价" in done["guess"][0]["columns"]
    assert offered(shop) == {"0007": ("live", "8.00")}
    for path in (f"imports/{done['id']}", f"imports/{done['id']}/rejects.csv"):
        assert shop.ask("rival", "GET", f"/v1/listings/{path}").status_code == 404
    assert shop.got("operator", "/v1/sources")["items"][0]["code"] == SOURCE


def test_a_rejected_row_names_the_file_that_was_handed_in(shop: Shop) -> None:
    files = {"file": ("../春/报价 [1]*.csv", "货号,品名,供货价\n1,茶,面议\n2,茶,3\n".encode())}
    done = shop.said("brand", "/v1/listings/import", status=202, files=files)
    rejects = shop.ask("brand", "GET", f"/v1/listings/imports/{done['id']}/rejects.csv")
    assert ",春_报价 _1__.csv,2,供货价,面议," in rejects.text


def test_materials_reach_leaders_in_kits_under_our_names(shop: Shop) -> None:
    fields = ("sku", "title", "price", "materials")
    seen = []
    for number in (1, 2):  # new, and read again
        pictures = f"https://img.jd.example/{number}.jpg|https://img.jd.example/m.jpg"
        hand_in(shop, sheet(("T-1", "红茶 250g", "8", pictures), fields=fields))
        sku = shop.got("brand", "/v1/listings/T-1")["sku"]
        shop.ask("leader", "PUT", f"/v1/selections/{sku}", json={"retail_price": "12"})
        seen.append(shop.got("leader", f"/v1/selections/{sku}/kit")["materials"])
    assert [len(one) for one in seen] == [2, 2]
    assert seen[0][0] != seen[1][0]
    assert seen[0][1] == seen[1][1]
    assert all(one.startswith("/media/") for one in seen[0])
    with shop.db.as_nobody() as session:
        named = media.named(seen[1][0].removeprefix(media.ROAD))
        assert named
        address = media.Album(shop.app.state.office.terms.desk.keyring).address(session, named)
    assert address == "https://img.jd.example/2.jpg"


def test_the_same_upload_with_its_key_is_read_once(shop: Shop) -> None:
    content = sheet(tea(1))
    ask = [
        shop.ask("brand", "POST", "/v1/listings/import", key="one", content=content)
        for _ in range(2)
    ]
    assert ask[0].json() == ask[1].json()
    assert len(shop.got("operator", "/v1/runs")["items"]) == 1


def test_harm_waits_for_a_review_and_nothing_of_it_counts(shop: Shop) -> None:
    hand_in(shop, sheet(*(tea(number) for number in range(10))))
    partly = hand_in(shop, sheet(tea(1, "10.50")))
    assert (partly["state"], partly["withdrawn"]) == ("live", 0)
    assert len(offered(shop)) == 10
    held = hand_in(shop, sheet(tea(1, "11.00"), tea(2)), complete=True)
    assert held["state"] == "review"
    assert "missing" in held["reason"]
    assert offered(shop)["T-1"] == ("live", "10.50")
    shop.said("operator", f"/v1/runs/{held['id']}/rollback", None, 200)
    assert shop.got("brand", f"/v1/listings/imports/{held['id']}")["state"] == "refused"
    again = hand_in(shop, sheet(tea(1, "11.00"), tea(2)), complete=True)
    shop.said("operator", f"/v1/runs/{again['id']}/release", {}, 200)
    assert shop.got("brand", f"/v1/listings/imports/{again['id']}")["state"] == "draft"
    applied(shop)
    assert shop.got("brand", f"/v1/listings/imports/{again['id']}")["withdrawn"] == 8
    assert offered(shop)["T-1"] == ("live", "11.00")
    assert offered(shop)["T-5"][0] == "gone"


def applied(shop: Shop) -> None:
    """Cron finds what waits of our source, and a worker applies it."""
    here = shop.app.state.office
    here._fresh_until = 0
    here.refresh()
    source = here.source(SOURCE)
    with shop.db.as_system() as session:
        found = due(session, clock.now() + timedelta(minutes=10), [source])
    assert [(one.source, one.stream) for one in found] == [(SOURCE, "listing")]
    pull.run(shop.db, source)


def test_a_long_list_is_left_to_a_worker(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handed, "AT_ONCE", 2)
    later = hand_in(shop, sheet(tea(1), tea(2), tea(3)))
    assert later["state"] == "draft"
    assert offered(shop) == {}
    with shop.db.as_system() as session:
        woken = session.scalars(text("SELECT key FROM outbox WHERE topic = 'sync.pull'")).all()
    assert woken == [f"{SOURCE}/listing"]
    applied(shop)
    assert len(offered(shop)) == 3
    assert shop.got("brand", f"/v1/listings/imports/{later['id']}")["state"] == "live"


def test_what_is_no_price_list_is_refused_and_says_why(shop: Shop) -> None:
    zip_bomb = b"PK\x03\x04" + bytes(200)
    for content in (b"\x00\x01\x02", b"<html></html>", sheet(), zip_bomb, b"a,b\n1,2"):
        assert hand_in(shop, content, 422)["code"] == "unreadable_sheet"
    assert hand_in(shop, b"", 422)["code"] == "unreadable_sheet"
    for content, remedy in ((b"\xff\xfe\x00", "save it as CSV UTF-8"), (b"x\ny", "Head them sku")):
        assert remedy in hand_in(shop, content, 422)["detail"]  # what its supplier can do
    assert offered(shop) == {}
    answer = shop.ask("leader", "POST", "/v1/listings/import", content=sheet(tea(1)))
    assert answer.status_code == 403
