"""Pulling a source: pages, watermarks, watch lists, leases, pauses."""

import threading
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from connectors.errors import NotAuthorised, SupplierError, TryLater
from connectors.model import Watched
from connectors.settings import SourceSettings
from kit import clock
from kit.db import Database
from kit.errors import Problem
from sync import importer, lease, pull, states, watching
from sync.due import due
from sync.lease import Fenced, held
from tests.sync.shops import Follower, Quoter, Shop, Teller, catalogue, count, expire_leases, shelf


def test_a_reading_goes_on_behind_its_last_page(database: Database) -> None:
    shop = Shop(shelf(10), breaks_at=6)
    with pytest.raises(SupplierError):
        pull.run(database, shop)
    assert count(database, "SELECT state FROM runs") == "reading"
    assert count(database, "SELECT count(*) FROM offers") == 0, "half a listing is not judged"
    shop.breaks_at = None
    with database.as_system() as session:
        states.unpause(session, "shop")
    pull.run(database, shop)
    assert shop.asked[1] == (None, {"next": 6})
    assert count(database, "SELECT count(*) FROM offers") == 10


def test_what_changed_is_asked_for_since_the_watermark(database: Database) -> None:
    shop = Shop({name: row | {"changed": 1} for name, row in shelf(10).items()})
    pull.run(database, shop)
    shop.goods["s3"] |= {"changed": 2, "dropship_price": Decimal("8.5")}
    del shop.goods["s9"]
    done = pull.run(database, shop)
    assert done is not None
    assert (done.kind, done.changed, done.gone) == ("incremental", 1, 0), "absence means nothing"
    assert shop.asked[-1][0] == {"changed": 1}
    pull.run(database, shop)
    assert shop.asked[-1][0] == {"changed": 2}
    full = pull.run(database, shop, full=True)
    assert full is not None
    assert (full.kind, full.gone) == ("full", 1)


def test_a_follower_is_asked_for_its_watch_list_and_absence_means_nothing(
    database: Database,
) -> None:
    shop = Follower(shelf(10))
    with pytest.raises(Problem, match="lists nothing by itself"):
        pull.run(database, shop)
    with database.as_system() as session:
        assert watching.watch(session, "shop", [Watched("id", f"s{n}") for n in range(4)]) == 4
        assert watching.watch(session, "shop", [Watched("id", "s0", 9)]) == 0
    pull.run(database, shop)
    assert count(database, "SELECT count(*) FROM offers") == 4
    with database.as_system() as session:
        watching.unwatch(session, "shop", [Watched("id", "s0")])
    pull.run(database, shop)
    assert count(database, "SELECT count(*) FROM offers WHERE state = 'live'") == 4


def test_two_readers_of_one_source_at_once(database: Database) -> None:
    reading, on = threading.Event(), threading.Event()

    def wait() -> None:
        reading.set()
        assert on.wait(20)

    first = threading.Thread(target=pull.run, args=(database, Shop(shelf(3), spark=wait)))
    first.start()
    assert reading.wait(20)
    with pytest.raises(Problem) as refused:
        pull.run(database, Shop(shelf(3)))
    assert refused.value.code == "run_alive"
    on.set()
    first.join()
    assert count(database, "SELECT count(*) FROM runs") == 1


def test_a_zombie_writes_nothing_after_another_took_over(database: Database) -> None:
    """It stops while it reads its second page; its lease runs out; another reads it all."""

    class Zombie(Shop):
        pages = 0

    zombie = Zombie(shelf(6))
    zombie.goods["s5"]["dropship_price"] = Decimal(1)

    def overtaken() -> None:
        Zombie.pages += 1
        if Zombie.pages == 2:
            expire_leases(database)
            pull.run(database, Shop(shelf(6)))

    zombie.spark = overtaken
    with pytest.raises(Fenced):
        pull.run(database, zombie)
    assert count(database, "SELECT count(*) FROM prices WHERE price = 9") == 6
    assert count(database, "SELECT max(version) FROM offers") == 1


def test_a_zombies_batch_is_fenced(database: Database) -> None:
    told = 0

    def stop_and_be_overtaken(run_id: int) -> None:
        nonlocal told
        told += 1
        if count(database, "SELECT state FROM runs WHERE id = :id", id=run_id) == "judged":
            expire_leases(database)
            with held(database, "shop"):
                pass

    with pytest.raises(Fenced):
        pull.run(database, Shop(shelf(6)), told=stop_and_be_overtaken)
    assert count(database, "SELECT count(*) FROM offers") == 0
    assert told == 4


def test_a_pause_lasts_until_a_person_lifts_it(database: Database) -> None:
    def refuse() -> None:
        raise NotAuthorised("19", "the token was refused")

    shop = Shop(shelf(3), spark=refuse)
    with pytest.raises(NotAuthorised):
        pull.run(database, shop)
    with pytest.raises(Problem, match="the token was refused"):
        pull.run(database, Shop(shelf(3)))
    with database.as_system() as session:
        assert due(session, clock.now(), [shop]) == []
        states.unpause(session, "shop")
    pull.run(database, Shop(shelf(3)))


def test_a_source_that_says_wait_is_not_asked_before(database: Database) -> None:
    def ban() -> None:
        raise TryLater("7", "banned", wait=30)

    with pytest.raises(TryLater):
        pull.run(database, Shop(shelf(3), spark=ban))
    with pytest.raises(Problem) as refused:
        pull.run(database, Shop(shelf(3)))
    assert refused.value.code == "source_waits"
    assert 25 <= (refused.value.retry_after or 0) <= 30
    with database.as_system() as session:
        assert due(session, clock.now(), [Shop(shelf(3))]) == []
        later = due(session, clock.now() + timedelta(seconds=31), [Shop(shelf(3))])
    assert [one.stream for one in later] == ["listing"]


def test_what_is_due(database: Database) -> None:
    now = clock.now()
    settings = SourceSettings(kind="shop", every="2h", silence="1h")
    shop = Teller(shelf(3), settings=settings)
    with database.as_system() as session:
        assert [one.stream for one in due(session, now, [shop])] == ["listing", "messages"]
        states.begun(session, "shop", listed_at=now, asked_at=now)
        assert due(session, now, [shop]) == []
        soon = due(session, now + timedelta(minutes=1), [shop])
        assert [one.stream for one in soon] == ["messages"]
        silent = due(session, now + timedelta(minutes=61), [shop])
        assert "listing" in [one.stream for one in silent], "messages that stop are a gap"
        states.begun(session, "shop", message_at=now + timedelta(minutes=30))
        heard = due(session, now + timedelta(minutes=61), [shop])
        assert [one.stream for one in heard] == ["messages"]


def test_an_item_read_later_than_the_listing_stays(database: Database) -> None:
    """A message is read again while a listing of older figures is still on its way."""
    shop = Teller(shelf(6))
    shop.goods["s5"]["dropship_price"] = Decimal(9)
    newer = Teller(shelf(6), read_batch=1)
    newer.goods["s0"]["dropship_price"] = Decimal(8)

    class Late(Teller):
        told = False

    late = Late(shelf(6))

    def meanwhile() -> None:
        if not Late.told:
            Late.told = True
            from connectors.model import Message

            newer.waiting = [Message("m", "item", ("s0",))]
            pull.run(database, newer, "messages")

    pull.run(database, late)
    late.spark = meanwhile
    pull.run(database, late, full=True)
    assert count(database, "SELECT price FROM prices ORDER BY price LIMIT 1") == 8


def test_a_listing_silent_on_prices_takes_none_away(database: Database) -> None:
    silent: dict[str, Any] = {"dropship_price": None, "stock_state": None, "stock_quantity": None}
    shop = Quoter(shelf(4, **silent), prices_now={"s0": "5"}, stock_now={("s0", ""): 3})
    pull.run(database, shop)
    assert count(database, "SELECT count(*) FROM terms") == 4
    pull.run(database, shop, "prices")
    pull.run(database, shop, "stock")
    shop.goods["s0"]["title"] = "茶 改"
    pull.run(database, shop, full=True)
    assert catalogue(database, "prices")["prices"] == [
        "('s0', 'dropship', Decimal('5.0000'), None)"
    ]
    assert count(database, "SELECT quantity FROM stocks") == 3
    assert count(database, "SELECT count(*) FROM changes WHERE kind = 'product'") == 1


def test_memory_does_not_grow_with_rows(database: Database) -> None:
    """Ten times the rows in pages of the same size: no more pages in memory at any time."""
    alive: list[int] = []

    def pages(number: int) -> Any:
        from connectors.model import Listing, page

        def made() -> Any:
            for at in range(number):
                alive.append(len(staged))
                rows = page([shelf(1)["s0"] | {"external_id": f"{at}-{n}"} for n in range(50)])
                staged.add(id(rows.rows))
                weakref.finalize(rows, staged.discard, id(rows.rows))
                yield rows

        return Listing(clock.now(), complete=True, notes={}, pages=made())

    import weakref

    staged: set[int] = set()
    for number in (3, 30):
        alive.clear()
        importer.run_listing(database, f"f{number}", pages(number), guard=importer.GuardLimits())
        assert max(alive) <= 2


def test_a_lease_that_was_given_back_is_free(database: Database) -> None:
    with held(database, "shop") as first:
        pass
    with held(database, "shop") as second:
        assert second.fence == first.fence + 1
    with database.as_system() as session:
        with pytest.raises(Fenced):
            first.confirm(session)
        session.execute(text("SELECT 1"))
    assert lease.SECONDS > 60


def test_a_zombies_batches_side_by_side_are_fenced(database: Database, monkeypatch: Any) -> None:
    monkeypatch.setattr("sync.batches.MOST_ROWS", 2)
    many = 61  # so many batches are never through before the first of them is told of
    goods = {name: row | {"listing": None} for name, row in shelf(many).items()}
    applied = 0

    def overtaken(run_id: int) -> None:
        nonlocal applied
        if count(database, "SELECT state FROM runs WHERE id = :id", id=run_id) == "applying":
            applied += 1
            if applied == 1:
                with database.as_system() as session:
                    session.execute(text("UPDATE source_leases SET fence = fence + 1"))

    with pytest.raises(Fenced):
        pull.run(database, Shop(goods), told=overtaken)
    mark = count(database, "SELECT mark FROM runs")
    assert 2 <= mark < many
    assert count(database, "SELECT count(*) FROM offers") == mark, "whole batches, in their order"
    monkeypatch.undo()
    expire_leases(database)
    pull.run(database, Shop(goods))
    assert count(database, "SELECT count(*) FROM offers") == many
    assert count(database, "SELECT count(*) FROM changes") == many
