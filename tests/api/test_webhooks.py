"""Webhooks and the feed of events over HTTP."""

from sqlalchemy import text

from kit.ids import outside
from tests.api.shop import SELLER, SOURCE, Shop
from trade import events

URL = "https://example.com/huopan"
PICK = {"markup_percent": "10"}


def test_a_secret_is_shown_once_and_again_only_when_it_changes(shop: Shop) -> None:
    made = shop.said("leader", "/v1/webhooks", {"url": URL, "events": ["order.*"]})
    assert made["secret"].startswith("whsec_")
    (listed,) = shop.got("leader", "/v1/webhooks")["items"]
    assert "secret" not in listed
    assert (listed["id"], listed["status"], listed["waiting"]) == (made["id"], "active", 0)
    other = shop.said("leader", f"/v1/webhooks/{made['id']}/secret", status=200)
    assert other["secret"] != made["secret"]


def test_the_audit_says_where_to_and_not_with_which_token(shop: Shop) -> None:
    made = shop.said("leader", "/v1/webhooks", _asked(url=f"{URL}?token=s3cret"))
    assert made["url"] == f"{URL}?token=s3cret"
    (noted,) = shop.got("operator", f"/v1/audit?subject={made['id']}")["items"]
    assert noted["detail"] == {"url": URL}


def test_an_endpoint_is_its_own_partys_only(shop: Shop) -> None:
    path = f"/v1/webhooks/{shop.said('leader', '/v1/webhooks', _asked())['id']}"
    for who in ("other", "operator", "brand"):
        shop.got(who, path, 404)
        assert shop.ask(who, "DELETE", path).status_code == 404
        shop.said(who, f"{path}/secret", status=404)
        shop.said(who, f"{path}/resume", status=404)
        shop.said(who, f"{path}/replay", {"after": "0"}, status=404)
    assert shop.got("other", "/v1/webhooks")["items"] == []
    assert shop.ask("leader", "DELETE", path).status_code == 204
    shop.got("leader", path, 404)


def test_an_address_that_no_message_may_go_to_is_malformed(shop: Shop) -> None:
    for url in ("http://example.com/", "https://127.0.0.1/", "https://u:p@example.com/"):
        told = shop.said("leader", "/v1/webhooks", _asked(url=url), status=422)
        assert told["errors"][0]["field"] == "url"


def test_events_of_other_roles_are_not_offered(shop: Shop) -> None:
    shop.said("leader", "/v1/webhooks", _asked(events=["purchase.*"]), status=422)
    shop.said("brand", "/v1/webhooks", _asked(events=["order.*"]), status=422)
    shop.said("leader", "/v1/webhooks", _asked(events=["order.nonsense"]), status=422)
    shop.said("operator", "/v1/webhooks", _asked(events=["purchase.*", "order.*"]))


def test_the_feed_tells_each_party_its_own(shop: Shop) -> None:
    goods = shop.offer()
    order = shop.shipped(goods)
    with shop.db.as_system() as session:
        events.number(session)
    leaders = shop.got("leader", "/v1/events")
    kinds = [one["type"] for one in leaders["items"]]
    assert kinds == ["order.placed", "parcel.shipped", "order.shipped"]
    assert leaders["items"][0]["data"]["id"] == order["id"]
    told = str(leaders)
    assert SOURCE not in told
    assert SELLER not in told
    assert "pur_" not in told
    brands = [one["type"] for one in shop.got("brand", "/v1/events")["items"]]
    assert brands == ["purchase.submitted", "parcel.shipped", "purchase.shipped"]
    assert shop.got("other", "/v1/events")["items"] == []
    assert shop.got("rival", "/v1/events")["items"] == []
    assert shop.got("leader", f"/v1/events?after={leaders['next']}")["items"] == []
    assert shop.got("leader", "/v1/events?after=latest")["items"] == []
    shop.got("leader", "/v1/events?after=x", 422)


def test_a_leader_hears_of_what_is_picked_and_of_its_price_only(shop: Shop) -> None:
    goods, unpicked = shop.offer(), shop.offer()
    assert shop.ask("leader", "PUT", f"/v1/selections/{goods.sku}", json=PICK).status_code == 200
    for one in (goods, unpicked):
        _changed(shop, one.offer_id, one.sku_id)
    shop.index()
    told = shop.got("leader", "/v1/events")["items"]
    assert [one["type"] for one in told] == ["product.changed", "price.changed"]
    assert told[1]["data"] == {
        "id": goods.sku,
        "change": "price",
        "was": {"price": "11.00"},
        "now": {"price": "22.00"},
    }
    assert SOURCE not in str(told)
    assert shop.got("other", "/v1/events")["items"] == []
    assert shop.got("rival", "/v1/events")["items"] == []
    own = shop.got("brand", "/v1/events")["items"]
    assert len(own) == 4
    assert own[1]["data"]["now"] == {"dropship": "20.0000"}
    assert len(shop.got("operator", "/v1/events")["items"]) == 4


def test_a_leader_hears_nothing_of_goods_that_a_brand_does_not_grant(shop: Shop) -> None:
    goods = shop.offer()
    assert shop.ask("leader", "PUT", f"/v1/selections/{goods.sku}", json=PICK).status_code == 200
    _changed(shop, goods.offer_id, goods.sku_id)
    shop.index()
    assert len(shop.got("leader", "/v1/events")["items"]) == 2
    grant = {"who": {"party": outside("pty", shop.parties["other"])}}
    answer = shop.ask("brand", "PUT", "/v1/grants/close", json=grant)
    assert answer.status_code == 200, answer.text
    shop.index()
    (closed,) = shop.got("leader", "/v1/changes")["items"]
    assert (closed["sku"], closed["affects"]) == (None, {"grant": {"goods": [{}]}})
    (told,) = shop.got("leader", "/v1/events")["items"]
    assert (told["type"], told["data"]["id"]) == ("product.changed", "rules")
    assert told["data"]["affects"] == closed["affects"]


def test_a_replay_says_before_what_it_would_tell(shop: Shop) -> None:
    hook = _replayable(shop)
    dry = shop.said("leader", hook, {"after": "0", "dry_run": True}, 200)
    types = {"order.placed": 1, "order.shipped": 1}
    assert dry["would"] == {"messages": 2, "types": types, "more": False}
    assert (dry["dry_run"], dry["waiting"]) == (True, 0)
    done = shop.said("leader", hook, {"after": "0"}, 200)
    assert (done["dry_run"], done["would"], done["cursor"]) == (False, None, "0.0")
    assert dry["cursor"] != "0.0"


def test_one_event_is_told_again(shop: Shop) -> None:
    hook = _replayable(shop)
    placed, parcel, _ = shop.got("leader", "/v1/events")["items"]
    dry = shop.said("leader", hook, {"event": placed["id"], "dry_run": True}, 200)
    assert dry["would"] == {"messages": 1, "types": {"order.placed": 1}, "more": False}
    assert dry["waiting"] == 0
    for _ in range(2):  # again changes nothing
        again = shop.said("leader", hook, {"event": placed["id"]}, 200)
        assert (again["waiting"], again["cursor"]) == (1, dry["cursor"])
    told = shop.said("leader", hook, {"event": parcel["id"]}, 422)
    assert told["errors"][0]["code"] == "not_listening"
    others = shop.got("brand", "/v1/events")["items"][0]["id"]
    for unknown in (others, "evt_mUk5Z1", "chg_mUk5Z1"):
        told = shop.said("leader", hook, {"event": unknown}, 422)
        assert (told["errors"][0]["field"], told["errors"][0]["code"]) == ("event", "unknown")
    shop.said("leader", hook, {"event": placed["id"], "after": "0"}, 422)
    shop.said("leader", hook, {}, 422)


def test_one_change_of_goods_is_told_again(shop: Shop) -> None:
    goods = shop.offer()
    assert shop.ask("leader", "PUT", f"/v1/selections/{goods.sku}", json=PICK).status_code == 200
    _changed(shop, goods.offer_id, goods.sku_id)
    shop.index()
    made = shop.said("leader", "/v1/webhooks", _asked(events=["price.changed"]))
    _, price = shop.got("leader", "/v1/events")["items"]
    again = shop.said("leader", f"/v1/webhooks/{made['id']}/replay", {"event": price["id"]}, 200)
    assert again["waiting"] == 1


def _replayable(shop: Shop) -> str:
    """A leader's endpoint that begins behind the events of one order; its address for replays."""
    shop.shipped(shop.offer())
    with shop.db.as_system() as session:
        events.number(session)
    return f"/v1/webhooks/{shop.said('leader', '/v1/webhooks', _asked())['id']}/replay"


def _changed(shop: Shop, offer_id: int, sku_id: int) -> None:
    asked = {"offer": offer_id, "sku": sku_id}
    with shop.db.as_system() as session:
        session.execute(
            text("""
                INSERT INTO changes (offer_id, version, kind, sku_id, was, now, at) VALUES
                (:offer, 1, 'listed', :sku, NULL,
                 '{"price": {"dropship": "10.0000"}, "stock": {"state": "in_stock"}}',
                 clock_timestamp()),
                (:offer, 2, 'price', :sku, '{"dropship": "10.0000"}', '{"dropship": "20.0000"}',
                 clock_timestamp())
            """),
            asked,
        )


def _asked(**fields: object) -> dict[str, object]:
    return {"url": URL, "events": ["order.*"]} | fields
