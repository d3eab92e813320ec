"""Another address for goods that a supplier knows of is asked of it, and never assumed."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from connectors.model import Sells
from connectors.registry import KINDS, can
from connectors.trading import Ships
from kit import clock
from tests.api.shop import HOME, SOURCE, Shop, ordering
from tests.api.test_workbench import act, cases, whole
from tests.trade.market import submitted
from trade import address_answers
from trade.desk import SourceTerms
from trade.models import AddressRequest, Event

THERE = HOME | {"address": "后海大道 2 号"}
ELSEWHERE = HOME | {"name": "李四", "address": "高新南一道 9 号"}
PARCEL = {"carrier": "顺丰", "tracking_number": "SF1234567890"}


def sent(shop: Shop) -> Any:
    """An order that its supplier has at the door."""
    order = shop.order(shop.offer())
    shop.submitted()
    return order["id"]


def readdress(
    shop: Shop, order: str, to: Any = THERE, status: int = 202, who: str = "leader"
) -> Any:
    return shop.said(who, f"/v1/orders/{order}/address", {"ship_to": to}, status)


def answer(shop: Shop, accept: str, status: int = 200, who: str = "brand", **more: Any) -> Any:
    path = f"/v1/purchases/{shop.purchase()['id']}/address"
    return shop.said(who, path, {"accept": accept == "yes"} | more, status)


def ship(shop: Shop) -> None:
    shop.said("brand", f"/v1/purchases/{shop.purchase()['id']}/ship", PARCEL, 200)


def seen(shop: Shop, order: str) -> Any:
    return shop.got("leader", f"/v1/orders/{order}")


def told(shop: Shop, order: str) -> list[tuple[str, Any]]:
    events = seen(shop, order)["timeline"]
    return [(one["kind"], one["detail"]) for one in events if one["kind"].startswith("address")]


def revealed(shop: Shop, order: str) -> str:
    return str(
        shop.said("leader", f"/v1/orders/{order}/reveal", {"purpose": "客服"}, 200)["address"]
    )


def test_a_supplier_who_agrees_sends_to_the_other_address(shop: Shop) -> None:
    order = sent(shop)
    change = readdress(shop, order)["address_change"]
    assert (change["status"], change["message"], revealed(shop, order)) == (
        "asked",
        None,
        HOME["address"],
    )
    assert SOURCE not in str(change)
    name = shop.purchase()["id"]
    for purchase in (shop.purchase(), shop.got("brand", f"/v1/purchases/{name}")):
        assert purchase["ship_to"] == HOME
        assert purchase["address_change"] == {
            "ship_to": THERE,
            "asked_at": change["asked_at"],
            "answer_by": change["answer_by"],
        }
    assert shop.ask("rival", "GET", f"/v1/purchases/{name}").status_code == 404
    for _ in range(2):
        after = answer(shop, "yes")
        assert after["address_change"] is None
    assert shop.purchase()["ship_to"] == THERE
    assert revealed(shop, order) == THERE["address"]
    assert seen(shop, order)["address_change"]["status"] == "accepted"
    assert told(shop, order) == [("address_asked", None), ("address_changed", None)]
    answer(shop, "no", 409)
    ship(shop)
    assert seen(shop, order)["address_change"]["status"] == "accepted"
    assert readdress(shop, order, ELSEWHERE, 409)["code"] == "too_late"
    readdress(shop, order, ELSEWHERE, 404, who="other")
    with shop.db.as_system() as session:
        kinds = session.scalars(select(Event.kind).where(Event.kind.like("%address%"))).all()
    assert sorted(kinds) == [
        "order.address_asked",
        "order.address_changed",
        "purchase.address_accepted",
        "purchase.address_asked",
    ]
    whole(shop)


def test_a_supplier_who_refuses_sends_to_the_former_address(shop: Shop) -> None:
    order = sent(shop)
    answer(shop, "yes", 409)
    readdress(shop, order)
    for _ in range(2):
        answer(shop, "no", who="operator", message=f"{SOURCE}已打包")
    assert (shop.purchase()["ship_to"], revealed(shop, order)) == (HOME, HOME["address"])
    change = seen(shop, order)["address_change"]
    assert (change["status"], change["message"]) == ("refused", "供应商已打包")
    assert told(shop, order)[-1] == ("address_refused", None)  # words may name a person
    with shop.db.as_system() as session:
        event = session.scalars(select(Event).where(Event.kind == "order.address_refused")).one()
        assert event.data["detail"] is None
    assert answer(shop, "yes", 409)["code"] == "wrong_state"
    whole(shop)


def test_a_parcel_that_leaves_before_the_answer_went_to_the_former_address(shop: Shop) -> None:
    order = sent(shop)
    readdress(shop, order)
    ship(shop)
    assert answer(shop, "yes", 409)["code"] == "wrong_state"
    assert seen(shop, order)["address_change"]["status"] == "overtaken"
    assert told(shop, order)[-1] == ("address_overtaken", None)
    assert revealed(shop, order) == HOME["address"]
    whole(shop)


def test_a_parcel_and_an_answer_at_once_agree_on_where_it_went(shop: Shop) -> None:
    order = sent(shop)
    readdress(shop, order)
    path = f"/v1/purchases/{shop.purchase()['id']}"
    acts = ((f"{path}/ship", PARCEL), (f"{path}/address", {"accept": True}))
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda act: shop.ask("brand", "POST", act[0], json=act[1]), acts))
    went = (seen(shop, order)["address_change"]["status"], shop.got("brand", path)["ship_to"])
    assert (done[0].status_code, done[1].status_code, *went) in (
        (200, 200, "accepted", THERE),
        (200, 409, "overtaken", HOME),
    )
    whole(shop)


def test_silence_is_no_consent(shop: Shop) -> None:
    order = sent(shop)
    readdress(shop, order)
    for hours, due in ((47, False), (49, True), (49, False)):
        with shop.db.as_system() as session:
            assert address_answers.work_one(session, clock.now() + timedelta(hours=hours)) is due
    assert seen(shop, order)["address_change"]["status"] == "unanswered"
    assert (shop.purchase()["ship_to"], shop.purchase()["address_change"]) == (HOME, None)
    assert told(shop, order)[-1] == ("address_unanswered", None)
    answer(shop, "yes", 409)
    readdress(shop, order)  # may be asked once more
    answer(shop, "yes")
    assert shop.purchase()["ship_to"] == THERE
    whole(shop)


def test_an_operator_answers_for_a_supplier_without_a_door(shop: Shop) -> None:
    order = sent(shop)
    change = readdress(shop, order)["address_change"]
    [case] = cases(shop, "address_asked")
    assert (case["subject"], case["money"]) == (shop.purchase()["id"], "7.78")
    assert (case["deadline"], case["actions"]) == (change["answer_by"], ["accept", "refuse"])
    readdress(shop, order, ELSEWHERE)
    assert act(shop, case, "accept", 409)["code"] == "wrong_state"
    [case] = cases(shop, "address_asked")
    act(shop, case, "refuse", 422)
    act(shop, case, "refuse", reason="来电：已打包")
    assert seen(shop, order)["address_change"]["message"] == "来电：已打包"
    readdress(shop, order)
    [case] = cases(shop, "address_asked")
    for _ in range(2):
        act(shop, case, "accept")
    assert (shop.purchase()["ship_to"], cases(shop, "address_asked")) == (THERE, [])


def test_asking_again_takes_the_place_of_what_was_asked(shop: Shop) -> None:
    order = sent(shop)
    first = readdress(shop, order)["address_change"]["asked_at"]
    assert readdress(shop, order)["address_change"]["asked_at"] == first
    second = readdress(shop, order, ELSEWHERE)["address_change"]["asked_at"]
    assert answer(shop, "yes", 409, asked_at=first)["code"] == "asked_anew"
    assert shop.purchase()["address_change"]["ship_to"] == ELSEWHERE
    answer(shop, "yes", asked_at=second)
    assert shop.purchase()["ship_to"] == ELSEWHERE
    readdress(shop, order)
    back = readdress(shop, order, ELSEWHERE, 200)  # where it goes anyway: nobody is asked
    assert (back["address_change"], shop.purchase()["address_change"]) == (None, None)
    before = told(shop, order)
    readdress(shop, order, ELSEWHERE, 200)
    assert told(shop, order) == before
    whole(shop)


def test_what_no_supplier_knows_changes_at_once_and_the_rest_is_asked(shop: Shop) -> None:
    near, far = shop.offer(), shop.market.offer(source="rival", cost="3.00")
    body = ordering(near, lines=[{"sku": one.sku, "quantity": 1} for one in (near, far)])
    order = shop.said("leader", "/v1/orders", body)["id"]
    shop.submitted()
    readdress(shop, order)
    assert revealed(shop, order) == HOME["address"]
    submitted(shop.market, "rival")
    [other] = shop.got("rival", "/v1/purchases")["items"]
    assert (other["ship_to"], other["address_change"]) == (THERE, None)
    answer(shop, "yes")
    assert revealed(shop, order) == THERE["address"]
    whole(shop)


def test_a_purchase_that_ends_closes_the_question_and_its_units_go_to_the_new_address(
    shop: Shop,
) -> None:
    order = sent(shop)
    readdress(shop, order)
    no = {"code": "out_of_stock", "message": "没货"}
    shop.said("brand", f"/v1/purchases/{shop.purchase()['id']}/refuse", no, 200)
    assert shop.purchase()["address_change"] is None
    assert revealed(shop, order) == THERE["address"]
    assert seen(shop, order)["address_change"] is None
    whole(shop)


def test_a_sender_who_cannot_be_asked_keeps_the_whole_order_as_it_is(shop: Shop) -> None:
    order = sent(shop)
    office = shop.app.state.office
    platform = {SOURCE: SourceTerms(door=False)}
    office.terms = replace(office.terms, desk=replace(office.terms.desk, sources=platform))
    assert readdress(shop, order, status=409)["code"] == "address_fixed"
    assert (seen(shop, order)["address_change"], revealed(shop, order)) == (None, HOME["address"])
    with shop.db.as_system() as session:
        assert session.scalars(select(AddressRequest)).all() == []


def test_platforms_follow_no_change_of_address_and_doors_are_asked() -> None:
    sells = {kind for kind in KINDS if can({"kind": kind}, Sells)}
    assert {kind for kind in sells if not can({"kind": kind}, Ships)} == {
        "feed",
        "site",
        "taobao_shop",
    }
