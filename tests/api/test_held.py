"""What a leader chooses about held goods, through the door."""

from datetime import timedelta

from kit import clock
from tests.api.shop import Shop
from trade import rerouting
from trade.invariants import violations


def test_a_leader_sees_what_may_be_chosen_and_agrees_to_a_new_price(shop: Shop) -> None:
    goods = shop.offer()
    shop.market.offer(sku_id=goods.sku_id, source="rival", cost="12.00", seller="对手商行")
    path = f"/v1/orders/{shop.order(goods, 2)['id']}"
    assert shop.got("leader", path)["proposal"] is None
    shop.submitted()
    refusal = {"code": "out_of_stock", "message": "没货了"}
    shop.said("brand", f"/v1/purchases/{shop.purchase()['id']}/refuse", refusal, 200)
    rerouting.drain(shop.db, shop.market.desk, clock.now() + timedelta(seconds=20))
    held = shop.got("leader", path)
    assert shop.got("leader", "/v1/orders?status=held")["items"][0]["proposal"] == held["proposal"]
    proposal = held["proposal"]
    assert (proposal["then"], proposal["refund"]["amount"]) == ("refund", held["total"])
    assert proposal["deadline"] > clock.now().isoformat()
    total = proposal["new_price"]["total"]
    assert total == "26.40"  # 12.00 and the leader's mark-up of a tenth
    for secret in ("rival", "对手", "12.00", "24.00"):
        assert secret not in str(held)
    door = f"{path}/proposal"
    assert shop.said("leader", door, {"take": "vanish"}, 422)["errors"][0]["field"] == "take"
    told = shop.said("leader", door, {"take": "new_price"}, 422)
    assert told["errors"][0]["field"] == "max_total"
    told = shop.said("leader", door, {"take": "new_price", "max_total": "26.39"}, 409)
    assert (told["code"], "26.40" in told["errors"][0]["message"]) == ("price_changed", True)
    told = shop.said("leader", door, {"take": "refund", "lines": [7]}, 409)
    assert told["errors"][0]["code"] == "not_held"
    assert shop.said("other", door, {"take": "refund"}, 404)["code"] == "not_found"
    agreed = {"take": "new_price", "max_total": total}
    for _ in range(2):
        answer = shop.said("leader", door, agreed, 200, key="once")
        assert (answer["total"], answer["held"], answer["proposal"]) == (total, total, None)
    assert shop.said("leader", door, agreed, 409)["code"] == "wrong_state"
    assert shop.got("leader", "/v1/wallet")["held"] == total
    with shop.db.as_system() as session:
        assert violations(session) == []
