"""A platform holds goods and asks more freight than was agreed: nothing of it is paid silently."""

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from kit import clock
from kit.ids import inside
from tests.api.platforms import ALI, JD, Trade
from tests.api.shop import SOURCE
from tests.api.test_dearer import rule
from tests.trade.market import Goods
from trade import cancelling

NAMES = {JD: "jd", ALI: "ali1688"}


def risen(trade: Trade, source: str = JD, more: int = 300) -> tuple[str, Goods]:
    """An order of two at 20.00 whose freight rises before it is placed."""
    goods = trade.goods(source, 2000, freight=None)
    agreed = 600 if source == JD else 800
    order = trade.ordered(goods, quantity=2)
    trade.stage.act(NAMES[source], "freight", fen=agreed + more)
    trade.worked(source)
    return order, goods


def there(trade: Trade, source: str = JD) -> list[Any]:
    """How the orders stand at their platform, the unpaid ones first."""
    if source == JD:
        return sorted((one["state"] for one in trade.stage.orders("jd")), reverse=True)
    return [one["payments"] for one in trade.stage.orders("ali1688")]


def cases(trade: Trade, kind: str = "charged_more") -> list[Any]:
    return list(trade.shop.got("operator", f"/v1/exceptions?kind={kind}")["items"])


def does(trade: Trade, action: str) -> None:
    (case,) = cases(trade)
    trade.shop.said("operator", f"/v1/exceptions/{case['id']}/{action}", {}, 200)


@pytest.mark.parametrize(("source", "fee", "now"), [(JD, "6.00", "9.00"), (ALI, "8.00", "11.00")])
def test_it_stays_unpaid_until_an_operator_pays_the_rest(
    trade: Trade, source: str, fee: str, now: str
) -> None:
    order, _ = risen(trade, source)
    total, unpaid = trade.seen(order)["total"], "held" if source == JD else 0
    (case,) = cases(trade)
    assert (case["money"], case["actions"]) == ("3.00", ["accept", "refuse"])
    asked, agreed = (f"{40 + Decimal(fen)} with {fen} freight" for fen in (now, fee))
    assert (
        case["detail"] == f"its source asks {asked}; agreed were {agreed}; it is held and not paid"
    )
    assert trade.told(order, "dearer") == [{"rule": "hold", "lines": [1]}]
    assert trade.decided(order)[0]["held"]["asked_freight"] == now
    _due(trade)
    trade.followed(source)
    assert (there(trade, source), len(trade.told(order, "dearer"))) == ([unpaid], 1)
    does(trade, "accept")
    trade.followed(source)
    assert (there(trade, source), cases(trade)) == (["confirmed" if source == JD else 1], [])
    assert (trade.seen(order)["total"], trade.balanced()) == (total, True)
    (row,) = trade.shop.market.purchases(inside("ord", order))
    assert row.freight_cost == int(now.replace(".", ""))


def _due(trade: Trade) -> None:
    with trade.shop.db.as_system() as session:
        session.execute(text("UPDATE purchases SET due_at = '2020-01-01Z'"))


def test_it_is_paid_by_itself_once_its_rise_is_within_what_its_leader_absorbs(
    trade: Trade,
) -> None:
    rule(trade, "absorb", "2.99")
    order, _ = risen(trade)
    before = trade.seen(order)
    assert (there(trade), before["freight"], before["total"]) == (["held"], "6.00", "50.00")
    rule(trade, "absorb", "3.00")
    _due(trade)
    trade.followed(JD)
    seen = trade.seen(order)
    assert (there(trade), seen["freight"], seen["total"]) == (["confirmed"], "9.00", "53.00")
    assert trade.told(order, "absorbed") == [{"rule": "absorb", "lines": [1], "amount": "3.00"}]
    assert cases(trade) == []
    assert trade.balanced()
    ref = trade.stage.orders("jd")[0]["our_ref"]
    trade.stage.act("jd", "cancel", order=ref)
    _due(trade)
    trade.followed(JD)
    seen = trade.seen(order)
    assert (seen["freight"], seen["total"], seen["held"]) == ("6.00", "50.00", "50.00")
    assert trade.balanced()


def test_rerouting_gives_it_back_before_another_source_is_bought_from(trade: Trade) -> None:
    rule(trade, "reroute")
    order, goods = risen(trade)
    trade.shop.market.offer(sku_id=goods.sku_id, source=SOURCE, cost="24.00")
    trade.followed(JD)
    assert there(trade) == ["cancelled"]
    assert trade.bought(order) == [(JD, "refused"), (SOURCE, "ready")]
    assert (trade.seen(order)["total"], cases(trade)) == ("50.00", [])
    assert trade.balanced()


def test_cancelling_gives_it_back_and_pays_back(trade: Trade) -> None:
    rule(trade, "cancel")
    order, _ = risen(trade)
    trade.followed(JD)
    assert (there(trade), trade.seen(order)["status"]) == (["cancelled"], "cancelled")
    assert trade.told(order, "cancelled") == [{"rule": "cancel", "lines": [1]}]
    assert trade.shop.got("leader", "/v1/wallet")["held"] == "0.00"
    assert (cases(trade), trade.balanced()) == ([], True)


def test_what_an_operator_refuses_is_given_back_and_waits_for_its_leader(trade: Trade) -> None:
    order, _ = risen(trade)
    does(trade, "refuse")
    trade.followed(JD)
    assert (there(trade), trade.bought(order)) == (["cancelled"], [(JD, "refused")])
    assert (trade.seen(order)["status"], cases(trade)) == ("held", [])
    assert trade.told(order, "held") == [{"rule": "hold", "lines": [1]}]
    trade.retried(JD)
    assert len(trade.stage.orders("jd")) == 1  # nobody has said that it is back
    with trade.shop.db.as_system() as session:
        leader = trade.shop.parties["leader"]
        cancelling.cancel(session, leader, inside("ord", order), "不等了", clock.now())
    assert (trade.seen(order)["status"], trade.balanced()) == ("cancelled", True)


def test_what_a_seller_raises_once_more_is_accepted_as_it_is_then(trade: Trade) -> None:
    order, _ = risen(trade, ALI)
    ref = trade.stage.orders("ali1688")[0]["ref"]
    trade.stage.act("ali1688", "raise", order=ref, fen=100)
    _due(trade)
    trade.followed(ALI)
    assert [one["money"] for one in cases(trade)] == ["4.00"]
    does(trade, "accept")
    trade.followed(ALI)
    assert (there(trade, ALI), cases(trade), trade.balanced()) == ([1], [], True)
    assert trade.bought(order) == [(ALI, "accepted")]


def test_what_our_account_does_not_cover_once_it_is_accepted_waits_for_money_first(
    trade: Trade,
) -> None:
    _, goods = risen(trade)
    does(trade, "accept")
    trade.stage.act("jd", "purse", fen=0)
    trade.followed(JD)
    (case,) = cases(trade, "balance_short")
    newer = trade.ordered(goods)
    trade.worked(JD)
    assert (there(trade), trade.seen(newer)["status"]) == (["held"], "pending")
    trade.stage.act("jd", "purse", fen=1_000_000)
    trade.shop.said("operator", f"/v1/exceptions/{case['id']}/retry", {}, 200)
    trade.followed(JD)
    trade.worked(JD)
    assert (there(trade), cases(trade, "balance_short")) == (["confirmed", "confirmed"], [])


@pytest.fixture
def direct(trade: Trade, monkeypatch: pytest.MonkeyPatch) -> Trade:
    """JD is paid as soon as an order is placed there."""
    source = trade.shop.app.state.office.source(JD)
    monkeypatch.setattr(source, "settings", source.settings.model_copy(update={"submit": "direct"}))
    return trade


def test_what_is_paid_at_once_is_not_placed_before_its_freight_is_back(direct: Trade) -> None:
    order, _ = risen(direct)
    assert (there(direct), direct.bought(order)) == ([], [(JD, "refused")])
    assert direct.told(order, "held") == [{"rule": "hold", "lines": [1]}]
    direct.retried(JD)
    assert (there(direct), len(direct.told(order, "held"))) == ([], 1)
    direct.stage.act("jd", "freight", fen=600)
    _asked_anew(direct)
    direct.retried(JD)
    assert (there(direct), direct.seen(order)["total"]) == (["confirmed"], "50.00")
    assert direct.bought(order) == [(JD, "refused"), (JD, "accepted")]
    assert direct.balanced()


def _asked_anew(trade: Trade) -> None:
    """What the platform said is as old as answers get."""
    with trade.shop.db.as_system() as session:
        session.execute(text("DELETE FROM live_answers"))


def test_what_is_paid_at_once_is_bought_with_the_freight_that_its_leader_absorbs(
    direct: Trade,
) -> None:
    rule(direct, "absorb", "3.00")
    order, _ = risen(direct)
    seen = direct.seen(order)
    assert (there(direct), seen["freight"], seen["total"]) == (["confirmed"], "9.00", "53.00")
    assert direct.told(order, "absorbed") == [{"rule": "absorb", "lines": [1], "amount": "3.00"}]
    assert direct.decided(order)[0]["outcome"] == "bought"
    ref = direct.stage.orders("jd")[0]["our_ref"]
    direct.stage.act("jd", "cancel", order=ref)
    _due(direct)
    direct.followed(JD)
    assert (direct.seen(order)["freight"], direct.seen(order)["total"]) == ("6.00", "50.00")
    assert direct.balanced()
