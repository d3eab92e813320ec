"""TOP sources through the sync engine: what the platform shows is what the catalogue holds."""

from typing import Any

import pytest
from sqlalchemy import text

from connectors.model import Watched
from kit.db import Database
from sandbox.top.shop import ITEM_ID, SKU_ID
from sync import pull, watching
from tests.top_stage import Stage


def _rows(database: Database, query: str) -> list[Any]:
    with database.as_system() as session:
        return list(session.execute(text(query)).all())


def _stock(database: Database) -> dict[str, int]:
    found = _rows(
        database,
        "SELECT o.external_id, s.quantity FROM offers o JOIN stocks s ON s.offer_id = o.id",
    )
    return {row.external_id: row.quantity for row in found}


def _shown(top: Stage) -> dict[str, int]:
    """What the platform has of every SKU, by our names."""
    shop = top.top.shop
    return {
        str(ITEM_ID + index)
        if shop.is_plain(index)
        else f"{ITEM_ID + index}:{SKU_ID + index * 10 + place}": shop.world.stock(sku)
        for index in range(60)
        for place, sku in enumerate(shop.world.listing(index).skus)
    }


def test_a_shop_is_pulled_and_followed_by_its_messages(top: Stage, database: Database) -> None:
    shop = top.source("taobao_shop")
    done = pull.run(database, shop)
    assert done is not None
    assert (done.kind, done.rejected) == ("full", 0)
    assert _stock(database) == _shown(top)
    top.drift(3)
    assert _stock(database) != _shown(top)
    pull.run(database, shop)  # the platform notices what moved, and says so
    pull.run(database, shop, "messages")
    assert shop.changes() == []
    pull.run(database, shop, full=True)
    assert _stock(database) == _shown(top)


@pytest.mark.parametrize("kind", ["taobao_shop", "taobao_fenxiao"])
def test_a_listing_read_again_changes_nothing(top: Stage, database: Database, kind: str) -> None:
    source = top.source(kind)
    first = pull.run(database, source)
    again = pull.run(database, source, full=True)
    assert first is not None
    assert again is not None
    assert first.changed > 0
    assert (again.changed, again.gone, again.rejected) == (0, 0, 0)


def test_the_alliance_follows_its_watch_list(top: Stage, database: Database) -> None:
    account = top.source("taobao_tbk", adzone_id="110000000001")
    with database.as_system() as session:
        watching.watch(session, account.code, [Watched("query", '{"cat": "1"}', pages=1)])
    done = pull.run(database, account)
    assert done is not None
    assert done.changed == 60
    modes = _rows(database, "SELECT DISTINCT mode FROM terms")
    assert [row.mode for row in modes] == ["affiliate"]
