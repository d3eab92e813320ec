"""A supplier that works from the sheet of its cut-off: out by mail, back through the door."""

import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import openpyxl
import pytest

from kit import clock
from kit.db import Database
from tests.api.shop import SOURCE, Shop, opened
from tests.api.test_workbench import act, cases, whole
from tests.far_servers import mail_server
from tests.trade.test_cutoff_sheets import attachment, by_mail
from trade import cutoff_sheets

SOURCES = {SOURCE: {"kind": "feed", "send_to": "mailto:cang@tea.example"}}


@pytest.fixture
def shop(database: Database, redis_url: str, tmp_path: Path) -> Iterator[Shop]:
    with opened(database, redis_url, tmp_path, SOURCES) as made:
        yield made


def at_cutoff(shop: Shop) -> bytes:
    """The sheet that leaves at the next cut-off."""
    now = clock.now() + timedelta(days=1)
    with shop.db.as_system() as session:
        assert cutoff_sheets.make_due(session, shop.market.desk, now) == 1
    with shop.db.as_system() as session:
        claimed = cutoff_sheets.claim(session, shop.market.desk, SOURCE, now)
        assert claimed is not None
    with mail_server() as post:
        by_mail(post).deliver(claimed.sheet)
        return attachment(post.mails[0])


def test_a_replacement_goes_out_with_new_purchases_and_its_waybill_reaches_the_claim(
    shop: Shop,
) -> None:
    goods = shop.offer()
    order = shop.shipped(goods, 2)
    asked = {"kind": "reissue", "lines": [{"sku": goods.sku, "quantity": 1}], "reason": "少件"}
    [claim] = shop.said("leader", f"/v1/orders/{order['id']}/claims", asked)["items"]
    shop.said("brand", f"/v1/claims/{claim['id']}/approve", {}, 200)
    shop.order(goods)
    shop.submitted()
    book = openpyxl.load_workbook(io.BytesIO(at_cutoff(shop)))
    sheet = book.active
    assert sheet is not None
    [bought, again] = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)]
    assert (bought[0][:4], again[0], again[1]) == ("pur_", claim["id"], order["reference"])
    assert (again[5], again[8], again[9]) == (goods.external_id, "1", "【补发】")
    sheet.cell(2, 11, "顺丰")
    sheet.cell(2, 12, "SF0000000010")
    sheet.cell(3, 11, "顺丰")
    sheet.cell(3, 12, "SF0000000011")
    filled = io.BytesIO()
    book.save(filled)
    for told in ((2, 0), (0, 2)):
        answer = shop.ask(
            "brand", "POST", "/v1/purchases/ship-import", content=filled.getvalue()
        ).json()
        assert (answer["shipped"], answer["unchanged"], answer["failed"]) == (*told, [])
    seen = shop.got("leader", f"/v1/claims/{claim['id']}")
    assert (seen["status"], seen["reissued"]["tracking_number"]) == ("reissued", "SF0000000011")
    [listed] = shop.got("brand", "/v1/purchases/sheets")["items"]
    assert (listed["purchases"], listed["replacements"]) == (1, 1)


def test_replacements_that_are_withdrawn_too_late_wait_for_a_person(shop: Shop) -> None:
    goods = shop.offer()
    order = shop.shipped(goods, 2)
    asked = {"kind": "reissue", "lines": [{"sku": goods.sku, "quantity": 1}], "reason": "少件"}
    names = []
    for _ in range(2):
        [claim] = shop.said("leader", f"/v1/orders/{order['id']}/claims", asked)["items"]
        names.append(claim["id"])
        shop.said("brand", f"/v1/claims/{claim['id']}/approve", {}, 200)
    at_cutoff(shop)
    for name in names:
        shop.said("leader", f"/v1/claims/{name}/cancel", None, 200)
    kept, left = cases(shop, "replacement_unwanted")
    assert (kept["subject"], kept["money"], kept["actions"]) == (
        names[0],
        "7.78",
        ["refused", "reissue"],
    )
    assert shop.got("brand", f"/v1/claims/{names[0]}")["recall"] == "asked"
    act(shop, kept, "refused", 422)
    act(shop, kept, "refused", reason="来电：不发了")
    act(shop, left, "reissue", carrier="顺丰", tracking_number="SF0000000012")
    [case] = cases(shop, "replacement_unwanted")
    assert (case["subject"], "SF0000000012" in case["detail"]) == (names[1], True)
    act(shop, case, "dismiss", reason="买家收下了")
    assert cases(shop, "replacement_unwanted") == []
    seen = [shop.got("brand", f"/v1/claims/{name}") for name in names]
    assert [(one["status"], one["recall"]) for one in seen] == [
        ("cancelled", "agreed"),
        ("reissued", "sent"),
    ]
    whole(shop)
