"""How good searches are, over real goods: NDCG@10 and how many queries find nothing."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import insert

from catalog import synonyms
from catalog.marks import roll_sales
from catalog.models import Change, Demand, Offer, Price, Product, Sku, Terms
from catalog.pricing import price_lists
from catalog.readers import Readership
from catalog.search import Asked, SearchIndex, open_indexer
from catalog.search.thesaurus import Thesaurus
from catalog.search.words import plain
from catalog.sequencer import number_changes
from catalog.shelf import Reader
from kit.db import Database
from kit.statements import send
from tests.catalog.goods import NOW

DATA = Path(__file__).parents[3] / "shared" / "data"
GROCERIES = DATA / "hk-pricewatch" / "pricewatch_itemlist.2025-06-02.json"
HOMEWARE = DATA / "litemall-yanxuan" / "litemall_data.goods-tables.sql"
QUERIES = Path(__file__).with_name("search_queries.tsv")
LISTS = price_lists(Decimal(0))
LEADER = Reader("leader", LISTS["resale"])

LEAST_NDCG = 0.92
MOST_EMPTY = 0.01

pytestmark = pytest.mark.skipif(
    not (GROCERIES.exists() and HOMEWARE.exists()), reason="no real goods beside the repository"
)


@dataclass(frozen=True)
class Goods:
    """One real product: its title is what is searched, `said` what judges look at."""

    brand: str | None
    title: str
    category: str

    @property
    def said(self) -> str:
        return plain(f"{self.brand or ''} {self.title}")


def _groceries() -> list[Goods]:
    rows = json.loads(GROCERIES.read_text("utf-8"))
    return [
        Goods(
            row["brand"]["tc"],
            row["name"]["tc"],
            " > ".join(row[level]["tc"] for level in ("cat1", "cat2", "cat3")),
        )
        for row in rows
    ]


def _homeware() -> list[Goods]:
    dump = HOMEWARE.read_text("utf-8")
    rows = re.findall(r"\(\d+,'\d+','([^']*)',\d+,\d+,", dump[dump.index("`litemall_goods` ") :])
    return [Goods(None, title, "家居") for title in rows]


def _load(database: Database, goods: list[Goods]) -> None:
    ids = range(1, len(goods) + 1)
    with database.as_system() as session:
        session.execute(
            insert(Product),
            [
                {"id": i, "title": g.title, "brand": g.brand, "category": g.category}
                for i, g in zip(ids, goods, strict=True)
            ],
        )
        chance = Random(7)  # noqa: S311 - what sells, and at what margin, must not hide what is meant
        session.execute(
            insert(Sku),
            [{"id": i, "product_id": i, "msrp": 8 + 30 * chance.random()} for i in ids],
        )
        session.execute(
            insert(Demand), [{"sku_id": i, "sold": int(chance.paretovariate(0.6)) - 1} for i in ids]
        )
        roll_sales(session)
        session.execute(
            insert(Offer),
            [
                {
                    "id": i,
                    "source": "shop",
                    "external_id": str(i),
                    "sku_id": i,
                    "title": g.title,
                    "content_hash": b"-",
                    "seen_at": NOW,
                }
                for i, g in zip(ids, goods, strict=True)
            ],
        )
        session.execute(insert(Terms), [{"offer_id": i, "mode": "dropship"} for i in ids])
        session.execute(
            insert(Price),
            [{"offer_id": i, "mode": "dropship", "price": 10, "as_of": NOW} for i in ids],
        )
        session.execute(
            insert(Change),
            [{"offer_id": i, "version": 1, "kind": "listed", "sku_id": i, "at": NOW} for i in ids],
        )
        number_changes(session)


@pytest.fixture
def shops(
    database: Database, tmp_path: Path
) -> tuple[Mapping[int, Goods], Mapping[str, range], SearchIndex, Thesaurus]:
    groceries, homeware = _groceries(), _homeware()
    _load(database, groceries + homeware)
    with open_indexer(database, tmp_path, Readership(LISTS).per_list(NOW)) as writer:
        while writer.step():
            continue
    with database.as_system() as session:
        thesaurus = Thesaurus(group.words for group in synonyms.every(partial(send, session)))
    all_goods = dict(enumerate(groceries + homeware, start=1))
    sets = {
        "hk": range(1, len(groceries) + 1),
        "yx": range(len(groceries) + 1, len(all_goods) + 1),
    }
    return all_goods, sets, SearchIndex(tmp_path), thesaurus


def _grade(goods: Goods, best: str, fair: str) -> int:
    if re.search(best, goods.said):
        return 2
    whole = f"{goods.said} {plain(goods.category)}"
    return 1 if fair != "-" and re.search(f"{fair}|{best}", whole) else 0


def _ndcg(grades: list[int], ideal: list[int]) -> float:
    """Against a page of best answers only: fair ones count, but nobody misses them."""

    def gain(of: list[int]) -> float:
        return sum((2**grade - 1) / math.log2(at + 2) for at, grade in enumerate(of[:10]))

    return min(gain(grades) / gain([grade for grade in ideal if grade == 2]), 1.0)


def test_people_find_what_they_mean(
    shops: tuple[Mapping[int, Goods], Mapping[str, range], SearchIndex, Thesaurus],
) -> None:
    goods, sets, index, thesaurus = shops
    scores: dict[str, float] = {}
    empty = []
    for line in QUERIES.read_text("utf-8").splitlines():
        if line.startswith("#"):
            continue
        which, queries, best, fair = line.split("\t")
        ideal = [_grade(goods[i], best, fair) for i in goods]
        assert 2 in (ideal[i - 1] for i in sets[which]), f"nothing is a best answer: {best}"
        for query in queries.split("|"):
            ids = index.search(Asked(query), LEADER, 10, thesaurus=thesaurus).ids
            scores[query] = _ndcg([ideal[i - 1] for i in ids], ideal)
            if not ids:
                empty.append(query)
    mean = sum(scores.values()) / len(scores)
    worst = sorted(scores, key=lambda query: scores[query])[:20]
    told = ", ".join(f"{query} {scores[query]:.2f}" for query in worst)
    report = f"NDCG@10 {mean:.3f} of {len(scores)} queries, {len(empty)} empty: {empty}; {told}"
    print(report)  # noqa: T201 - the figures, with -s or when it fails
    assert len(scores) >= 200
    assert mean >= LEAST_NDCG, report
    assert len(empty) <= MOST_EMPTY * len(scores), report
