"""Products bear no platform's and no shop's name, by whatever road their offers come."""

from functools import partial
from typing import Any

import pytest
from sqlalchemy import text

from catalog import marks, titles
from catalog.matching import joining
from connectors.model import page
from kit import clock
from kit.db import Database
from kit.errors import Problem
from sync import messages, verdicts
from sync.apply import Traits
from sync.importer import finish
from sync.lease import held
from sync.pull import Reading
from tests.sync.test_importer import WHEN, count, load, row

SELLER = "杭州小二食品专营店"
LOUD = {"title": f"【京东自营】{SELLER} 启萌奶粉800g", "seller": SELLER, "brand": "启萌"}
SHOWN = "启萌奶粉800g"
TITLE = "SELECT title FROM products ORDER BY id DESC LIMIT 1"


@pytest.mark.parametrize("listing", [None, "L"])
def test_a_listing_leaves_its_shop_behind_and_offers_keep_their_titles(
    database: Database, listing: str | None
) -> None:
    load(database, row("a", **LOUD, listing=listing), row("b", title="绿茶 250g"))
    assert count(database, "SELECT title FROM products ORDER BY id LIMIT 1") == SHOWN
    assert count(database, "SELECT title FROM offers WHERE external_id = 'a'") == LOUD["title"]
    again = LOUD | {"title": f"{SELLER}启萌奶粉900g（天猫超市）"}
    load(database, row("a", **again, listing=listing), row("b", title="绿茶 250g"))
    assert count(database, "SELECT title FROM products ORDER BY id LIMIT 1") == "启萌奶粉900g"


def test_an_item_read_alone_and_a_reading_taken_back_leave_it_too(database: Database) -> None:
    with database.as_system() as session:
        run = session.execute(
            text("""INSERT INTO runs (source, kind, as_of, state, traits)
                VALUES ('tea', 'items', now(), 'done', '{}') RETURNING id""")
        ).scalar_one()
        items = page([row("a", **LOUD)])
        messages.write(session, run, "tea", items, WHEN, Traits())
    assert count(database, TITLE) == SHOWN
    done = load(database, row("a", **(LOUD | {"title": "启萌奶粉 新"})))
    assert count(database, TITLE) == "启萌奶粉 新"
    with database.as_system() as session:
        verdicts.rollback(session, done.run_id, clock.now())
    with held(database, "tea") as lease:
        finish(database, lease, Reading())
    assert count(database, TITLE) == SHOWN


def test_goods_split_from_others_bear_their_title_without_the_shop(database: Database) -> None:
    load(database, row("a", title="绿茶 250g"))
    load(database, row("b", **LOUD), source="two")
    with database.as_system() as session:
        one, two = session.scalars(text("SELECT sku_id FROM offers ORDER BY id")).all()
        offer = session.scalars(text("SELECT id FROM offers WHERE source = 'two'")).one()
        session.execute(text("UPDATE offers SET sku_id = :one WHERE sku_id = :two"), locals())
        joining.split(session, one, [offer], "operator")
    assert count(database, TITLE) == SHOWN


def _renamed(database: Database, last: dict[str, Any]) -> dict[str, Any]:
    with database.as_system() as session:
        return titles.rename(session, last)


def test_an_edited_list_names_goods_anew_and_marks_them_for_the_index(database: Database) -> None:
    load(database, row("a", title="【爆单王】绿茶 250g"), row("b", title="京东方显示器"))
    renamed = partial(_renamed, database)
    walked = renamed({})
    assert (walked["renamed"], renamed(walked)) == (0, walked)
    with database.as_system() as session:
        before = marks.highest(session)
        word = titles.put(session, "爆单王", stays=False)
    walked = renamed(walked)
    assert walked["renamed"] == 1
    assert count(database, "SELECT title FROM products ORDER BY id LIMIT 1") == "绿茶 250g"
    with database.as_system() as session:
        assert len(marks.following(session, before, 9)[0]) == 1
        titles.remove(session, word.id)
    renamed(walked)
    assert count(database, "SELECT title FROM products ORDER BY id LIMIT 1").startswith(
        "【爆单王】"
    )


def test_goods_whose_attributes_hold_an_edited_word_are_read_again_for_the_index(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(titles, "_PORTION", 2)
    load(database, *(row(f"n{n}", title=f"绿茶 {n}") for n in range(3)))
    gift = """UPDATE skus SET attributes = '{"包装": "爆单王Ｖ礼盒"}'
        WHERE id = (SELECT max(id) FROM skus)"""
    with database.as_system() as session:
        session.execute(text(gift))

    def walked(last: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        again = 0
        while (last := _renamed(database, last))["more"]:
            again += last["again"]
        return again + last["again"], last

    with database.as_system() as session:
        before = marks.highest(session)
    again, last = walked({})
    assert again == 0
    with database.as_system() as session:
        word = titles.put(session, "爆单王v", stays=False)
    last = _renamed(database, last)
    assert last["more"]
    with database.as_system() as session:  # another edit, before the first one was followed
        titles.put(session, "别的店", stays=False)
    again, last = walked(last)
    assert again == 1
    with database.as_system() as session:
        [found], before = marks.following(session, before, 9)
        held = text("SELECT product_id FROM skus WHERE attributes IS NOT NULL")
        assert found == session.scalars(held).one()
        titles.put(session, "爆单王v", stays=True)
    again, last = walked(last)
    assert again == 1
    with database.as_system() as session:
        titles.remove(session, word.id)
    again, last = walked(last)
    assert again == 1
    assert _renamed(database, last) == last


def test_a_word_is_more_than_a_character_and_known_when_it_is_forgotten(database: Database) -> None:
    with database.as_system() as session:
        with pytest.raises(Problem):
            titles.put(session, " 店", stays=False)
        one = titles.put(session, "淘宝贝", stays=True)
        assert titles.put(session, "淘宝贝", stays=False).id == one.id
        titles.remove(session, one.id)
        with pytest.raises(Problem):
            titles.remove(session, one.id)
