"""A person's deletion request: what no open order needs is gone, the rest is named."""

import dataclasses

import pytest
from sqlalchemy import select

from connectors.model import ShipTo
from kit.crypto import Keyring
from kit.errors import Problem
from kit.ids import inside
from tests.trade.market import HOME, NOW, Market
from tests.trade.test_sheets import filled, import_sheet
from tests.trade.test_supplier_door import TEAHOUSE, Shop
from trade import address_answers, purchases, recipients
from trade.forgetting import Forgotten, forget
from trade.models import AddressRequest, Audit, Recipient, SheetPurchase, SupplierSheet
from trade.readdressing import readdress


def _forget(market: Market, name: str = "张三", mobile: str = "13800138000") -> Forgotten:
    with market.db.as_system() as session:
        return forget(session, market.desk.keyring, name, mobile, NOW)


def test_an_open_order_keeps_its_recipient_and_is_named(market: Market) -> None:
    shop = Shop(market)
    done = _forget(market)
    assert done.recipients == 0
    (wait,) = done.waiting
    assert wait.status == "processing"
    assert shop.ship("SF1234567890", None) is None  # the supplier can still send it
    with market.db.as_system() as session:
        assert purchases.get(session, market.desk, TEAHOUSE, shop.name)["ship_to"]


def test_what_was_shipped_is_shredded_and_nobody_can_open_it(market: Market) -> None:
    shop = Shop(market)
    shop.ship("SF1234567890")
    assert _forget(market, mobile="+86 138-0013-8000").recipients == 1
    with market.db.as_system() as session:
        row = session.scalars(select(Recipient)).one()
        assert (row.envelope, row.mobile_hash, row.address_hash) == (b"", b"", b"")
        assert row.mask["name"] == "***"
        assert purchases.get(session, market.desk, TEAHOUSE, shop.name)["ship_to"] is None
        with pytest.raises(Problem, match="own request"):
            recipients.reveal(session, market.desk.keyring, row.id, shop.leader, "ask")
        noted = session.scalars(select(Audit)).one()
        assert (noted.action, noted.party_id) == ("recipient.forget", shop.leader)
    assert _forget(market) == Forgotten()


def test_another_person_with_the_same_number_stays(market: Market) -> None:
    Shop(market).ship("SF1234567890")
    done = _forget(market, name="李四")
    assert (done.recipients, done.others) == (0, 1)


def test_waybill_sheets_with_the_person_are_erased(market: Market) -> None:
    Shop(market)
    import_sheet(market, filled(market, "无"))  # 张三 stands in it, without a waybill yet
    import_sheet(market, filled(market, "SF1234567890"))
    assert _forget(market).sheets == 2
    assert _forget(market).sheets == 0


def test_who_may_get_the_goods_waits_and_the_former_one_goes_with_its_sheet(market: Market) -> None:
    shop = Shop(market)
    with market.db.as_system() as session:
        sheet = SupplierSheet(
            source="teahouse", cutoff_at=NOW, state="sent", purchases=1, body=b"x"
        )
        session.add(sheet)
        session.flush()
        number = inside("pur", shop.name)
        session.add(SheetPurchase(purchase_id=number, sheet_id=sheet.id))
        other = dataclasses.replace(HOME, name="李四", mobile="13900139000")
        readdress(session, market.desk, shop.leader, shop.order, other, NOW)
    assert _forget(market, "李四", "13900139000").waiting
    with market.db.as_system() as session:
        address_answers.answer(session, TEAHOUSE, shop.name, NOW, accept=True, message="张三？")
    done = _forget(market)
    assert (done.recipients, bool(done.waiting)) == (0, True)
    shop.ship("SF1234567890")
    done = _forget(market)
    assert (done.recipients, done.sheets, done.waiting) == (1, 1, [])
    with market.db.as_system() as session:
        assert session.scalars(select(SupplierSheet.body)).one() == b""
        assert session.scalars(select(AddressRequest.message)).one() is None
        assert purchases.get(session, market.desk, TEAHOUSE, shop.name)["ship_to"]["name"] == "李四"


def test_a_number_hashed_under_a_former_key_is_found(market: Market) -> None:
    Shop(market).ship("SF1234567890")
    rotated = Keyring(b"n" * 32, (market.desk.keyring.current,))
    with market.db.as_system() as session:
        assert forget(session, rotated, "张三", "13800138000", NOW).recipients == 1


def test_orders_of_other_addresses_are_untouched(market: Market) -> None:
    shop = Shop(market)
    other = dataclasses.replace(HOME, name="王五", mobile="13900139000")
    market.place(shop.leader, (shop.goods.sku, 1), ship_to=other)
    shop.ship("SF1234567890")
    assert _forget(market).recipients == 1
    with market.db.as_system() as session:
        kept = session.scalars(select(Recipient).where(Recipient.envelope != b"")).one()
        opened = recipients.reveal(session, market.desk.keyring, kept.id, None, "test")
    assert isinstance(opened, ShipTo)
    assert opened.name == "王五"
