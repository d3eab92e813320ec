"""Parcels in the place of claimed goods: their waybills come as any waybill does."""

from io import BytesIO
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook

from connectors.trading import Part, SourceParcel
from kit import clock
from kit.db import Database
from kit.errors import Problem
from kit.ids import inside
from sync import messages
from tests.trade.market import NOW, Goods, Market, make_desk
from tests.trade.test_claims import approve, claim, seen
from tests.trade.test_following import jd as jd
from tests.trade.test_supplier_door import Shop
from tests.trade.test_taking_back import Counter
from tests.trade.test_taking_back import at_jd as at_jd
from trade import order_views, sheets
from trade.after_sales import claim_answers, claim_cases, platform_claims, replacements
from trade.parcels.waybills import Report, import_sheet
from trade.purchases import Supplier

Sold = tuple[Counter, int, Goods]


def swapped(counter: Counter, order: int, goods: Goods, units: int = 2) -> tuple[str, int]:
    """An exchange of which the goods are back at JD, and the order that JD made in their place."""
    name = counter.claim(order, goods.sku, units, kind="exchange")
    counter.work()
    for step in (22, 40):
        counter.stage.act("jd", "service", step=step)
        counter.work()
    assert counter.seen(name)["status"] == "received"
    new = counter.stage.act("jd", "renew")
    hear(counter)
    return name, int(new)


def hear(counter: Counter) -> None:
    """Pull the platform's messages and look at what they speak of."""
    with counter.market.db.as_system() as session:
        messages.heard(session, counter.code, counter.source.changes())
    counter.follow()


def ship(counter: Counter, new: int, number: str = "JDVB000099") -> None:
    counter.stage.act("jd", "ship", order=new, carrier="京东快递", number=number)
    counter.work()


def again(counter: Counter, order: int) -> list[dict[str, Any]]:
    """The parcels in the place of others, as the order's leader sees them."""
    with counter.market.db.as_party(counter.leader) as session:
        view = order_views.by_id(session, counter.leader, order)
    return [one for one in view["parcels"] if one["claim"]]


def test_a_platforms_new_order_is_followed_from_its_waybill_to_its_delivery(at_jd: Sold) -> None:
    counter, order, goods = at_jd
    name, new = swapped(counter, order, goods)
    counter.work()
    assert counter.seen(name)["status"] == "received"  # it has not left
    assert counter.waiting() == []
    ship(counter, new)
    view = counter.seen(name)
    assert view["status"] == "reissued"
    assert view["reissued"]["tracking_number"] == "JDVB000099"
    (parcel,) = again(counter, order)
    assert parcel["lines"] == [{"sku": goods.sku, "quantity": 2}]
    assert parcel["events"][-1]["kind"] == "collected"
    counter.stage.act("jd", "renumber", order=new, number="JDVB000100")
    counter.stage.act("jd", "deliver", order=new)
    counter.work()
    (parcel,) = again(counter, order)  # its changed number has taken the place of the former one
    assert (parcel["tracking_number"], parcel["status"]) == ("JDVB000100", "delivered")
    assert (counter.rows()[0].state, counter.work()) == ("replaced", 0)
    assert counter.posted("sales") == 6000  # it moves no money


def test_a_further_box_of_new_goods_takes_no_ones_place_whichever_is_told_first(
    at_jd: Sold,
) -> None:
    counter, order, goods = at_jd
    name, new = swapped(counter, order, goods)
    ship(counter, new)
    for numbers in (("JDVB000200", "JDVB000099"), ("JDVB000099", "JDVB000200")):
        with counter.market.db.as_system() as session:
            case = claim_cases.locked(session, inside("clm", name))
            (row,) = platform_claims.parts_of(session, case.claim.id)
            boxes = tuple(SourceParcel("京东快递", one) for one in numbers)
            parts = [Part(str(new), "shipped", ((goods.external_id, 2),), boxes)]
            replacements.told(session, counter.market.desk, case, row, parts, clock.now())
    told = {one["tracking_number"]: one["lines"] for one in again(counter, order)}
    assert told == {"JDVB000099": [{"sku": goods.sku, "quantity": 2}], "JDVB000200": []}


def test_what_a_person_wrote_down_first_is_the_same_parcel(at_jd: Sold) -> None:
    counter, order, goods = at_jd
    name, new = swapped(counter, order, goods)
    with counter.market.db.as_system() as session:
        told = (name, "京东快递", "JDVB000098", clock.now())
        claim_answers.reissue(session, counter.market.desk, Supplier(counter.code), *told)
    ship(counter, new)
    assert counter.seen(name)["reissued"]["tracking_number"] == "JDVB000099"
    assert len(again(counter, order)) == 1


def test_a_new_order_that_nobody_names_waits_for_a_person(at_jd: Sold) -> None:
    counter, order, goods = at_jd
    name = counter.claim(order, goods.sku, 1, kind="exchange")
    counter.work()
    counter.stage.act("jd", "service", step=50)
    counter.work()
    assert counter.waiting() == ["claim_replaced"]  # one case of one claim
    counter.stage.act("jd", "renew")  # the message comes late, and is enough
    hear(counter)
    counter.work()
    assert counter.seen(name)["status"] == "approved"
    assert "claim_replaced" not in counter.waiting()


@pytest.fixture
def shop(shared_database: Database) -> Shop:
    shop = Shop(Market(shared_database, make_desk()))
    shop.ship("SF1234567890")
    return shop


def told(shop: Shop, *rows: tuple[str, ...]) -> Report:
    """The supplier's sheet comes back: 采购单号, 订单号, 备注, 快递单号."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["采购单号", "订单号", "备注", "快递公司", "快递单号"])
    for row in rows:
        sheet.append([*row[:3], "顺丰", row[3]])
    file = BytesIO()
    book.save(file)
    return import_sheet(shop.market.db, shop.market.desk, shop.door, file.getvalue(), NOW)


def agreed(shop: Shop, units: int = 2) -> str:
    name = claim(shop, units, kind="reissue", reason="少件")
    approve(shop, name)
    return name


def test_goods_to_be_sent_again_stand_on_the_suppliers_sheet_under_their_claim(shop: Shop) -> None:
    name = agreed(shop)
    with shop.market.db.as_system() as session:
        sheet = sheets.export(session, shop.market.desk, shop.door, NOW)
    assert (sheet.purchases, sheet.claims) == (0, 1)
    rows = list(load_workbook(BytesIO(sheet.content)).active.values)  # type: ignore[union-attr]
    assert len(rows) == 2
    assert (rows[1][0], rows[1][8], rows[1][9]) == (name, "2", "【补发】")
    report = told(shop, (name, "", "", "SF0000000001"))
    assert (report.shipped, report.failed) == (1, [])
    assert seen(shop, name)["reissued"]["tracking_number"] == "SF0000000001"
    assert told(shop, (name, "", "", "SF0000000001")).unchanged == 1
    told(shop, (name, "", "", "SF0000000002"))
    assert seen(shop, name)["reissued"]["tracking_number"] == "SF0000000002"


def test_a_row_that_says_sent_again_is_the_claims_parcel(shop: Shop) -> None:
    name = agreed(shop)
    for count in ("shipped", "unchanged"):
        report = told(shop, (shop.name, "", "补发一件", "SF0000000001"))
        assert (getattr(report, count), report.failed) == (1, [])
    assert seen(shop, name)["reissued"]["tracking_number"] == "SF0000000001"
    assert [p["tracking_number"] for p in shop.seen()["parcels"]] == [
        "SF1234567890",
        "SF0000000001",
    ]


def test_a_new_number_is_asked_about_while_a_claim_waits_for_a_parcel(shop: Shop) -> None:
    name = agreed(shop)
    [row] = told(shop, (shop.name, "", "", "SF0000000001")).failed
    assert (row["code"], name in row["message"]) == ("which_parcel", True)
    with pytest.raises(Problem, match=name):
        shop.ship("SF0000000001")
    shop.ship("SF0000000001", replaces="SF1234567890")
    assert [p["tracking_number"] for p in shop.seen()["parcels"]] == ["SF0000000001"]
    assert seen(shop, name)["status"] == "approved"


def test_the_number_of_another_parcel_is_no_parcel_in_its_place(shop: Shop) -> None:
    name = agreed(shop)
    [row] = told(shop, (name, "", "", "SF1234567890")).failed
    assert row["code"] == "taken"
    [row] = told(shop, ("clm_0000", "", "", "SF0000000001")).failed
    assert row["code"] == "not_found"
    [row] = told(shop, (name, "", "", "SF0000000001、SF0000000002")).failed
    assert row["code"] == "which_parcel"
