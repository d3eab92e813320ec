"""1688 and a supplier's site through the pull engine into the catalogue."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from connectors.errors import SupplierError
from connectors.registry import open_source
from connectors.surroundings import Surroundings
from connectors.tokens import Tokens
from kit.crypto import Keyring, new_key
from kit.db import Database
from sync import pull
from tests.ali_stage import ENVIRONMENT, NAME, close_all, offers, opened
from tests.stage import Stage


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    yield
    close_all()


def held(database: Database, source: str) -> dict[str, str]:
    """The state of every offer of a source."""
    with database.as_system() as session:
        found = session.execute(
            text("SELECT external_id, state FROM offers WHERE source = :s"), {"s": source}
        )
        return {row.external_id: row.state for row in found}


def test_what_is_followed_at_1688_comes_into_the_catalogue(
    stage: Stage, database: Database
) -> None:
    followed = offers(stage, 25)
    source = opened(stage, items=[str(one["offer"]) for one in followed])
    report = pull.run(database, source)
    assert report is not None
    names = {sku["external_id"] for one in followed for sku in one["skus"]}
    assert held(database, "ali") == dict.fromkeys(names, "live")
    stage.act(NAME, "offer", offer=followed[0]["offer"], status="gone")
    stage.act(NAME, "offer", offer=followed[1]["offer"], status="expired")
    pull.run(database, source, "messages")
    states = held(database, "ali")
    assert {states[sku["external_id"]] for sku in followed[0]["skus"]} == {"gone"}
    assert {states[sku["external_id"]] for sku in followed[1]["skus"]} == {"off"}
    assert stage.act(NAME, "waiting") == 0


def test_a_site_that_lost_its_goods_clears_nothing(stage: Stage, database: Database) -> None:
    stage.reset(seed="huopan", size=12)
    config: dict[str, Any] = {
        "kind": "site",
        "start_urls": [f"{stage.url}/shop/c/1"],
        "allow_http": True,
        "allow_private_hosts": True,
        "delay": 0,
        "cache": False,
    }
    around = Surroundings(tokens=Tokens(database, Keyring.from_text(new_key(), [])))
    pull.run(database, open_source("outlet", config, around))
    before = held(database, "outlet")
    assert set(before.values()) == {"live"}
    stage.act("shop", "layout", bare=True)
    with pytest.raises(SupplierError):
        pull.run(database, open_source("outlet", config, around))
    assert held(database, "outlet") == before
