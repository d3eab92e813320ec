"""Who opens a recipient over HTTP, and that no answer which is kept shows what is kept nowhere."""

from sqlalchemy import text

from kit.ids import outside
from tests.api.shop import HOME, Shop
from tests.sealing import standing


def test_a_recipient_sealed_by_age_is_opened_by_operators_for_a_purpose(shop: Shop) -> None:
    own = f"/v1/orders/{shop.order(shop.offer())['id']}"
    purpose = {"purpose": "调解 2026-7"}
    assert shop.said("leader", f"{own}/reveal", purpose, 200) == HOME
    assert shop.said("operator", f"{own}/unseal", purpose, 409)["code"] == "not_sealed"
    with shop.db.as_system() as session:
        session.execute(text("UPDATE recipients SET sealed_at = clock_timestamp()"))
    assert shop.said("leader", f"{own}/reveal", purpose, 403)["code"] == "recipient_sealed"
    assert shop.said("operator", f"{own}/unseal", {"purpose": " "}, 422)["code"] == "invalid"
    assert shop.said("operator", f"{own}/unseal", purpose, 200) == HOME
    held = shop.ask("operator", "PUT", f"{own}/legal-hold", json={"reason": "仲裁"}).json()
    assert held == {"order": own.rpartition("/")[2], "hold": "仲裁"}
    assert shop.got("operator", f"{own}/legal-hold") == held
    assert shop.ask("operator", "DELETE", f"{own}/legal-hold").json()["hold"] is None
    assert shop.got("operator", f"{own}/legal-hold")["hold"] is None
    shop.got("operator", "/v1/orders/ord_nope/legal-hold", 404)
    noted = shop.got("operator", f"/v1/audit?subject={own.rpartition('/')[2]}")["items"]
    actions = ["recipients.release", "recipients.hold", "recipient.unseal"]
    assert [one["action"] for one in noted] == actions
    assert noted[-1]["detail"] == purpose


def test_operators_read_who_opened_the_recipients_of_an_order(shop: Shop) -> None:
    goods = shop.offer()
    order, other = shop.order(goods), shop.order(goods)
    shop.submitted()
    shop.said("leader", f"/v1/orders/{other['id']}/reveal", {"purpose": "别的"}, 200)
    shop.said("leader", f"/v1/orders/{order['id']}/reveal", {"purpose": "客服回访"}, 200)
    shop.got("brand", f"/v1/purchases/{shop.got('brand', '/v1/purchases')['items'][0]['id']}")
    path = f"/v1/orders/{order['id']}/openings"
    told = shop.got("operator", path)["items"]
    leader, brand = (outside("pty", shop.parties[who]) for who in ("leader", "brand"))
    openings = [(brand, "ship"), (brand, "ship"), (leader, "客服回访"), (None, "submit")]
    assert [(one["party"], one["purpose"]) for one in told] == openings
    first = shop.got("operator", f"{path}?limit=2")
    rest = shop.got("operator", f"{path}?limit=2&cursor={first['next']}")
    assert (first["items"] + rest["items"], rest["next"]) == (told, None)
    shop.got("leader", path, 403)
    shop.got("operator", "/v1/orders/ord_nope/openings", 404)


def test_a_remembered_answer_is_sealed_and_is_given_again(shop: Shop) -> None:
    party = shop.join("new", "leader")
    asked = {"scopes": [], "expires_at": "2099-01-01T00:00:00Z"}
    first = shop.ask("operator", "POST", f"/v1/parties/{party}/tokens", json=asked, key="k-1")
    again = shop.ask("operator", "POST", f"/v1/parties/{party}/tokens", json=asked, key="k-1")
    assert (again.content, again.headers["idempotent-replayed"]) == (first.content, "true")
    with shop.db.as_system() as session:
        assert standing(session, first.json()["token"]) == set()
        session.execute(text("UPDATE idempotency_keys SET sealed = false, body = '{}'::bytea"))
    older = shop.ask("operator", "POST", f"/v1/parties/{party}/tokens", json=asked, key="k-1")
    assert older.json() == {}
