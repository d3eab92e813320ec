"""Claims and platforms among what waits for a person: every action, through the door."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from kit import clock
from kit.ids import inside
from tests.api.shop import SOURCE, Goods, Shop
from tests.api.test_applications import body
from tests.api.test_workbench import act, cases, changed, whole
from trade import exceptions
from trade.desk import SourceTerms
from trade.models import PlatformClaim, PurchaseLine


@pytest.fixture
def bought(shop: Shop) -> tuple[Goods, Any]:
    """Goods that have arrived, as their leader sees the order."""
    goods = shop.offer()
    return goods, shop.shipped(goods, 2)


def claimed(shop: Shop, bought: tuple[Goods, Any], kind: str, **more: Any) -> Any:
    """A claim that nobody acted on in time."""
    goods, order = bought
    lines = [{"sku": goods.sku, "quantity": 1}]
    asked = {"kind": kind, "lines": lines, "reason": "坏了"}
    [made] = shop.said("leader", f"/v1/orders/{order['id']}/claims", asked)["items"]
    changed(shop, "UPDATE claims SET escalated_at = now() WHERE state = 'open'")
    return made


def status(shop: Shop, claim: Any) -> str:
    return str(shop.got("leader", f"/v1/claims/{claim['id']}")["status"])


def case_of(shop: Shop, claim: Any, kind: str = "claim_unanswered") -> Any:
    return next(one for one in cases(shop, kind) if one["subject"] == claim["id"])


def at_platform(shop: Shop, claim: Any, state: str, **fields: Any) -> None:
    """As if the goods had been claimed at a platform."""
    with shop.db.as_system() as session:
        line = session.query(PurchaseLine).one()
        session.add(
            PlatformClaim(
                claim_id=inside("clm", claim["id"]),
                purchase_id=line.purchase_id,
                purchase_line_id=line.id,
                source=SOURCE,
                external_id=line.external_id,
                quantity=1,
                state=state,
                **fields,
            )
        )


def test_a_claim_is_advanced_and_refused(shop: Shop, bought: tuple[Goods, Any]) -> None:
    claim = claimed(shop, bought, "refund")
    case = case_of(shop, claim)
    act(shop, case, "advance", amount="1.00")
    act(shop, case, "refuse", reason="签收三天后才说")
    assert status(shop, claim) == "refused"
    whole(shop)


def test_an_address_to_return_to_is_given_in_fields_or_as_text(
    shop: Shop, bought: tuple[Goods, Any]
) -> None:
    claim = claimed(shop, bought, "return")
    path = f"/v1/claims/{claim['id']}"
    to = {"name": "退货组", "mobile": "0755-26001234", "region": "440305", "address": "科技园 9 号"}
    wrong = shop.ask(
        "brand", "POST", f"{path}/approve", json={"return_to": to | {"region": "990000"}}
    )
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "return_to.region")
    shop.said("brand", f"{path}/approve", {"return_to": to}, 200)
    told = shop.got("leader", path)["return_to"]
    assert told == "退货组 0755-26001234 广东省深圳市南山区科技园 9 号"


def test_an_exchange_is_received_and_sent_again(shop: Shop, bought: tuple[Goods, Any]) -> None:
    claim = claimed(shop, bought, "exchange")
    act(shop, case_of(shop, claim), "approve", return_to="王五 13900139000 某路 1 号")
    changed(shop, "UPDATE claims SET escalated_at = now()")
    act(shop, case_of(shop, claim), "received")
    changed(shop, "UPDATE claims SET escalated_at = now()")
    sent = {"carrier": "顺丰", "tracking_number": "SF0000099999"}
    assert act(shop, case_of(shop, claim), "reissue", 422, carrier="顺丰")["code"] == "invalid"
    act(shop, case_of(shop, claim), "reissue", **sent)
    assert status(shop, claim) == "reissued"
    assert cases(shop, "claim_unanswered") == []
    whole(shop)


def test_what_a_platform_takes_no_claim_about_is_agreed_to_here(
    shop: Shop, bought: tuple[Goods, Any]
) -> None:
    claim = claimed(shop, bought, "refund")
    at_platform(shop, claim, "failed", message="超过售后期")
    case = case_of(shop, claim, "claim_refused_by_source")
    assert (case["detail"], case["actions"]) == ("超过售后期", ["approve", "refuse", "advance"])
    changed(shop, "UPDATE claims SET escalated_at = now()")
    assert cases(shop, "claim_unanswered") == []  # it is one case, not two
    act(shop, case, "advance")
    case = case_of(shop, claim, "claim_refused_by_source")
    assert (case["money"], case["actions"]) == ("8.56", ["approve", "refuse"])
    act(shop, case, "approve")
    assert status(shop, claim) == "refunded"
    assert cases(shop, "claim_refused_by_source") == []


def test_what_a_platform_sent_anew_is_told_here(shop: Shop, bought: tuple[Goods, Any]) -> None:
    claim = claimed(shop, bought, "reissue")
    at_platform(shop, claim, "replaced", replacement="J-2")
    case = case_of(shop, claim, "claim_replaced")
    assert ("J-2" in case["detail"], case["money"]) == (True, "7.78")
    act(shop, case, "reissue", carrier="京东", tracking_number="JDVB0000001")
    assert status(shop, claim) == "reissued"


def test_a_difference_at_a_platform_is_counted_or_left(
    shop: Shop, bought: tuple[Goods, Any]
) -> None:
    claim = claimed(shop, bought, "refund")
    at_platform(shop, claim, "refunded", refunded=0)
    [case] = cases(shop, "claim_difference")
    assert (case["money"], case["actions"]) == ("7.78", ["counted", "dismiss"])
    assert case["detail"] == "0.00 came back of the 7.78 that was due"
    assert act(shop, case, "counted", 422)["errors"][0]["field"] == "amount"
    assert act(shop, case, "dismiss", 422)["errors"][0]["field"] == "reason"
    assert act(shop, case, "counted", 422, amount="99.00")["errors"][0]["field"] == "amount"
    before = owed(shop)
    for _ in range(2):
        assert act(shop, case, "counted", amount="7.00")["waits"] is False
    assert owed(shop) == before - 700
    whole(shop)
    changed(shop, "UPDATE platform_claims SET settled_at = NULL")
    act(shop, case_of(shop, claim, "claim_difference"), "dismiss", reason="平台不补")
    assert cases(shop, "claim_difference") == []
    assert owed(shop) == before - 700


def test_freight_that_a_platform_gave_back_is_posted_or_is_none(
    shop: Shop, bought: tuple[Goods, Any]
) -> None:
    for number, reason in enumerate(("", "多退的货款")):
        claim = claimed(shop, bought, "refund")
        at_platform(shop, claim, "refunded", refunded=1078, freight=300, freight_state="open")
        [case] = cases(shop, "freight_returned")
        assert (case["money"], case["actions"]) == ("3.00", ["accept", "dismiss"])
        before = owed(shop)
        assert act(shop, case, "dismiss", 422)["errors"][0]["field"] == "reason"
        action, told = ("dismiss", {"reason": reason}) if reason else ("accept", {})
        for _ in range(2):
            assert act(shop, case, action, **told)["waits"] is False
        assert owed(shop) == before - (0 if reason else 300)
        assert len(cases(shop, "claim_difference")) == number


def owed(shop: Shop) -> int:
    """Fen that we owe the source."""
    with shop.db.as_system() as session:
        found = session.execute(
            text("""SELECT sum(CASE destination WHEN :a THEN amount ELSE -amount END) FROM postings
                WHERE :a IN (source, destination)"""),
            {"a": f"payable:{SOURCE}"},
        )
        return int(found.scalar_one())


def test_a_platform_is_asked_at_once(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    office = shop.app.state.office
    desk = replace(shop.market.desk, sources={SOURCE: SourceTerms(platform=True)})
    monkeypatch.setattr(office, "terms", replace(office.terms, desk=desk))
    order = shop.order(shop.offer())
    shop.submitted()
    later = "due_at = now() + interval '1 hour'"
    changed(shop, f"UPDATE purchases SET ship_by = now() - interval '1 hour', {later}")  # noqa: S608
    [late] = cases(shop, "shipment_late")
    act(shop, late, "ask")
    with shop.db.as_system() as session:
        due, topic = session.execute(
            text(
                "SELECT (SELECT due_at FROM purchases), topic FROM outbox ORDER BY id DESC LIMIT 1"
            )
        ).one()
    assert (due <= clock.now(), topic) == (True, "trade.news")
    shop.said("leader", f"/v1/orders/{order['id']}/cancel", {"reason": "不要了"}, 200)
    for state in ("submitted", "submitting"):
        past = "state = :state, updated_at = now() - interval '2 days', leased_until = NULL"
        changed(shop, f"UPDATE purchases SET {past}", state=state)  # noqa: S608
        [case] = cases(shop, "cancel_unanswered")
        assert case["actions"] == ["ask"]
        act(shop, case, "ask")


def test_an_application_is_turned_down(shop: Shop) -> None:
    shop.client.post("/v1/applications", json=body())
    [case] = cases(shop, "application_waiting")
    act(shop, case, "refuse", reason="看不清")
    assert cases(shop, "application_waiting") == []


def test_what_no_rule_gives_a_deadline_has_the_operators_own(
    shop: Shop, bought: tuple[Goods, Any]
) -> None:
    shop.said("leader", "/v1/deposit-requests", {"amount": "50.00", "proof": "回单"})
    [case] = cases(shop, "deposit_waiting")
    since = datetime.fromisoformat(case["since"])
    assert datetime.fromisoformat(case["deadline"]) == since + timedelta(hours=24)
    changed(shop, "UPDATE parcels SET stuck_at = now(), last_event_at = now() - interval '9 days'")
    [stuck] = cases(shop, "parcel_stuck")
    later = datetime.fromisoformat(stuck["deadline"]) - clock.now()
    assert timedelta(days=20) < later < timedelta(days=22)  # by then it counts as arrived
    with shop.db.as_system() as session:
        patient = replace(shop.market.desk, answer_hours=48)
        [same] = exceptions.waiting(session, patient, clock.now(), kind="deposit_waiting")
    assert same["deadline"] == since + timedelta(hours=48)
