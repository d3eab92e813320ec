"""Freight there and postage back: paid once, borne by whom the rules name, never beyond its sum."""

import pytest

from kit.db import Database
from kit.errors import Problem
from tests.trade.market import NOW, Market, make_desk
from tests.trade.test_claims import advance, approve, claim, refuse, seen
from tests.trade.test_claims_at_cost import at_the_door
from tests.trade.test_supplier_door import Shop
from trade.after_sales import bearing, claim_answers, claims
from trade.after_sales.bearing import CAUSES
from trade.desk import ClaimTerms
from trade.invariants import violations

TO = "王五 13900139000 某路 1 号"


@pytest.fixture
def shop(shared_database: Database) -> Shop:
    """Three units of 3.33 and 5.00 freight, shipped and paid."""
    shop = Shop(Market(shared_database, make_desk()))
    shop.ship("SF1234567890")
    return shop


def back(shop: Shop, name: str, postage: int | None = None, *proof: str) -> None:
    with shop.market.db.as_system() as session:
        number = "ZT0000000001"
        told = (shop.market.desk, shop.leader, name, "中通", number, NOW)
        claims.send_back(session, *told, postage=postage, proof=proof)


def received(shop: Shop, name: str) -> None:
    with shop.market.db.as_system() as session:
        claim_answers.received(session, shop.market.desk, shop.door, name, NOW)


def code(shop: Shop, name: str, postage: int, *proof: str) -> str:
    with pytest.raises(Problem) as caught:
        back(shop, name, postage, *proof)
    return caught.value.code


def test_of_each_cause_it_is_stated_who_bears_the_carriage() -> None:
    own = {cause for cause in CAUSES if bearing.carriage({cause}, "supplier") == "leader"}
    assert own == {"no_reason", "intercept", "other"}
    assert bearing.carriage({"lost", "spoiled"}, "house") == "house"
    assert bearing.carriage({"lost"}, "platform") == "house"  # a platform says itself what it bears
    assert bearing.carriage({"lost", "no_reason"}, "supplier") == "leader"
    assert bearing.carriage([], "supplier") == "leader"


def test_freight_goes_back_once_with_the_last_of_the_faulty_goods(shop: Shop) -> None:
    first = claim(shop, 2)
    approve(shop, first)
    assert seen(shop, first)["freight_refunded"] == "0.00"
    last = claim(shop, 1)
    approve(shop, last)
    assert seen(shop, last)["freight_refunded"] == "5.00"
    assert at_the_door(shop, last)["freight_credited"] == "5.00"
    assert shop.market.balance(f"wallet:{shop.leader}") == 10_000
    assert (shop.posted("sales"), shop.posted("payable:teahouse")) == (0, 0)
    assert shop.seen()["timeline"][-1]["kind"] == "freight_refunded"
    approve(shop, last)
    assert shop.posted("sales") == 0


@pytest.mark.parametrize("reason", ["七天无理由", "拦截", "说不清"])
def test_freight_stays_where_it_was_no_fault_of_the_goods(shop: Shop, reason: str) -> None:
    name = claim(shop, 3, reason=reason)
    approve(shop, name)
    assert seen(shop, name)["freight_refunded"] == "0.00"
    assert shop.posted("payable:teahouse") == 500


def test_freight_stays_when_some_of_the_goods_do(shop: Shop) -> None:
    approve(shop, claim(shop, 2))
    approve(shop, claim(shop, 1, 332))
    assert shop.posted("sales") == 500 + 1
    approve(shop, claim(shop, 1, 1, reason="不想要"))  # the last fen is not for a fault
    assert shop.posted("sales") == 500


def test_freight_stays_while_goods_are_still_to_be_sent(shared_database: Database) -> None:
    shop = Shop(Market(shared_database, make_desk()))
    shop.ship("SF1234567890", {1: 2})
    approve(shop, claim(shop, 2))
    assert shop.posted("sales") == 500
    shop.ship("SF1234567891")
    approve(shop, claim(shop, 1))
    assert shop.posted("sales") == 0


def test_whoever_bore_the_goods_bears_the_freight_and_the_house_where_it_bore_some(
    shop: Shop,
) -> None:
    approve(shop, claim(shop, 1), house=True)
    last = claim(shop, 2)
    approve(shop, last)
    assert shop.posted("loss:claims") == -333 - 500
    assert shop.posted("payable:teahouse") == 1499 - 666
    assert seen(shop, last)["freight_refunded"] == "5.00"


def test_freight_stays_with_a_refused_advance(shop: Shop) -> None:
    first, last = claim(shop, 1), claim(shop, 2)
    advance(shop, first)
    approve(shop, last)
    assert shop.posted("sales") == 333 + 500  # nobody has answered the first one
    refuse(shop, first)
    assert seen(shop, last)["freight_refunded"] == "0.00"
    assert shop.posted("payable:teahouse") == 333 + 500


def test_postage_is_paid_with_proof_when_faulty_goods_are_back(shop: Shop) -> None:
    name = claim(shop, 1, kind="return")
    approve(shop, name, return_to=TO)
    back(shop, name, 1200, "快递收据")
    back(shop, name)  # the waybill again, without a word of postage
    assert seen(shop, name)["postage"] == {"asked": "12.00", "refunded": "0.00"}
    received(shop, name)
    received(shop, name)
    view = seen(shop, name)
    assert view["postage"] == {"asked": "12.00", "refunded": "12.00"}
    assert {"by": "leader", "about": "postage", "item": "快递收据"} in view["evidence"]
    assert at_the_door(shop, name)["postage"] == {"asked": "12.00", "credited": "12.00"}
    assert shop.posted("payable:teahouse") == 1499 - 333 - 1200
    assert shop.market.balance(f"wallet:{shop.leader}") == 10_000 - 1499 + 333 + 1200


def test_postage_of_an_exchange_is_paid_when_the_goods_are_back(shop: Shop) -> None:
    name = claim(shop, 1, kind="exchange", reason="发错货")
    approve(shop, name, return_to=TO)
    back(shop, name, 800, "收据")
    received(shop, name)
    assert seen(shop, name)["postage"] == {"asked": "8.00", "refunded": "8.00"}
    assert shop.posted("payable:teahouse") == 1499 - 800


def test_postage_of_what_the_house_agreed_to_is_the_houses(shop: Shop) -> None:
    name = claim(shop, 1, kind="return")
    approve(shop, name, return_to=TO, house=True)
    back(shop, name, 900, "收据")
    received(shop, name)
    assert shop.posted("loss:claims") == -333 - 900
    assert at_the_door(shop, name)["postage"] == {"asked": "9.00", "credited": "0.00"}


def test_postage_keeps_to_its_limit_its_proof_and_its_causes(shop: Shop) -> None:
    wish = claim(shop, 1, kind="return", reason="不想要")
    approve(shop, wish, return_to=TO)
    assert code(shop, wish, 100, "收据") == "postage_not_paid"
    name = claim(shop, 1, kind="return")
    assert code(shop, name, 100, "收据") == "wrong_state"  # nobody has agreed yet
    approve(shop, name)
    assert code(shop, name, ClaimTerms().postage_most + 1, "收据") == "postage_limit"
    assert code(shop, name, 100) == "invalid"
    assert code(shop, name, 100, "evi_1") == "invalid"  # nobody handed it in
    back(shop, name, 100, "收据")
    back(shop, name, 150, "另一张收据")  # another amount takes the place of the former one
    assert seen(shop, name)["postage"]["asked"] == "1.50"
    received(shop, name)
    assert code(shop, name, 200, "收据") == "wrong_state"


def test_postage_of_a_refused_return_is_not_paid(shop: Shop) -> None:
    name = claim(shop, 1, kind="return")
    approve(shop, name, return_to=TO)
    back(shop, name, 100, "收据")
    refuse(shop, name)
    assert seen(shop, name)["postage"] == {"asked": "1.00", "refunded": "0.00"}
    with shop.market.db.as_system() as session:
        assert violations(session) == []
