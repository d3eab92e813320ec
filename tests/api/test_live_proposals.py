"""What is proposed for held units rests on what platforms say now, over real HTTP."""

from datetime import timedelta
from typing import Any

from sqlalchemy import text

from catalog.models import Sku
from kit import clock
from tests.api.platforms import ALI, JD, Trade
from tests.api.shop import SOURCE
from tests.api.test_workbench import act, cases
from tests.trade.market import Goods
from trade import rerouting


def sibling(trade: Trade, goods: Goods, source: str, fen: int, **fields: Any) -> Goods:
    """Goods of another SKU of the same product, of a platform that must be asked for freight."""
    with trade.shop.db.as_system() as session:
        row = Sku(product_id=session.get_one(Sku, goods.sku_id).product_id)
        session.add(row)
        session.flush()
        sku_id = row.id
    return trade.goods(source, fen, sku_id=sku_id, freight=None, **fields)


def held(trade: Trade, goods: Goods) -> str:
    """An order whose supplier has nothing of it."""
    order = trade.ordered(goods, max_total="99.00")
    trade.shop.submitted()
    no = {"code": "out_of_stock", "message": "没货"}
    trade.shop.said("brand", f"/v1/purchases/{trade.shop.purchase()['id']}/refuse", no, 200)
    looked(trade, held=False)
    assert trade.seen(order)["status"] == "held"
    return order


def looked(trade: Trade, *, held: bool = True) -> None:
    """What waits is looked at; what is held as well, as every ten minutes."""
    platforms, until = trade.shop.app.state.office.platforms, clock.now() + timedelta(seconds=30)
    rerouting.drain(platforms.db, platforms.desk, until, held=held, platforms=platforms)


def expired(trade: Trade) -> None:
    """What platforms said is too old to count."""
    with trade.shop.db.as_system() as session:
        session.execute(text("UPDATE live_answers SET at = at - interval '1 day'"))


def test_what_platforms_have_is_proposed_as_they_sell_it_now(trade: Trade) -> None:
    goods = trade.shop.market.offer(source=SOURCE, cost="10.00")
    trade.goods(ALI, 2000, sku_id=goods.sku_id, freight=None)
    jd, gone = sibling(trade, goods, JD, 2000), sibling(trade, goods, JD, 1900, place=1)
    trade.price(JD, jd.external_id, 2100)
    trade.price(JD, gone.external_id, 1900, stock=0)
    order = held(trade, goods)
    proposal = trade.seen(order)["proposal"]
    assert proposal["new_price"] == {"total": "30.00"}
    [line] = proposal["lines"]
    told = {one["sku"]: (one["unit_price"], one["freight"]) for one in line["substitutes"]}
    assert told == {jd.sku: ("23.10", "6.00")}
    calls, story = len(trade.stage.calls("jd")), trade.seen(order)["timeline"]
    looked(trade)
    assert len(trade.stage.calls("jd")) == calls  # what was said counts for a while
    expired(trade)
    looked(trade)
    assert len(trade.stage.calls("jd")) > calls
    assert trade.seen(order)["timeline"] == story  # the same again is nothing new
    expired(trade)
    [case] = cases(trade.shop, "order_held")
    act(trade.shop, case, "extend")  # more time, and the same to choose from
    [line] = trade.seen(order)["proposal"]["lines"]
    assert [one["sku"] for one in line["substitutes"]] == [jd.sku]
    # and what a leader takes is asked about once more
    asked = {"take": "substitute", "sku": jd.sku}
    path = f"/v1/orders/{order}/proposal"
    low = trade.shop.said("leader", path, asked | {"max_total": "29.09"}, 409)
    assert low["code"] == "price_changed"
    trade.shop.said("leader", path, asked | {"max_total": "29.10"}, 200)
    trade.worked(JD)
    assert trade.bought(order)[-1] == (JD, "accepted")
    assert trade.balanced()
