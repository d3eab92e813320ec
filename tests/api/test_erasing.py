"""A person is erased wherever an order has left the name, the number and the address: all of it
came in through the door, and the whole database is read afterwards."""

from datetime import timedelta
from typing import Any

from sqlalchemy import text

from connectors.trading import TrackEvent
from kit import clock
from kit.ids import inside
from tests.api.shop import Goods, Shop
from tests.api.test_order_imports import work
from tests.api.test_workbench_claims import at_platform
from tests.sealing import standing
from tests.trade.order_sheets import xlsx
from tests.trade.test_sheets import workbook
from trade import events, telling
from trade.forgetting import forget
from trade.models import Order, Parcel
from trade.parcels import tracking

NAME, MOBILE, ADDRESS = "欧阳菲菲", "15987654321", "粤海街道金蝶软件园B栋1907"
PERSON = {"name": NAME, "mobile": MOBILE, "region": "440305", "address": ADDRESS}
SAID = f"找{NAME}，{MOBILE}，住{ADDRESS}"
WORDS = ("菲菲", "87654321", "159-8765-4321", "金蝶软件园")
STEPS = ("已签收（欧阳菲菲 本人）", f"您的快件已送至{ADDRESS}", "电话 159-8765-4321", "已签收")


def test_an_erased_person_stands_nowhere_any_more(shop: Shop) -> None:
    goods = shop.offer()
    shop.index()
    hook = shop.said(
        "leader", "/v1/webhooks", {"url": "https://example.com", "events": ["order.*"]}
    )
    asked = {"text": f"{NAME} {MOBILE} 广东省深圳市南山区{ADDRESS}"}
    line = {"sku": goods.sku, "quantity": 1}
    shop.said("leader", "/v1/quotes", {"lines": [line], "ship_to": asked})
    order = _shipped(shop, goods)
    _carried(shop)
    _claimed(shop, order, line)
    _refused(shop, goods)
    _listed(shop)
    with shop.db.as_system() as session:
        events.number(session)
        readers = shop.app.state.office.terms.readership
        telling.spread(session, readers, inside("whk", hook["id"]), clock.now())
        assert {"purchases.failure", "claims.reason"} <= standing(session, *WORDS)
    with shop.db.as_system() as session:
        done = forget(session, shop.market.desk.keyring, NAME, MOBILE, clock.now())
        assert (done.recipients, done.orders, done.sheets, done.waiting) == (4, 2, 2, [])
    _carried(shop)  # its platform is asked once more
    with shop.db.as_system() as session:
        assert standing(session, *WORDS) == set()
        assert session.execute(text("SELECT state FROM parcels")).scalar_one() == "delivered"


def _shipped(shop: Shop, goods: Goods) -> Any:
    """What left for the former address, after its supplier had said no to another one."""
    order = shop.order(goods, 2, ship_to=PERSON, buyer_note=SAID)
    shop.submitted()
    elsewhere = {"ship_to": PERSON | {"address": f"{ADDRESS}后门"}}
    shop.said("leader", f"/v1/orders/{order['id']}/address", elsewhere, 202)
    name = shop.purchase()["id"]
    shop.said("brand", f"/v1/purchases/{name}/address", {"accept": False, "message": SAID}, 200)
    head = ["采购单号", "收件人", "电话", "收货地址", "怪列", "数量", "快递公司", "快递单号"]
    row = [name, NAME, MOBILE, ADDRESS, SAID, None, "顺丰", "SF1234567890"]
    slipped = [name, "x", "x", "x", None, SAID, NAME, f"{MOBILE}菲菲"]  # a column further
    unknown = [f"{NAME}1", "x", "x", "x", None, None, "顺丰", "SF1234567891"]
    back = workbook(head, row, slipped, unknown)
    sheet = {"file": (f"{NAME}.xlsx", back)}
    told = shop.ask("brand", "POST", "/v1/purchases/ship-import", files=sheet).json()
    assert (told["shipped"], len(told["failed"])) == (1, 2)
    return order


def _refused(shop: Shop, goods: Goods) -> None:
    order = shop.order(goods, ship_to=PERSON, buyer_note=SAID)
    shop.submitted()
    name = shop.purchase()["id"]
    shop.said("brand", f"/v1/purchases/{name}/refuse", {"code": "sold", "message": SAID}, 200)
    shop.said("leader", f"/v1/orders/{order['id']}/cancel", {"reason": "不要了"}, 200)


def _carried(shop: Shop) -> None:
    """The carrier's words, as a platform hands them on."""
    with shop.db.as_system() as session:
        parcel = session.query(Parcel).one()
        row, at = session.get_one(Order, parcel.order_id, with_for_update=True), parcel.shipped_at
        told = [TrackEvent(at + timedelta(minutes=n), words) for n, words in enumerate(STEPS)]
        now = at + timedelta(hours=1)
        tracking.record(session, row, parcel, told, delivered=True, alone=True, now=now)


def _claimed(shop: Shop, order: Any, line: Any) -> None:
    asked = {"kind": "refund", "lines": [line], "reason": SAID}
    [claim] = shop.said("leader", f"/v1/orders/{order['id']}/claims", asked)["items"]
    at_platform(shop, claim, "failed", message=SAID)
    shop.said("brand", f"/v1/claims/{claim['id']}/refuse", {"reason": SAID, "evidence": []}, 200)


def _listed(shop: Shop) -> None:
    """A sheet of hers that could not be used, with a column of its own."""
    head = ["订单号", "收件人", "电话", "地址", "商家编码", "数量", "客户心情"]
    one = ["x1", NAME, MOBILE, f"广东省深圳市南山区{ADDRESS}", "没有的货", 1, SAID]
    two = ["x2", NAME, MOBILE, f"火星{ADDRESS}", "没有的货", "?", SAID]
    sheet = {"file": (f"{NAME}.xlsx", xlsx(one, two, header=head))}
    made = shop.ask("leader", "POST", "/v1/orders/import", files=sheet).json()
    work(shop, made["id"])
    sent = shop.got("leader", f"/v1/orders/imports/{made['id']}")
    assert len(sent["rejected"]) == 2
