"""New offers meet the catalogue in the run that brings them, or behind it."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import text

from catalog.matching import brands, queue, settling
from kit.db import Database
from tests.sync.test_importer import WHEN, count, row
from tests.sync.test_importer import load as imported

BEANS = {"brand": "晨雾", "title": "晨雾咖啡豆意式拼配深度烘焙454g"}
SAME = {"title": "晨雾MISTY 意式 深烘咖啡豆 454克", "brand": None}
OTHER_ROAST = {"title": "晨雾MISTY 意式 中烘咖啡豆 454克", "brand": None}
UNSURE = {"brand": "晨雾", "title": "晨雾咖啡豆意式拼配深度烘焙日晒454g"}


def load(database: Database, *rows: dict[str, Any], source: str) -> None:
    """Import, then match until nothing waits."""
    imported(database, *rows, source=source)
    settle(database)


def settle(database: Database) -> None:
    while True:
        with database.as_system() as session:
            settling.settle(session)
            if not settling.waiting(session):
                return


def offer(sku: str, price: str = "68", **more: Any) -> dict[str, Any]:
    return row(sku, price, **more)


def test_an_offer_joins_the_product_that_another_source_has(database: Database) -> None:
    load(database, offer("a", **BEANS), source="one")
    load(database, offer("b", "70", **SAME), source="two")
    assert count(database, "SELECT count(DISTINCT sku_id) FROM offers") == 1
    with database.as_system() as session:
        claims, _ = queue.page(session, "joined")
    assert [claim.external_id for claim in claims] == ["b"]
    assert {"brand_same", "content_same"} <= {one["code"] for one in claims[0].evidence}


def test_same_gtin_joins_only_the_same_pack(database: Database) -> None:
    gtin = "06901234567892"
    load(database, row("a", gtin=gtin), source="one")
    load(database, row("b", gtin=gtin), row("c"), source="two")
    load(database, row("d", gtin=gtin, pack=12), source="three")
    assert count(database, "SELECT count(DISTINCT sku_id) FROM offers") == 3


def test_a_run_matches_what_it_brings_before_it_is_done(database: Database) -> None:
    imported(database, offer("a", **BEANS), source="one")
    imported(database, offer("b", "70", **SAME), source="two")
    assert count(database, "SELECT count(DISTINCT sku_id) FROM offers") == 1
    assert count(database, "SELECT count(*) FROM match_queue") == 0


def test_sellers_of_one_source_meet_in_one_run(database: Database) -> None:
    there = [offer("a", seller="东", **BEANS), offer("b", "70", seller="西", **SAME)]
    imported(database, *there, offer("c", "66", seller="南", **BEANS), source="one")
    assert count(database, "SELECT count(DISTINCT sku_id) FROM offers") == 1


def test_runs_at_once_match_in_turn(database: Database) -> None:
    with ThreadPoolExecutor(2) as pool:
        running = [
            pool.submit(imported, database, offer("a", **BEANS), source=source)
            for source in ("one", "two")
        ]
        for run in running:
            run.result()
    assert count(database, "SELECT count(DISTINCT sku_id) FROM offers") == 1
    assert count(database, "SELECT count(*) FROM matches WHERE state = 'joined'") == 1


def test_a_run_that_was_killed_while_it_matched_goes_on_with_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported(database, offer("a", **BEANS), source="one")
    with monkeypatch.context() as dying:
        dying.setattr(settling, "settle_run", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            imported(database, offer("b", "70", **SAME), source="two")
    assert count(database, "SELECT count(*) FROM runs WHERE state = 'applying'") == 1
    imported(database, offer("b", "70", **SAME), source="two")
    assert count(database, "SELECT count(*) FROM match_queue") == 0
    assert count(database, "SELECT count(DISTINCT sku_id) FROM offers") == 1
    assert count(database, "SELECT count(*) FROM runs WHERE state <> 'done'") == 0


def test_a_first_load_is_in_the_catalogue_before_its_goods_are_matched(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settling, "IN_RUN", 0)
    load(database, offer("a", **BEANS), source="one")
    imported(database, offer("b", "70", **SAME), source="two")
    assert count(database, "SELECT count(*) FROM changes WHERE kind = 'listed'") == 2
    assert count(database, "SELECT count(*) FROM match_queue") == 1
    with ThreadPoolExecutor(2) as pool:  # two processes at once do it once
        list(pool.map(lambda _: settle(database), range(2)))
    assert count(database, "SELECT count(DISTINCT sku_id) FROM offers") == 1
    kinds = "SELECT count(*) FROM changes WHERE kind IN ('gone', 'rule')"
    assert count(database, kinds) == 2
    assert count(database, "SELECT count(*) FROM sku_redirects") == 1


def test_near_twins_and_packs_stay_apart(database: Database) -> None:
    load(database, offer("a", **BEANS), source="one")
    load(
        database,
        offer("b", "70", **OTHER_ROAST),
        offer("c", "138", brand="晨雾", title="晨雾咖啡豆意式拼配深度烘焙454g*2袋"),
        offer("d", "69", brand="晨雾", title="晨雾咖啡豆意式拼配深度烘焙454g", pack=6),
        source="two",
    )
    assert count(database, "SELECT count(DISTINCT sku_id) FROM offers") == 4


def test_a_source_never_joins_two_of_its_own_codes(database: Database) -> None:
    load(database, offer("a", **BEANS), source="one")
    load(database, offer("b", **BEANS), offer("c", **BEANS), source="two")
    assert count(database, "SELECT count(DISTINCT sku_id) FROM offers") == 3
    load(database, offer("a", **BEANS), offer("a2", **BEANS), source="one")
    assert count(database, "SELECT count(DISTINCT sku_id) FROM offers") == 4
    with database.as_system() as session:
        claims, _ = queue.page(session)
    assert {claim.external_id for claim in claims} >= {"b", "c"}


def test_what_is_likely_waits_with_its_evidence(database: Database) -> None:
    load(database, offer("a", **BEANS), source="one")
    load(database, offer("b", **UNSURE), source="two")
    assert count(database, "SELECT count(DISTINCT sku_id) FROM offers") == 2
    with database.as_system() as session:
        claims, more = queue.page(session)
    assert more is None
    assert [(c.external_id, c.kind, c.state) for c in claims] == [("b", "match", "review")]
    assert "words_differ" in {one["code"] for one in claims[0].evidence}


def test_an_accepted_claim_joins_and_keeps_everything(database: Database) -> None:
    load(database, offer("a", **BEANS), source="one")
    load(database, offer("b", **UNSURE), source="two")
    with database.as_system() as session:
        (claim,), _ = queue.page(session)
        done = queue.accept(session, claim.id, "operator", WHEN)
        again = queue.accept(session, claim.id, "operator", WHEN)
    assert done.state == again.state == "accepted"
    assert count(database, "SELECT count(DISTINCT sku_id) FROM offers") == 1
    assert count(database, "SELECT count(*) FROM price_points") == 2


def test_a_rejected_claim_does_not_come_back(database: Database) -> None:
    load(database, offer("a", **BEANS), source="one")
    load(database, offer("b", **UNSURE), source="two")
    with database.as_system() as session:
        (claim,), _ = queue.page(session)
        queue.reject(session, claim.id, "operator", WHEN)
    load(database, offer("b", "66", **UNSURE), source="two")
    assert count(database, "SELECT count(*) FROM matches WHERE state = 'review'") == 0
    assert count(database, "SELECT count(DISTINCT sku_id) FROM offers") == 2


def test_an_id_that_now_names_another_thing_raises_an_alarm(database: Database) -> None:
    load(database, offer("a", **BEANS), source="one")
    load(database, offer("a", title="晨雾手冲壶不锈钢600ml", brand="晨雾"), source="one")
    with database.as_system() as session:
        (claim,), _ = queue.page(session)
        assert (claim.kind, claim.own_sku_id) == ("drift", claim.sku_id)


def test_rewording_raises_no_alarm(database: Database) -> None:
    load(database, offer("a", **BEANS), source="one")
    load(database, offer("a", **SAME), source="one")
    assert count(database, "SELECT count(*) FROM matches") == 0


def test_a_number_on_a_whole_range_identifies_nothing(database: Database) -> None:
    gtin = "06901234567892"
    kinds = ("雪域", "川泽", "云岭", "松涧")
    for n, kind in enumerate(kinds):
        title = f"晨雾竹盐牙膏{kind}款120g"
        load(database, offer("a", brand="晨雾", title=title, gtin=gtin), source=f"s{n}")
    assert count(database, "SELECT count(DISTINCT sku_id) FROM offers") == len(kinds)


def test_an_operators_alias_outlives_what_sources_say(database: Database) -> None:
    with database.as_system() as session:
        brands.learn(session, [("晨雾", ""), ("MISTY", "")])
        brands.call(session, "Misty", "晨雾")
        brands.learn(session, [("MISTY", ""), ("星尘（STARDUST）", "")])
    with database.as_nobody() as session:
        names = brands.known(session).names
        shown = [(one.name, one.by) for one in brands.page(session)]
    assert names["misty"] == "晨雾"
    assert names["stardust"] == "星尘"
    assert shown == [
        ("misty", "operator"),
        ("stardust", "source"),
        ("星尘", "source"),
        ("晨雾", "source"),
    ]


def test_batches_that_learn_one_brand_do_not_wait_for_one_another(database: Database) -> None:
    with database.as_system() as one, database.as_system() as other:
        other.execute(text("SET LOCAL lock_timeout = '2s'"))
        brands.learn(one, [("晨雾", "")])
        brands.learn(other, [("晨雾", "")])
    with database.as_nobody() as session:
        assert [one.name for one in brands.page(session)] == ["晨雾"]
