"""Listings that do too much harm: held, shown, released in whole or part, taken back."""

from decimal import Decimal
from functools import partial

import pytest
from sqlalchemy import text

from catalog import titles
from connectors.settings import SourceSettings
from kit import clock
from kit.db import Database
from kit.errors import Problem
from kit.statements import send
from sync import pull, runs, states, verdicts
from sync.guard import GuardLimits, Radius, objection
from sync.importer import finish
from sync.lease import held
from sync.runs import RunReport
from tests.sync.shops import Row, Shop, catalogue, count, shelf

LOOSE = SourceSettings(kind="shop", vanish_limit=1, zero_limit=1, move_limit=1, rename_limit=1)


def read(db: Database, goods: dict[str, Row], settings: SourceSettings | None = None) -> RunReport:
    shop = Shop(goods)
    if settings is not None:
        shop.settings = settings
    done = pull.run(db, shop, full=True)
    assert done is not None
    return done


def work(db: Database) -> None:
    """As a worker that was woken."""
    with held(db, "shop") as lease:
        finish(db, lease, pull.Reading())


def harmed() -> dict[str, Row]:
    """Of ten goods four are absent, one is sold out and one costs ten times as much."""
    goods = shelf(10)
    for name in ("s6", "s7", "s8", "s9"):
        del goods[name]
    goods["s0"] |= {"stock_state": "out", "stock_quantity": 0}
    goods["s1"]["dropship_price"] = Decimal(90)
    goods["s2"]["title"] = "茶 新"
    return goods


def test_nothing_of_a_held_listing_is_applied_and_its_harm_is_shown(database: Database) -> None:
    read(database, shelf(10))
    before = catalogue(database)
    done = read(database, harmed())
    assert done.held == "4 of 10 offers are missing from the listing"
    assert catalogue(database) == before
    with database.as_system() as session:
        diff = runs.diff(session, done.run_id, each=2)
    assert diff.radius == dict.fromkeys(("unstated", "renamed"), 0) | {
        "live": 10,
        "stated": 6,
        "vanished": 4,
        "zeroed": 1,
        "moved": 1,
    }
    assert [(row.kind, row.external_id) for row in diff.rows] == [
        ("moved", "s1"),
        ("vanished", "s6"),
        ("vanished", "s7"),
        ("zeroed", "s0"),
    ]
    moved = diff.rows[0]
    assert moved.was == {"price": {"dropship": "9.0000"}}
    assert moved.now == {"price": {"dropship": "90.0000"}}


def test_released_whole_it_is_as_if_never_held(database: Database, databases: object) -> None:
    read(database, shelf(10))
    done = read(database, harmed())
    with database.as_system() as session:
        verdicts.release(session, done.run_id)
    work(database)
    assert count(database, "SELECT count(*) FROM offers WHERE state = 'gone'") == 4
    assert count(database, "SELECT state FROM runs ORDER BY id DESC LIMIT 1") == "done"
    other = Database(databases())  # type: ignore[operator]
    read(other, shelf(10), LOOSE)
    read(other, harmed(), LOOSE)
    assert catalogue(database) == catalogue(other)
    other.close()


def test_released_in_part_the_rest_stays_as_it_was(database: Database) -> None:
    read(database, shelf(10))
    done = read(database, harmed())
    with database.as_system() as session:
        verdicts.release(session, done.run_id, without=["vanished", "moved"])
    work(database)
    live = "SELECT count(*) FROM offers WHERE state = 'live'"
    assert count(database, live) == 10
    assert count(database, "SELECT count(*) FROM prices WHERE price = 9") == 10
    assert count(database, "SELECT count(*) FROM stocks WHERE state = 'out'") == 1
    assert read(database, harmed()).held, "what was left out still differs"


def test_released_for_single_goods(database: Database) -> None:
    read(database, shelf(10))
    done = read(database, harmed())
    with database.as_system() as session:
        verdicts.release(session, done.run_id, only=["s1"])
    work(database)
    assert count(database, "SELECT count(*) FROM prices WHERE price = 90") == 1
    assert count(database, "SELECT count(*) FROM offers WHERE state = 'live'") == 10


def test_a_slip_in_an_id_releases_nothing_and_throws_nothing_away(database: Database) -> None:
    read(database, shelf(10))
    done = read(database, harmed())
    with pytest.raises(Problem, match="s99") as refused, database.as_system() as session:
        verdicts.release(session, done.run_id, only=["s1", "s99"])
    assert [(one.field, one.code) for one in refused.value.errors] == [("only.1", "not_in_run")]
    with database.as_system() as session:
        assert runs.diff(session, done.run_id).planned == 7
        verdicts.release(session, done.run_id, only=["s1"])


def test_what_waited_is_named_by_the_list_of_shops_words_as_it_is_then(database: Database) -> None:
    read(database, shelf(10))
    goods = harmed()
    goods["s0"]["title"] = "【某某优选】茶 0"
    goods["s2"]["title"] = "京东 茶 2"
    done = read(database, goods)
    with database.as_system() as session:
        titles.put(session, "某某优选", stays=False)
        titles.put(session, "京东", stays=True)
        verdicts.release(session, done.run_id)
    work(database)
    assert count(database, f"{_TITLE} WHERE o.external_id = 's0'") == "茶 0"
    assert count(database, f"{_TITLE} WHERE o.external_id = 's2'") == "京东 茶 2"


def test_what_waited_keeps_a_word_that_was_forgotten_meanwhile(database: Database) -> None:
    read(database, shelf(10))
    with database.as_system() as session:
        word = titles.put(session, "某某优选", stays=False)
        session.execute(text("UPDATE shop_words SET updated_at = now() - interval '1 day'"))
    goods = harmed()
    goods["s0"]["title"] = "某某优选 茶 0"
    done = read(database, goods)
    with database.as_system() as session:
        titles.remove(session, word.id)
        assert word not in titles.every(partial(send, session))
        verdicts.release(session, done.run_id)
    work(database)
    assert count(database, f"{_TITLE} WHERE o.external_id = 's0'") == "某某优选 茶 0"


_TITLE = """SELECT p.title FROM offers o JOIN skus k ON k.id = o.sku_id
    JOIN products p ON p.id = k.product_id"""


def test_a_discarded_run_leaves_nothing(database: Database) -> None:
    read(database, shelf(10))
    done = read(database, harmed())
    with database.as_system() as session:
        assert verdicts.rollback(session, done.run_id, clock.now()) == done.run_id
    assert count(database, "SELECT state FROM runs ORDER BY id DESC LIMIT 1") == "discarded"
    assert count(database, "SELECT count(*) FROM pg_tables WHERE schemaname = 'staging'") == 0


def test_rollback_writes_former_values_as_new_versions(database: Database) -> None:
    read(database, shelf(10))
    before = catalogue(database, "offers", "prices", "stocks", "terms", "products")
    goods = harmed() | {"s20": shelf(21)["s20"]}
    bad = read(database, goods, LOOSE)
    goods["s3"]["dropship_price"] = Decimal(7)
    read(database, goods, LOOSE)
    with database.as_system() as session:
        undo = verdicts.rollback(session, bad.run_id, clock.now())
    work(database)
    after = catalogue(database, "offers", "prices", "stocks", "terms", "products")
    newcomer = [row for row in after["offers"] if "'s20'" in row]
    assert "'gone'" in newcomer[0]
    assert count(database, "SELECT count(*) FROM offers WHERE state = 'live'") == 10
    for name in ("prices", "stocks", "terms"):
        assert [row for row in after[name] if "'s20'" not in row] == before[name]
    assert count(database, "SELECT kind FROM runs WHERE id = :id", id=undo) == "rollback"
    versions = "SELECT max(version) FROM offers WHERE external_id = 's1'"
    assert count(database, versions) == 3
    assert count(database, "SELECT title FROM offers WHERE external_id = 's2'") == "茶 2"
    assert read(database, shelf(10)).changed == 0, "the former hashes are back too"


def test_a_listing_read_anew_supersedes_the_held_one(database: Database) -> None:
    read(database, shelf(10))
    done = read(database, harmed())
    read(database, shelf(10))
    with database.as_system() as session, pytest.raises(Problem) as refused:
        verdicts.release(session, done.run_id)
    assert refused.value.code == "not_held"


def test_rows_lost_in_a_crash_of_the_database_are_not_released(database: Database) -> None:
    read(database, shelf(10))
    done = read(database, harmed())
    with database.as_system() as session:
        session.execute(text(f"TRUNCATE staging.rows_{done.run_id}"))
        with pytest.raises(Problem) as refused:
            verdicts.release(session, done.run_id)
    assert refused.value.code == "staging_lost"


def test_objection_names_every_limit_that_is_passed() -> None:
    limits = GuardLimits(vanish=0.2, zero=0.5, move=0.3, band=0.5)
    assert objection(Radius(10, 10, 2, 5, 3), limits) is None
    said = objection(Radius(10, 10, 3, 6, 4), limits)
    assert said is not None
    assert said.count(";") == 2
    assert objection(Radius(0, 0, 5, 5, 5), limits) is None


def test_a_few_goods_are_corrected_by_hand() -> None:
    assert objection(Radius(4, 4, unstated=4, renamed=4), GuardLimits()) is None
    said = objection(Radius(5, 5, unstated=5, renamed=5), GuardLimits())
    assert said == "5 of 5 offers no longer state their stock; 5 of 5 offers became other goods"


def test_most_of_a_short_listing_moved_far_is_no_chance() -> None:
    limits = GuardLimits(move=0.3)
    assert objection(Radius(1000, 40, moved=12), limits) is None
    assert objection(Radius(1000, 10, moved=10), limits) is None
    said = objection(Radius(1000, 40, moved=20), limits)
    assert said is not None
    assert said.startswith("20 of the 40 goods that are listed moved in price")


def test_a_released_run_is_applied_though_its_source_is_paused(database: Database) -> None:
    read(database, shelf(10))
    done = read(database, harmed())
    with database.as_system() as session:
        verdicts.release(session, done.run_id)
        states.pause(session, "shop", "the token ran out", clock.now())
    with pytest.raises(Problem, match="the token ran out"):
        read(database, harmed())
    assert count(database, "SELECT count(*) FROM offers WHERE state = 'gone'") == 4
    woken = "SELECT key FROM outbox ORDER BY id DESC LIMIT 1"
    assert count(database, woken) == "shop/listing"


def test_what_was_held_before_an_upgrade_is_read_again_not_released(database: Database) -> None:
    read(database, shelf(10))
    done = read(database, harmed())
    before = catalogue(database)
    with database.as_system() as session:
        rows = f"staging.rows_{done.run_id}"
        session.execute(text(f"ALTER TABLE {rows} DROP COLUMN shown"))
        session.execute(text(f"COMMENT ON TABLE {rows} IS NULL"))
    with pytest.raises(Problem) as refused, database.as_system() as session:
        verdicts.release(session, done.run_id)
    assert refused.value.code == "staging_outdated"
    with database.as_system() as session:  # as the version before had released it
        session.execute(text("UPDATE runs SET state = 'judged' WHERE state = 'held'"))
    work(database)
    assert count(database, "SELECT state FROM runs ORDER BY id DESC LIMIT 1") == "failed"
    assert catalogue(database) == before
    again = read(database, harmed())
    with database.as_system() as session:
        assert verdicts.rollback(session, again.run_id, clock.now()) == again.run_id
