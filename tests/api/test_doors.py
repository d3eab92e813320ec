"""Searches take a token for what it was a moment ago, and never answer by what it no longer is."""

from collections.abc import Callable

import pytest
from sqlalchemy import text

from kit import clock
from kit.ids import outside
from tests.api.shop import Shop
from trade import tokens

FOUND, NOTHING = "/v1/products?q=茉莉花茶", "/v1/products?q=没有的东西"


@pytest.fixture
def searching(shop: Shop) -> Shop:
    """A leader whose token is known from a search before."""
    shop.offer()
    shop.index()
    assert shop.got("leader", FOUND)["items"]
    return shop


def _revoke(shop: Shop) -> None:
    party = outside("pty", shop.parties["leader"])
    for one in shop.got("operator", f"/v1/parties/{party}/tokens")["items"]:
        shop.ask("operator", "DELETE", f"/v1/parties/{party}/tokens/{one['id']}")


def _expire(shop: Shop) -> None:
    with shop.db.as_system() as session:
        session.execute(text("UPDATE tokens SET expires_at = :now"), {"now": clock.now()})


@pytest.mark.parametrize("path", [FOUND, NOTHING, f"{FOUND}&cursor=strange"])
@pytest.mark.parametrize("end", [_revoke, _expire])
def test_a_token_that_ended_since_finds_nothing_more(
    searching: Shop, path: str, end: Callable[[Shop], None]
) -> None:
    end(searching)
    answer = searching.ask("leader", "GET", path)
    assert (answer.status_code, answer.json()["code"]) == (401, "unknown_token")


def test_what_a_known_token_may_is_what_it_may_now(searching: Shop) -> None:
    with searching.db.as_system() as session:
        narrow = tokens.issue(session, searching.parties["leader"], scopes=["catalog:read"])
    searching.tokens["narrow"] = narrow.text
    assert searching.got("narrow", FOUND)["items"]
    with searching.db.as_system() as session:
        session.execute(
            text("UPDATE tokens SET scopes = '{wallet:read}' WHERE id = :id"), {"id": narrow.id}
        )
    assert searching.got("narrow", FOUND, 403)["code"] == "not_allowed"


def test_a_party_that_rises_a_level_sees_its_new_prices_in_the_next_search(searching: Shop) -> None:
    rules = {"version": 0, "rules": [{"markup_percent": "30", "level": "金牌"}]}
    searching.ask("operator", "PUT", "/v1/pricing-rules", json=rules)
    searching.app.state.office._fresh_until = 0.0
    party = outside("pty", searching.parties["leader"])
    (before,) = searching.got("leader", FOUND)["items"]
    searching.ask("operator", "PATCH", f"/v1/parties/{party}", json={"level": "金牌"})
    (after,) = searching.got("leader", FOUND)["items"]
    assert (before["price_from"], after["price_from"]) == ("8.5555", "10.111")
