"""What waits for a person, and what a person does about it: each kind, through the door."""

import hashlib
import re
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from sqlalchemy import text

from api import workbench
from kit import clock, inbox
from kit.ids import outside
from tests.api.shop import SOURCE, Shop
from tests.api.test_payouts import PAYEE
from tests.trade.test_rerouting import FLAT
from tests.trade.test_sheets import export, workbook
from trade import exception_cases, exceptions, rerouting, rights, tokens
from trade.desk import SourceTerms
from trade.invariants import violations
from trade.models import Difference, ReconciledDay, SupplierSheet
from trade.purchases import Supplier


def cases(shop: Shop, kind: str) -> list[Any]:
    return list(shop.got("operator", f"/v1/exceptions?kind={kind}")["items"])


def act(
    shop: Shop, case: Any, action: str, status: int = 200, who: str = "operator", **b: Any
) -> Any:
    return shop.said(who, f"/v1/exceptions/{case['id']}/{action}", b, status)


def changed(shop: Shop, words: str, **values: Any) -> None:
    """Make something old, or unknown, as only time and a fault could."""
    with shop.db.as_system() as session:
        session.execute(text(words), values)


def whole(shop: Shop) -> None:
    with shop.db.as_system() as session:
        assert violations(session) == []


def state_of(shop: Shop) -> str:
    with shop.db.as_system() as session:
        found = session.execute(text("SELECT state FROM purchases ORDER BY id DESC LIMIT 1"))
        return str(found.scalar_one())


def test_every_kind_has_its_cause_and_its_actions_are_done_somewhere() -> None:
    named = set(re.findall(r"SELECT '([a-z_]+)'(?: AS kind)?, ", exception_cases.CASES))
    assert named == set(exceptions.KINDS) == set(exceptions._CAUSES)
    offered = {(k, a) for k in exceptions.KINDS for a in exceptions.known_actions(k)}
    assert offered <= workbench._WORK.keys()
    assert {needs for needs, _ in workbench._WORK.values()} <= rights.OF_ROLE["operator"]


def test_held_units_are_looked_for_again_or_paid_back(shop: Shop) -> None:
    goods = shop.offer(freight=FLAT)
    order = shop.order(goods, 2)
    shop.submitted()
    refusal = {"code": "out_of_stock", "message": "没货了"}
    shop.said("brand", f"/v1/purchases/{shop.purchase()['id']}/refuse", refusal, 200)
    rerouting.drain(shop.db, shop.market.desk, clock.now() + timedelta(seconds=20))
    [case] = cases(shop, "order_held")
    assert (case["subject"], case["money"]) == (order["id"], order["total"])
    assert case["cause"] == {
        "code": "no_source",
        "message": "No source has these units at the agreed price",
    }
    assert case["actions"] == ["reroute", "cancel", "extend"]
    proposal = shop.got("leader", f"/v1/orders/{order['id']}")["proposal"]
    assert case["deadline"] == proposal["deadline"]
    assert case["money"] == proposal["refund"]["amount"] != order["lines"][0]["amount"]
    assert act(shop, case, "extend")["waits"] is True
    assert cases(shop, "order_held")[0]["deadline"] > case["deadline"]
    assert act(shop, case, "reroute")["waits"] is True
    assert cases(shop, "order_held")[0]["id"] == case["id"]
    part = act(shop, case, "cancel", 422, amount="1.00")  # it pays all of it back, and no part
    assert [(one["field"], one["code"]) for one in part["errors"]] == [("amount", "not_taken")]
    for _ in range(2):
        assert act(shop, case, "cancel") == {"id": case["id"], "action": "cancel", "waits": False}
    assert shop.got("leader", f"/v1/orders/{order['id']}")["status"] == "cancelled"
    assert shop.got("leader", "/v1/wallet")["balance"] == "10000.00"
    assert act(shop, case, "reroute")["waits"] is False  # it was done before
    noted = shop.got("operator", f"/v1/audit?subject={case['id']}")["items"]
    assert [one["action"] for one in noted] == [
        f"exception.{action}" for action in ("cancel", "reroute", "extend")
    ]
    whole(shop)


def test_a_case_that_is_none_is_told_by_the_name_it_was_asked_by(shop: Shop) -> None:
    told = act(shop, {"id": "order_held_nope"}, "cancel", 404)
    assert told["detail"] == "there is no exception 'order_held_nope'"


UNKNOWN = """UPDATE purchases SET state = 'submitting', attempts = 3, failure = 'timed out',
    external_refs = '{}', due_at = now() + interval '1 hour', leased_until = :until,
    lease = 'x' WHERE id = (SELECT max(id) FROM purchases)"""


def test_a_purchase_of_unknown_outcome_is_settled_by_who_looked(shop: Shop) -> None:
    goods, now = shop.offer(), clock.now()
    shop.order(goods)
    changed(shop, UNKNOWN, until=now + timedelta(minutes=2))
    [case] = cases(shop, "purchase_stuck")
    assert case["actions"] == []  # a worker asks at this moment
    assert act(shop, case, "not_placed", 409, reason="没有")["code"] == "wrong_state"
    assert state_of(shop) == "submitting"
    changed(shop, UNKNOWN, until=now - timedelta(minutes=2))
    [case] = cases(shop, "purchase_stuck")
    assert case["actions"] == ["ask", "found", "not_placed"]
    assert (case["cause"]["code"], case["detail"]) == ("outcome_unknown", f"{SOURCE}: timed out")
    assert case["money"] == "7.78"
    assert act(shop, case, "found", 422)["errors"][0]["field"] == "platform_ref"
    act(shop, case, "ask")
    for _ in range(2):
        assert act(shop, case, "found", platform_ref="P-1")["waits"] is False
    assert shop.purchase()["status"] == "submitted"
    shop.order(goods)
    changed(shop, UNKNOWN, until=None)
    [case] = cases(shop, "purchase_stuck")
    assert act(shop, case, "found", 409, platform_ref="P-1")["code"] == "reference_conflict"
    act(shop, case, "not_placed", reason="后台查无此单")
    assert state_of(shop) == "ready"
    assert act(shop, case, "found", 409, platform_ref="P-2")["code"] == "wrong_state"
    shop.submitted()
    assert state_of(shop) == "submitted"
    whole(shop)


def test_what_was_not_placed_is_cancelled_where_its_leader_had_asked(shop: Shop) -> None:
    order = shop.order(shop.offer())
    changed(shop, UNKNOWN, until=None)
    shop.said("leader", f"/v1/orders/{order['id']}/cancel", {"reason": "不要了"}, 200)
    [case] = cases(shop, "purchase_stuck")
    act(shop, case, "not_placed", reason="后台查无此单")
    assert shop.got("leader", f"/v1/orders/{order['id']}")["status"] == "cancelled"
    assert shop.got("leader", "/v1/wallet")["held"] == "0.00"
    whole(shop)


def test_a_purchase_that_could_not_be_placed_is_tried_at_once(shop: Shop) -> None:
    shop.order(shop.offer())
    changed(shop, "UPDATE purchases SET attempts = 3, failure = 'x', due_at = now() + '1 hour'")
    shop.submitted()
    [case] = cases(shop, "purchase_unsent")
    act(shop, case, "retry")
    shop.submitted()
    assert (state_of(shop), cases(shop, "purchase_unsent")) == ("submitted", [])


def test_a_supplier_who_refused_by_telephone_is_put_down_as_refusing(shop: Shop) -> None:
    order = shop.order(shop.offer())
    shop.submitted()
    changed(shop, "UPDATE purchases SET ship_by = now() - interval '1 hour'")
    [late] = cases(shop, "shipment_late")
    assert (late["actions"], late["money"], late["deadline"] is None) == (
        ["refused"],
        "7.78",
        False,
    )
    assert re.fullmatch(
        rf"{SOURCE} was to send it by \d{{4}}(-\d\d){{2}} \d\d:\d\d", late["detail"]
    )
    with shop.db.as_system() as session:  # a platform says itself what it will not send
        desk = replace(shop.market.desk, sources={SOURCE: SourceTerms(platform=True)})
        [same] = exceptions.waiting(session, desk, clock.now())
    assert (same["id"], same["actions"]) == (late["id"], ("ask",))
    shop.said("leader", f"/v1/orders/{order['id']}/cancel", {"reason": "不要了"}, 200)
    changed(shop, "UPDATE purchases SET updated_at = now() - interval '2 days'")
    [case] = cases(shop, "cancel_unanswered")
    act(shop, case, "refused", reason="供应商来电：同意取消")
    assert act(shop, late, "refused", 409, reason="x")["code"] == "wrong_state"
    assert shop.got("leader", f"/v1/orders/{order['id']}")["status"] == "cancelled"
    whole(shop)


def test_a_parcel_and_a_claim_are_ended_by_a_person(shop: Shop) -> None:
    goods = shop.offer()
    order = shop.shipped(goods)
    changed(shop, "UPDATE parcels SET stuck_at = now(), last_event_at = now() - interval '9 days'")
    [case] = cases(shop, "parcel_stuck")
    assert (case["actions"], case["money"]) == (["delivered"], order["total"])
    assert re.search(r"no news since \d{4}(-\d\d){2} \d\d:\d\d$", case["detail"])
    for _ in range(2):
        act(shop, case, "delivered")
    assert shop.got("leader", f"/v1/orders/{order['id']}")["status"] == "delivered"
    asked = {"kind": "refund", "lines": [{"sku": goods.sku, "quantity": 1}], "reason": "坏了"}
    shop.said("leader", f"/v1/orders/{order['id']}/claims", asked)
    changed(shop, "UPDATE claims SET escalated_at = now()")
    [case] = cases(shop, "claim_unanswered")
    assert (case["actions"], case["money"]) == (["approve", "refuse", "advance"], order["total"])
    assert act(shop, case, "refuse", 422)["errors"][0]["field"] == "reason"
    act(shop, case, "approve", amount="3.00")
    assert shop.got("leader", "/v1/claims")["items"][0]["status"] == "refunded"
    assert cases(shop, "claim_unanswered") == []
    whole(shop)


def test_money_that_waits_for_an_operator(shop: Shop) -> None:
    for proof in ("回单 1", "回单 2"):
        shop.said("leader", "/v1/deposit-requests", {"amount": "50.00", "proof": proof})
    first, second = cases(shop, "deposit_waiting")
    page = shop.got("operator", "/v1/exceptions?limit=1")
    rest = shop.got("operator", f"/v1/exceptions?limit=1&cursor={page['next']}")
    assert (page["items"] + rest["items"], rest["next"]) == ([first, second], None)
    assert (first["money"], first["detail"].endswith(": 回单 1")) == ("50.00", True)
    for _ in range(2):
        act(shop, first, "confirm")
    act(shop, second, "refuse", reason="银行没有收到")
    assert shop.got("leader", "/v1/wallet")["balance"] == "10050.00"
    shop.said("leader", "/v1/payouts", {"amount": "10.00"})
    [blind] = cases(shop, "payout_waiting")
    assert blind["detail"].endswith(": has stated no bank account")
    act(shop, blind, "refuse", reason="请先登记收款账号")
    shop.ask("leader", "PUT", "/v1/payee", json=PAYEE)
    for amount in ("20.00", "30.00"):
        shop.said("leader", "/v1/payouts", {"amount": amount})
    first, second = cases(shop, "payout_waiting")
    act(shop, first, "approve")
    act(shop, second, "refuse", reason="户名不符")
    told = shop.got("operator", "/v1/payouts")["items"]
    assert sorted(one["status"] for one in told) == ["approved", "failed", "failed"]
    party = outside("pty", shop.parties["leader"])
    statement = shop.said("operator", f"/v1/parties/{party}/statements", {})
    shop.said("leader", f"/v1/statements/{statement['id']}/dispute", {"reason": "少了"}, 200)
    [case] = cases(shop, "statement_disputed")
    act(shop, case, "answer", reason="已核对无误")
    told = shop.got("leader", f"/v1/statements/{statement['id']}")
    assert (told["status"], told["answer"]) == ("answered", "已核对无误")
    whole(shop)


def test_books_listings_sheets_and_endpoints(shop: Shop) -> None:
    with shop.db.as_system() as session:
        day = ReconciledDay(
            source=SOURCE,
            day=date(2026, 3, 1),
            purchases=0,
            parcels=0,
            units=0,
            amount=0,
            compared=True,
        )
        session.add(day)
        session.flush()
        for number, amount in enumerate((120, None)):
            row = Difference(reconciliation_id=day.id, source=SOURCE, code="amount_differs")
            row.purchase, row.detail = "P0" if amount else "", f"row {number} of its list"
            row.amount, row.state = amount, "open"
            session.add(row)
        sheet = SupplierSheet(source=SOURCE, cutoff_at=clock.now(), state="failed", purchases=1)
        sheet.body, sheet.failure = b"x", "554"
        session.add(sheet)
    entry, none = cases(shop, "books_differ")
    assert (entry["money"], entry["actions"]) == ("1.20", ["accept", "dismiss"])
    assert (none["money"], none["actions"]) == (None, ["dismiss"])
    assert entry["detail"] == f"{SOURCE} P0: row 0 of its list"
    assert none["detail"] == f"{SOURCE}: row 1 of its list"
    act(shop, entry, "accept")
    assert act(shop, none, "accept", 409)["code"] == "wrong_state"
    act(shop, none, "dismiss", reason="平台的尾差")
    assert cases(shop, "books_differ") == []

    changed(shop, "INSERT INTO runs (source, state, failure) VALUES ('x', 'held', '90 % gone')")
    [case] = cases(shop, "listing_held")
    assert act(shop, case, "release", 409)["code"] == "staging_lost"
    act(shop, case, "discard")
    assert cases(shop, "listing_held") == []

    [case] = cases(shop, "sheet_not_sent")
    assert act(shop, case, "send")["waits"] is False

    hook = {"url": "https://example.com/hook", "events": ["order.*"]}
    made = shop.said("leader", "/v1/webhooks", hook)
    changed(shop, "UPDATE webhooks SET state = 'disabled', failing_since = now()")
    [case] = cases(shop, "webhook_failing")
    assert case["subject"] == made["id"]
    act(shop, case, "resume")
    assert shop.got("leader", f"/v1/webhooks/{made['id']}")["status"] == "active"


def test_an_unknown_action_names_those_there_are_and_rights_hold_for_each(shop: Shop) -> None:
    shop.said("leader", "/v1/deposit-requests", {"amount": "50.00", "proof": "回单"})
    [case] = cases(shop, "deposit_waiting")
    told = act(shop, case, "vanish", 404)
    assert (told["code"], "confirm, refuse" in told["detail"]) == ("unknown_action", True)
    shop.said("operator", "/v1/exceptions/nothing_Xk3vQ9/confirm", {}, 404)
    with shop.db.as_system() as session:
        party, scopes = shop.parties["operator"], ["exceptions:write", "audit:read"]
        shop.tokens["narrow"] = tokens.issue(session, party, scopes=scopes).text
    refused = act(shop, case, "confirm", 403, who="narrow")
    assert "parties:write" in refused["detail"]
    assert cases(shop, "deposit_waiting") == [case]
    act(shop, case, "confirm", 403, who="leader")


def test_a_dead_letter_is_read_and_handled_over_http_and_shows_no_recipient(shop: Shop) -> None:
    order = shop.order(shop.offer())
    shop.submitted()
    header, row = export(shop.market, Supplier(SOURCE))
    sheet = workbook(header, [*row[:-2], "顺丰速运", "SF1234567890"])
    with shop.db.as_system() as session:
        for content in (b"no sheet", sheet):
            sender = f"waybills:{SOURCE}"
            sealed = shop.market.desk.keyring.seal(content, sender)
            inbox.receive(session, sender, hashlib.sha256(content).hexdigest(), sealed)
        inbox.receive(session, "messages:jd", "m", b'{"refs": ["nobody"]}')
    assert shop.got("operator", "/v1/dead-letters")["items"] == []  # somebody may be at work
    changed(shop, "UPDATE inbox SET received_at = now() - interval '10 minutes'")
    bad, good, message = shop.got("operator", "/v1/dead-letters")["items"]
    assert (good["topic"], good["source"], good["tries"]) == ("waybills", SOURCE, 0)
    paged = shop.got("operator", "/v1/dead-letters?limit=2")
    rest = shop.got("operator", f"/v1/dead-letters?limit=2&cursor={paged['next']}")
    assert [*paged["items"], *rest["items"]] == [bad, good, message]

    def replay(letter: Any, status: int, **body: Any) -> Any:
        return shop.said("operator", f"/v1/dead-letters/{letter['id']}/replay", body, status)

    tried = replay(good, 200, dry_run=True)["result"]
    [step] = tried.pop("would")
    assert tried == {"rows": 1, "without_number": 0, "hidden": []}
    purchase = shop.got("operator", f"/v1/purchases?source={SOURCE}")["items"][0]["id"]
    assert step == {
        "row": 2,
        "purchase": purchase,
        "carrier": "顺丰速运",
        "numbers": ["SF1234567890"],
        "does": "ships",
    }
    assert replay(message, 409, dry_run=True)["code"] == "unmatched"
    assert shop.got("leader", f"/v1/orders/{order['id']}")["status"] != "shipped"
    assert replay(bad, 422, dry_run=True)["code"] == "unreadable_sheet"
    told = replay(bad, 422)
    assert replay(message, 409)["code"] == "unmatched"
    assert replay(good, 200)["result"]["shipped"] == 1
    assert shop.got("leader", f"/v1/orders/{order['id']}")["status"] == "shipped"
    assert replay(good, 404)["code"] == "not_found"
    bad, message = shop.got("operator", "/v1/dead-letters")["items"]
    assert (bad["tries"], bad["error"]) == (1, told["detail"])
    assert message["tries"] == 1
    noted = shop.got("operator", f"/v1/audit?subject={good['id']}")["items"]
    assert [one["action"] for one in noted] == ["letter.replay"]
    assert "张三" not in str([bad, good, message, noted])
