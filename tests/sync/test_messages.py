"""Messages are hints: twice, late and shuffled they lead to the same catalogue."""

import random
from collections.abc import Callable
from decimal import Decimal

import pytest
from sqlalchemy import text

from connectors.errors import TryLater
from connectors.model import Message
from kit.db import Database
from sync import messages, pull
from tests.sync.shops import Teller, catalogue, count, shelf


@pytest.mark.soak
def test_ten_thousand_messages_doubled_and_shuffled_end_the_same(
    databases: Callable[[], str], *, in_full: bool
) -> None:
    number = 10_000 if in_full else 600
    names = [f"s{n % 400}" for n in range(number)]
    told = [Message(f"m{n}", "item", (name,)) for n, name in enumerate(names)]
    ends = []
    for seed in (None, 1):
        db = Database(databases())
        pull.run(db, Teller(shelf(400)))
        waiting = list(told)
        if seed is not None:
            waiting = waiting + random.Random(seed).sample(waiting, number // 2)  # noqa: S311
            random.Random(seed).shuffle(waiting)  # noqa: S311 - the same order in every run
        shop = Teller(shelf(400, seed=9), waiting=waiting, at_once=200, read_batch=50)
        pull.run(db, shop, "messages")
        assert not shop.waiting
        ends.append(catalogue(db))
        db.close()
    assert ends[0] == ends[1]


def test_a_message_is_acknowledged_only_after_its_fact_is_committed(database: Database) -> None:
    pull.run(database, Teller(shelf(2)))
    shop = Teller(shelf(2, seed=1), waiting=[Message("m1", "item", ("s0",))])

    def break_off() -> None:
        if len(shop.asked) == 1:
            raise TryLater("7", "not now")

    shop.spark = break_off
    with pytest.raises(TryLater):
        pull.run(database, shop, "messages")
    assert shop.acknowledged == []
    assert count(database, "SELECT state FROM runs ORDER BY id DESC LIMIT 1") == "failed"


def test_one_item_that_cannot_be_read_keeps_no_other_waiting(database: Database) -> None:
    pull.run(database, Teller(shelf(4)))
    shop = Teller(shelf(4), read_batch=4, refuses=frozenset({"s2"}))
    for row in shop.goods.values():
        row["dropship_price"] = Decimal(8)
    shop.waiting = [Message(f"m{n}", "item", (f"s{n}",)) for n in range(4)]
    done = pull.run(database, shop, "messages")
    assert done is not None
    assert (done.changed, done.rejected) == (3, 1)
    assert count(database, "SELECT value FROM run_rejects") == "s2"
    assert len(shop.acknowledged) == 4


def test_goods_that_the_source_denies_are_gone(database: Database) -> None:
    pull.run(database, Teller(shelf(4)))
    shop = Teller({}, waiting=[Message("m", "item", ("s1",))])
    done = pull.run(database, shop, "messages")
    assert done is not None
    assert done.gone == 1
    assert count(database, "SELECT external_id FROM offers WHERE state = 'gone'") == "s1"


def test_a_listing_that_the_source_denies_takes_all_its_skus(database: Database) -> None:
    pull.run(database, Teller(shelf(4)))
    shop = Teller({}, waiting=[Message("m", "item", ("l0",))])
    pull.run(database, shop, "messages")
    assert count(database, "SELECT count(*) FROM offers WHERE state = 'gone'") == 2


def test_messages_about_orders_are_kept_for_trade(database: Database) -> None:
    shop = Teller({}, waiting=[Message("m1", "order", (), ("J100",))])
    pull.run(database, shop, "messages")
    sender = messages.sender("shop")
    assert count(database, "SELECT count(*) FROM inbox WHERE sender = :s", s=sender) == 1
    assert count(database, "SELECT key FROM outbox WHERE topic = :t", t=messages.NEWS) == "shop"
    assert shop.acknowledged == ["m1"]


def test_pushed_messages_wait_until_their_fact_is_read(database: Database) -> None:
    pull.run(database, Teller(shelf(4)))
    hint = Message("m1", "price", ("s0",))
    with database.as_system() as session:
        assert messages.heard(session, "shop", [hint, hint]) == 1
    shop = Teller(shelf(4))
    shop.goods["s0"]["dropship_price"] = Decimal(7)
    pull.run(database, shop, "messages")
    assert count(database, "SELECT min(price) FROM prices") == 7
    assert count(database, "SELECT count(*) FROM hints") == 0


def test_what_is_equal_makes_no_event(database: Database) -> None:
    pull.run(database, Teller(shelf(4)))
    before = catalogue(database)
    shop = Teller(shelf(4), waiting=[Message("m", "item", ("s0", "s1"))])
    pull.run(database, shop, "messages")
    assert catalogue(database) == before
    with database.as_system() as session:
        seen = session.execute(text("SELECT count(DISTINCT seen_at) FROM offers")).scalar_one()
    assert seen == 2, "but it was seen again"
