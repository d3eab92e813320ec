"""Links to a platform's goods, and commissions: expected, payable once settled, reversed."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from catalog.models import Terms
from connectors.trading import Commission
from kit import clock
from kit.ids import outside
from tests.api.shop import Shop
from tests.stage import Stage
from trade.invariants import violations
from trade.settling import commissions

AT = datetime(2026, 3, 1, tzinfo=UTC)


def row(leader: str, **fields: Any) -> Commission:
    first = Commission(
        id="r1",
        order_ref="1",
        parent_ref=None,
        external_id="100",
        title="炒锅",
        quantity=1,
        returned=0,
        state="paid",
        leader=leader,
        paid=Decimal("99.90"),
        rate=Decimal("0.05"),
        expected=Decimal("4.99"),
        actual=None,
        ordered_at=AT,
        changed_at=AT,
    )
    return replace(first, **fields)


def told(shop: Shop, *rows: Commission) -> None:
    with shop.db.as_system() as session:
        desk = replace(shop.market.desk, affiliate_percent=80)
        commissions.take(session, desk, "union", rows, clock.now())
        assert violations(session) == []


def test_a_commission_is_payable_once_settled_and_goes_back_when_reversed(shop: Shop) -> None:
    party = shop.parties["leader"]
    first = row(outside("pty", party))
    told(shop, first)
    [seen] = shop.got("leader", "/v1/commissions")["items"]
    assert (seen["status"], seen["expected"], seen["earned"]) == ("expected", "3.99", "0.00")
    assert not {"source", "order_ref", "booked"} & seen.keys()
    settled = replace(
        first, state="settled", actual=Decimal("4.80"), changed_at=AT + timedelta(days=20)
    )
    told(shop, settled, first)
    told(shop, first)
    [seen] = shop.got("leader", "/v1/commissions")["items"]
    assert (seen["status"], seen["earned"]) == ("payable", "3.84")
    assert shop.got("leader", "/v1/wallet/earnings")["payable"] == "3.84"
    [known] = shop.got("operator", "/v1/commissions")["items"]
    assert (known["source"], known["booked"]) == ("union", "4.80")
    assert shop.got("other", "/v1/commissions")["items"] == []
    payout = shop.said("leader", "/v1/payouts", {"amount": "3.84"})
    assert payout["plans"] == ["affiliate-2026-1"]
    void = replace(settled, state="invalid", actual=None, changed_at=AT + timedelta(days=30))
    told(shop, void)
    assert shop.got("leader", "/v1/wallet/earnings")["payable"] == "-3.84"
    told(shop, row("nobody", id="r2", state="settled", actual=Decimal("1.00")))
    [house, _] = shop.got("operator", "/v1/commissions")["items"]
    assert (house["party"], house["earned"], house["booked"]) == (None, "0.00", "1.00")


@pytest.fixture
def linking(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """A shop that learns of a source at once, and lets go of it in the end."""
    monkeypatch.setattr("api.office.FRESH_SECONDS", 0.0)
    yield shop
    shop.app.state.office.sources.close()


def test_a_link_is_the_leaders_own_and_what_it_sells_is_expected(
    linking: Shop, stage: Stage
) -> None:
    shop = linking
    source = {
        "code": "union",
        "kind": "jd_union",
        "base_url": f"{stage.url}/jd/routerjson",
        "app_key": "TESTKEY001",
        "app_secret": "TESTSECRET002",
        "site_id": "435676",
        "history": "2h",
    }
    sku = stage.act("jd", "skus")[0]
    goods = shop.market.offer(source="union", external_id=str(sku), cost=None)
    with shop.db.as_system() as session:
        session.add(Terms(offer_id=goods.offer_id, mode="affiliate", moq=1, multiple=1))
    path = f"/v1/selections/{goods.sku}/link"
    refused = shop.said("leader", path, None, 409)
    assert (refused["code"], "union" in refused["detail"]) == ("no_link", False)
    shop.said("operator", "/v1/sources", source)
    plain = shop.offer()
    unlinked = shop.said("leader", f"/v1/selections/{plain.sku}/link", None, 409)
    assert unlinked["code"] == "not_affiliate"
    link = shop.said("leader", path, None, 200)
    assert link["url"].startswith("https://u.jd.com/")
    leader = stage.act("jd", "union_links")[-1]["subUnionId"]
    stage.act("jd", "union_order", id="r1", sku=sku, num=2, leader=leader)
    here, until = shop.app.state.office, clock.now() + timedelta(seconds=20)
    commissions.drain(shop.db, shop.market.desk, "union", here.source, until)
    [seen] = shop.got("leader", "/v1/commissions")["items"]
    assert (seen["status"], seen["quantity"]) == ("expected", 2)
    stage.act("jd", "union_split", id="r1")
    commissions.drain(shop.db, shop.market.desk, "union", here.source, until)
    states = {one["status"] for one in shop.got("leader", "/v1/commissions")["items"]}
    assert states == {"expected", "reversed"}
    with shop.db.as_system() as session:
        assert commissions.due(session, ["union", "tbk"], clock.now()) == ["tbk"]
