"""Whoever wants to trade here applies with papers; when a supplier's expire, nothing is sold."""

import base64
import io
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sqlalchemy import select, text

from kit import clock
from kit.clock import SHANGHAI
from tests.api.shop import SELLER, SOURCE, Shop, ordering
from trade import applications, qualifications
from trade.models import Application, ApplicationDocument
from trade.qualifications import Paper

USCC = "91110000600037341L"
OTHER = "91440300708461136T"


def jpeg() -> bytes:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x010F] = "secret-phone"
    Image.new("RGB", (40, 40), "white").save(out, "JPEG", exif=exif)
    return out.getvalue()


def paper(kind: str = "business_license", **fields: Any) -> dict[str, Any]:
    return {"kind": kind, "content": base64.b64encode(jpeg()).decode()} | fields


def body(*papers: Any, role: str = "brand", uscc: Any = USCC, **fields: Any) -> dict[str, Any]:
    return {"role": role, "uscc": uscc, "documents": list(papers or [paper()])} | fields


def asked(shop: Shop, said: Any, status: int = 201) -> Any:
    answer = shop.client.post("/v1/applications", json=said)
    assert answer.status_code == status, answer.text
    return answer.json()


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.routes.applications.APPLIES", 1_000)


def test_an_application_becomes_a_party_whose_token_opens_its_door(shop: Shop) -> None:
    contact = {"name": "赵六", "mobile": "13700137000"}
    new = asked(shop, body(name="云岭茶业", contact=contact))
    assert asked(shop, body(name="云岭茶业", contact=contact), 200)["id"] == new["id"]
    path = f"/v1/applications/{new['id']}"
    [waits] = shop.got("operator", "/v1/applications?status=open")["items"]
    assert (waits["uscc"], waits["name"], waits["contact"]) == (USCC, "云岭茶业", None)
    assert shop.got("operator", path)["contact"] == contact
    shown = shop.ask("operator", "GET", f"{path}/documents/0")
    assert shown.headers["content-type"] == "image/jpeg"
    assert b"secret-phone" not in shown.content
    assert shop.ask("operator", "GET", f"{path}/documents/1").status_code == 404
    cases = shop.got("operator", "/v1/exceptions")["items"]
    assert [one["kind"] for one in cases] == ["application_waiting"]
    done = shop.said("operator", f"{path}/approve", {}, 200)
    assert (done["status"], bool(done["token"])) == ("approved", True)
    shop.tokens["new"] = done["token"]
    put = shop.ask("new", "PUT", "/v1/listings/T-1", json={"title": "红茶", "price": "8"})
    assert put.status_code == 200, put.text
    party = shop.got("operator", f"/v1/parties/{done['party']}")
    assert (party["name"], party["role"], party["source"]) == (
        "云岭茶业",
        "brand",
        f"s-{USCC.lower()}",
    )
    again = shop.said("operator", f"{path}/approve", {}, 200)
    assert (again["party"], again["token"]) == (done["party"], None)
    shop.said("operator", f"{path}/refuse", {"reason": "x"}, 409)
    read = {
        one["action"] for one in shop.got("operator", f"/v1/audit?subject={new['id']}")["items"]
    }
    assert read == {"application.read", "application.document", "application.approve"}


def test_papers_are_sealed_and_forgotten_when_they_were_refused(shop: Shop) -> None:
    new = asked(shop, body(contact={"name": "赵六", "mobile": "13700137000"}))
    with shop.db.as_system() as session:
        row = session.scalars(select(Application)).one()
        kept = session.scalars(select(ApplicationDocument)).one()
        assert not kept.content.startswith(b"\xff\xd8")
        assert b"1370" not in (row.contact or b"")
    with shop.db.as_party(shop.parties["leader"]) as session:
        assert session.scalars(select(Application)).all() == []
    told = shop.said("operator", f"/v1/applications/{new['id']}/refuse", {"reason": "看不清"}, 200)
    assert (told["status"], told["answer"]) == ("refused", "看不清")
    with shop.db.as_system() as session:
        assert applications.prune(session, clock.now() + timedelta(days=29)) == 0
        assert applications.prune(session, clock.now() + timedelta(days=31)) == 1
    assert shop.got("operator", f"/v1/applications/{new['id']}")["documents"] == []
    asked(shop, body())
    with shop.db.as_system() as session:
        assert applications.prune(session, clock.now() + timedelta(days=181)) == 1


def test_what_is_wrong_is_told_and_nothing_of_it_is_kept(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_picture = base64.b64encode(b"<svg><script/></svg>").decode()
    yesterday = (datetime.now(SHANGHAI) - timedelta(days=1)).date().isoformat()
    for said, field in (
        (body(uscc="91110000600037341M"), "uscc"),
        (body(uscc="9111"), "uscc"),
        (body(uscc=None), "uscc"),
        (body(uscc="", role="buyer"), "uscc"),
        (body(role="operator"), "role"),
        (body(paper(content=no_picture)), "documents.0.content"),
        (body(paper(content="====")), "documents.0.content"),
        (body(paper(), paper(content="A")), "documents.1.content"),
        (body(paper(expires_on=yesterday)), "documents.0.expires_on"),
        (body(paper(expires_on="9999-12-31")), "documents.0.expires_on"),
        (body(*[paper()] * 11), "documents"),
        ({"role": "brand", "uscc": USCC}, "documents"),
    ):
        fields = [one["field"] for one in asked(shop, said, 422)["errors"]]
        assert fields == [field], said
    assert shop.client.post("/v1/applications", content=b"[" * 100_000).status_code == 422
    assert shop.got("operator", "/v1/applications")["items"] == []
    asked(shop, body(role="leader", uscc=None))  # a person
    asked(shop, body(uscc=" 9111 0000 6000 3734 1l "))
    monkeypatch.setattr(applications, "MOST_OF_ONE", 1)
    assert asked(shop, body(name="x"), 409)["code"] == "too_many"
    monkeypatch.setattr(applications, "MOST_OPEN", 2)
    assert asked(shop, body(uscc=OTHER), 409)["code"] == "too_many"


def test_one_address_does_not_apply_again_and_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.routes.applications.APPLIES", 3)
    answers = [shop.client.post("/v1/applications", json=body(uscc="x")) for _ in range(7)]
    assert {one.status_code for one in answers} == {422, 429}


def offered_by(shop: Shop, expires_on: date) -> str:
    """The source's brand hands in a licence that ends on that day; its party."""
    new = asked(shop, body(paper("food_license", expires_on=expires_on.isoformat())))
    party = shop.got("operator", "/v1/parties?role=brand")["items"][0]["id"]
    done = shop.said("operator", f"/v1/applications/{new['id']}/approve", {"party": party}, 200)
    assert (done["party"], done["token"]) == (party, None)
    return str(party)


def test_goods_of_a_supplier_whose_papers_have_expired_are_not_sold(shop: Shop) -> None:
    goods = shop.offer()
    today = datetime.now(SHANGHAI).date()
    offered_by(shop, today)
    check = f"/v1/skus/{goods.sku}/sellable"
    assert shop.got("leader", check)["sellable"] is True  # the last day counts
    [case] = shop.got("operator", "/v1/exceptions")["items"]
    assert (case["kind"], case["cause"]["code"]) == ("supplier_lapsing", "lapsing")
    with shop.db.as_system() as session:
        assert session.scalar(
            text("SELECT qualified_until FROM source_states WHERE source = :s"), {"s": SOURCE}
        ) == qualifications.until(today)
        session.execute(
            text("UPDATE source_states SET qualified_until = now() WHERE source = :s"),
            {"s": SOURCE},
        )
    for asked_of in (check, f"{check}?region=440305"):
        told = shop.got("leader", asked_of)
        assert [one["code"] for one in told["reasons"]] == ["supplier_lapsed"]
    quote = {"lines": [{"sku": goods.sku, "quantity": 1}], "ship_to": ordering(goods)["ship_to"]}
    unsellable = shop.said("leader", "/v1/quotes", quote)["unsellable"]
    assert [one["code"] for one in unsellable] == ["supplier_lapsed"]
    refused = shop.ask("leader", "POST", "/v1/orders", json=ordering(goods))
    assert refused.status_code == 409
    for word in (SOURCE, SELLER):
        assert word not in f"{unsellable} {told} {refused.text}"
    offered_by(shop, today + timedelta(days=400))  # newer papers
    assert shop.got("leader", check)["sellable"] is True
    assert shop.got("operator", "/v1/exceptions")["items"] == []
    shop.order(goods)


def test_a_company_is_one_party_in_a_role_unless_it_supplies_another_source(shop: Shop) -> None:
    first = asked(shop, body(role="leader"))
    shop.said("operator", f"/v1/applications/{first['id']}/approve", {"name": "甲"}, 200)
    second = asked(shop, body(role="leader"))
    path = f"/v1/applications/{second['id']}/approve"
    assert shop.said("operator", path, {}, 409)["code"] == "party_exists"
    brand = shop.got("operator", "/v1/parties?role=brand")["items"][0]["id"]
    assert shop.said("operator", path, {"party": brand}, 422)["errors"][0]["field"] == "party"
    for source in ("green", "red"):
        one = asked(shop, body(name=source))
        own = f"/v1/applications/{one['id']}/approve"
        done = shop.said("operator", own, {"source": source}, 200)
        assert shop.got("operator", f"/v1/parties/{done['party']}")["source"] == source
    third = asked(shop, body(name="third"))
    own = f"/v1/applications/{third['id']}/approve"
    assert shop.said("operator", own, {"source": "red"}, 409)["code"] == "source_taken"


DAYS = st.none() | st.dates(date(2026, 1, 1), date(2030, 1, 1))


@settings(max_examples=40)
@given(st.lists(st.builds(Paper, st.sampled_from("abc"), DAYS)), st.sampled_from("abc"), DAYS)
def test_a_newer_paper_of_a_kind_never_shortens_what_holds(
    papers: list[Paper], kind: str, day: date | None
) -> None:
    same = any(one.kind == kind for one in papers)
    before, after = (
        qualifications.last_day(some) for some in (papers, [*papers, Paper(kind, day)])
    )
    end = date.max
    assert not same or (after or end) >= (before or end)
    assert qualifications.until(date(2026, 3, 4)) == datetime(2026, 3, 4, 16, tzinfo=UTC)
