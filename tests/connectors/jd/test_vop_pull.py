"""JD pulled into the catalogue: the listing, then figures and messages, ends as JD has it."""

from decimal import Decimal
from typing import Any

from sqlalchemy import text

from connectors.jd_vop.source import VopSource
from kit.db import Database
from sync import pull
from tests.connectors.jd.conftest import Open
from tests.stage import Stage


def _held(database: Database) -> dict[str, tuple[Any, ...]]:
    with database.as_system() as session:
        rows = session.execute(
            text("""SELECT o.external_id, o.state, p.price, s.state
                FROM offers o LEFT JOIN prices p ON p.offer_id = o.id AND p.mode = 'dropship'
                LEFT JOIN stocks s ON s.offer_id = o.id AND s.region = ''""")
        )
        return {row[0]: tuple(row[1:]) for row in rows}


def _agrees(stage: Stage, source: VopSource, held: dict[str, tuple[Any, ...]]) -> None:
    skus = stage.act("jd", "skus")
    assert set(held) == {str(sku) for sku in skus}
    for sku in skus[::7]:
        good = stage.act("jd", "good", sku=sku)
        state, price, stock = held[str(sku)]
        assert (state, price) == ("live", Decimal(good["price"]) / 100)
        assert stock == ("in_stock" if good["stock"] else "out")


def test_the_catalogue_ends_as_jd_has_it(stage: Stage, database: Database, opened: Open) -> None:
    stage.reset(size=30)
    source = opened(sku_batch=20, page_size=30)
    report = pull.run(database, source, "listing")
    assert report is not None
    assert report.rejected == 0
    _agrees(stage, source, _held(database))
    stage.post("drift", platform="jd", ticks=5)
    for stream in ("messages", "stock", "prices"):
        pull.run(database, source, stream, full=stream != "messages")
    _agrees(stage, source, _held(database))
    assert source.changes() == []
