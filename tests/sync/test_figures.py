"""Prices and stock by calls of their own: batches, worth, and what more budget would buy."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from connectors.settings import SourceSettings
from kit import clock
from kit.db import Database
from sync import figures, pull, schedule
from sync.due import due, freshness
from tests.sync.shops import Quoter, catalogue, count, shelf

SILENT: dict[str, Any] = {"dropship_price": None, "stock_state": None, "stock_quantity": None}


def quoter(number: int = 10, **more: Any) -> Quoter:
    prices = {f"s{n}": str(5 + n) for n in range(number)}
    stock = {(f"s{n}", ""): n for n in range(number)}
    return Quoter(shelf(number, **SILENT), prices_now=prices, stock_now=stock, **more)


def ask_again(db: Database) -> None:
    with db.as_system() as session:
        session.execute(text("UPDATE figures SET due_at = clock_timestamp()"))


def test_figures_come_in_the_platforms_batches_once_each(database: Database) -> None:
    shop = quoter()
    pull.run(database, shop)
    done = pull.run(database, shop, "prices")
    assert done is not None
    assert (done.kind, done.pages, done.seen, done.changed) == ("prices", 3, 10, 10)
    assert sorted(map(len, shop.calls)) == [2, 4, 4]
    assert sorted(one for call in shop.calls for one in call) == sorted(shop.goods)
    assert pull.run(database, shop, "prices") is None, "nothing is due"


def test_a_figure_that_stays_gives_no_event_but_a_younger_date(database: Database) -> None:
    shop = quoter()
    pull.run(database, shop)
    for stream in ("prices", "stock"):
        pull.run(database, shop, stream)  # type: ignore[arg-type]
    before = catalogue(database)
    oldest = count(database, "SELECT min(as_of) FROM prices")
    ask_again(database)
    shop.prices_now["s3"] = "4"
    done = pull.run(database, shop, "prices")
    assert done is not None
    assert done.changed == 1
    after = catalogue(database)
    assert len(after["events"]) == len(before["events"]) + 1
    assert count(database, "SELECT min(as_of) FROM prices") > oldest
    assert count(database, "SELECT count(*) FROM price_points") == 11


def test_of_a_sku_left_out_of_an_answer_nothing_is_concluded(database: Database) -> None:
    shop = quoter()
    pull.run(database, shop)
    pull.run(database, shop, "prices")
    del shop.prices_now["s3"]
    ask_again(database)
    pull.run(database, shop, "prices")
    assert count(database, "SELECT count(*) FROM prices") == 10


def test_one_bad_sku_takes_no_batch_with_it(database: Database) -> None:
    shop = quoter(refuses=frozenset({"s2"}))
    pull.run(database, shop)
    done = pull.run(database, shop, "stock")
    assert done is not None
    assert done.seen == 9


def test_stock_is_kept_by_region(database: Database) -> None:
    settings = SourceSettings(kind="shop", stock_regions=["44", "11"])
    shop = quoter(2, settings=settings)
    shop.stock_now = {("s0", "44"): 3, ("s0", "11"): 0, ("s1", "44"): None}
    pull.run(database, shop)
    pull.run(database, shop, "stock")
    assert catalogue(database, "stocks")["stocks"] == [
        "('s0', '11', 'out', 0)",
        "('s0', '44', 'in_stock', 3)",
        "('s1', '44', 'in_stock', None)",
    ]


def test_a_moved_price_makes_the_next_listing_look_again(database: Database) -> None:
    shop = quoter(2)
    shop.goods["s0"] |= {"dropship_price": 5}
    pull.run(database, shop)
    shop.prices_now["s0"] = "6"
    pull.run(database, shop, "prices")
    assert count(database, "SELECT count(*) FROM prices WHERE price = 6") == 2
    pull.run(database, shop, full=True)
    assert (
        count(
            database,
            "SELECT price FROM prices JOIN offers ON id = offer_id WHERE external_id = 's0'",
        )
        == 5
    )


def test_picked_and_selling_goods_are_worth_more(database: Database) -> None:
    shop = quoter(4, settings=SourceSettings(kind="shop", calls_per_second=0.01))
    pull.run(database, shop)
    with database.as_system() as session:
        session.execute(
            text("INSERT INTO demand SELECT sku_id, 1000, 50 FROM offers WHERE external_id = 's1'")
        )
        figures.rate(session, shop)
    worths = "SELECT worth FROM figures JOIN offers ON id = offer_id WHERE kind = 'price'"
    assert count(database, f"{worths} AND external_id = 's1'") > 3
    assert count(database, f"{worths} AND external_id = 's0'") == 0
    pull.run(database, shop, "prices")
    with database.as_system() as session:
        first = session.execute(
            text(
                "SELECT external_id FROM figures JOIN offers ON id = offer_id"
                " WHERE kind = 'price' ORDER BY due_at LIMIT 1"
            )
        ).scalar_one()
        told = freshness(session, clock.now() + timedelta(seconds=10), [shop])
        assert [one.stream for one in due(session, clock.now(), [shop])][-1] == "stock"
    assert first == "s1"
    price = next(one for one in told if one.kind == "price")
    assert price.p95 is not None
    assert 9 < price.p95 < 60


@given(
    st.dictionaries(st.integers(0, schedule.CLASSES - 1), st.integers(1, 10**6), min_size=1),
    st.floats(0.01, 10_000),
)
def test_spans_spend_the_budget_where_it_is_worth_most(
    counts: dict[int, int], budget: float
) -> None:
    spans = schedule.spans(counts, budget)
    assert spans.keys() == counts.keys()
    ordered = [spans[one] for one in sorted(spans)]
    assert ordered == sorted(ordered, reverse=True)
    spent = sum(counts[one] / span for one, span in spans.items())
    if max(spans.values()) < schedule.LONGEST:
        assert spent <= budget * 1.001
        if min(spans.values()) > schedule.SHORTEST:
            assert spent == pytest.approx(budget, rel=1e-6)
    more, less = schedule.outlook(counts, 2 * budget), schedule.outlook(counts, budget)
    assert more is not None
    assert less is not None
    assert more.p50 <= less.p50 * 1.001
    assert less.p50 <= less.p95
