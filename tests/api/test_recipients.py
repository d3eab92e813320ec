"""Who opens a recipient over HTTP, and that no answer which is kept shows what is kept nowhere."""

from sqlalchemy import text

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
    assert shop.ask("operator", "DELETE", f"{own}/legal-hold").json()["hold"] is None
    noted = shop.got("operator", f"/v1/audit?subject={own.rpartition('/')[2]}")["items"]
    actions = ["recipients.release", "recipients.hold", "recipient.unseal"]
    assert [one["action"] for one in noted] == actions
    assert noted[-1]["detail"] == purpose


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
