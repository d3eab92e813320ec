"""Sheets through the real queues: read and placed by wake-ups, sent at cut-off by a chore."""

from datetime import timedelta
from pathlib import Path

from sqlalchemy import text

from kit import clock
from kit.db import Database
from kit.redis import connect
from tests.far_servers import mail_server
from tests.trade.market import Market
from tests.trade.order_sheets import picked, row, seen, sent, xlsx
from tests.worker.conftest import Works, make_settings
from trade.order_sheets import imports
from worker.cron import perform
from worker.workshop import Workshop


def test_a_sheet_goes_from_upload_to_the_supplier_though_redis_is_wiped(
    database: Database, database_url: str, redis_url: str, tmp_path: Path
) -> None:
    cutoff = (clock.now() - timedelta(minutes=1)).astimezone(clock.SHANGHAI)
    source = {"kind": "feed", "send_to": "mailto:a@b.example", "cutoff": f"{cutoff:%H:%M}"}
    with mail_server() as post:
        more = {"sources": {"teahouse": source}, "mail": {"smtp": post.url}}
        settings = make_settings(database_url, redis_url, tmp_path, **more)
        shop = Workshop(settings, database, connect(redis_url))
        market = Market(database, shop.desk)
        works = Works(shop, market)
        leader = market.party(money=100_000)
        picked(market, leader, "TEA")
        name = sent(market, leader, xlsx(row("A1", "TEA"), row("A2", "TEA", 2)), work=False)
        works.relay()
        shop.redis.flushdb()
        perform(shop, "sweep")  # made anew from what is due
        works.drain()
        assert seen(market, leader, name)["status"] == "ready"
        with database.as_system() as session:
            imports.confirm(session, leader, name, 3_000, "skip", clock.now())
        for _ in range(2):  # places the orders; hands their purchases to the supplier's door
            works.relay()
            works.drain()
        told = seen(market, leader, name)
        assert (told["status"], told["placed"]) == ("done", 2)
        perform(shop, "cutoff_sheets")
        works.relay()
        works.drain()
        assert len(post.mails) == 1
        shop.redis.close()
    with database.as_system() as session:
        states = session.scalars(text("SELECT state FROM purchases")).all()
    assert states == ["accepted"] * 2
