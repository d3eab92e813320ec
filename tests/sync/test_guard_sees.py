"""What harms a catalogue in a listing that looks well: each is measured, and held."""

from collections import Counter
from decimal import Decimal
from typing import Any

from connectors.settings import SourceSettings
from kit.db import Database
from sync import pull, runs
from tests.sync.shops import Quoter, Row, count, good
from tests.sync.test_guard import LOOSE, read

NAMES = ("明前龙井", "保温杯", "纸尿裤", "洗衣液", "电饭煲", "充电宝", "儿童书包", "羽毛球拍")
RETAIL = Decimal(13)


def goods(**more: Any) -> dict[str, Row]:
    stated = {"listing": None, "msrp": RETAIL, "pack": 24, "unit": "箱"} | more
    named = ({"title": f"{name} {at}"} | stated for at, name in enumerate(NAMES))
    return {f"s{at}": good(at, **one) for at, one in enumerate(named)}


def tiered(low: str) -> str:
    return f'[[10,"9.0"],[100,"{low}"]]'


STATED: dict[str, Any] = {"stock_state": "out", "stock_quantity": 0}
SILENT: dict[str, Any] = {"stock_state": None, "stock_quantity": None}
BULK = {"bulk_price": Decimal(9), "moq": 1}


HARM: list[tuple[Row, Row, str]] = [
    ({}, {"dropship_price": RETAIL, "msrp": Decimal(9)}, "moved"),  # columns changed places
    (BULK | {"tiers": tiered("8.0")}, BULK | {"tiers": tiered("0.8")}, "moved"),
    ({}, SILENT, "unstated"),  # a column that is called otherwise now
    (STATED, SILENT, "unstated"),  # what was sold out would be sold without end
    (SILENT, STATED, "zeroed"),
    ({}, {"pack": 1, "unit": "瓶"}, "renamed"),
    ({}, {"title": "手机壳"}, "renamed"),
    ({}, {"title": f"{NAMES[7]} 7 新包装", "dropship_price": Decimal("9.5")}, ""),
]


def test_each_harm_is_seen_for_what_it_is(database: Database) -> None:
    before, after = goods(), goods()
    for name, (was, now, _) in zip(before, HARM, strict=True):
        before[name] |= was
        after[name] |= was | now
    read(database, before)
    done = read(database, after, SourceSettings(kind="shop", move_limit=0))
    with database.as_system() as session:
        found = runs.diff(session, done.run_id)
    assert {row.external_id: row.kind for row in found.rows} == {
        name: kind for name, (_, _, kind) in zip(before, HARM, strict=True) if kind
    }
    kinds = Counter(kind for *_, kind in HARM if kind)
    assert found.radius == {"live": 8, "stated": 8, "vanished": 0} | kinds


def test_stock_that_is_stated_no_more_holds_a_listing(database: Database) -> None:
    read(database, goods())
    done = read(database, goods(**SILENT))
    assert done.held == "8 of 8 offers no longer state their stock"


def test_titles_that_changed_places_are_other_goods_and_reworded_ones_are_not(
    database: Database,
) -> None:
    read(database, goods())
    reworded = goods()
    for row in reworded.values():
        row["title"] = f"【双11特惠】{row['title']} 官方正品"
    assert read(database, reworded).held is None
    names = [row["title"] for row in goods().values()]
    shifted = goods()
    for row, name in zip(shifted.values(), [*names[1:], names[0]], strict=True):
        row["title"] = name
    assert read(database, shifted).held == "8 of 8 offers became other goods"


def test_a_listing_that_never_tells_of_stock_withholds_none(database: Database) -> None:
    shop = Quoter(goods(**SILENT), stock_now={(name, ""): 5 for name in goods()})
    pull.run(database, shop)
    pull.run(database, shop, "stock")
    for row in shop.goods.values():
        row["title"] += " 新"
    done = pull.run(database, shop)
    assert done is not None
    assert (done.held, done.changed) == (None, len(NAMES))


def test_a_case_that_became_a_single_is_asked_about_though_it_is_called_the_same(
    database: Database,
) -> None:
    read(database, goods(), LOOSE)
    read(database, goods(pack=1, unit="瓶"), LOOSE)
    drifted = "SELECT count(*) FROM matches WHERE kind = 'drift' AND state = 'review'"
    assert count(database, drifted) == len(NAMES)
