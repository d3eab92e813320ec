"""How well goods that nobody tuned for are matched in a catalogue, where each meets all others."""

import json
from collections import Counter, defaultdict
from typing import Any

from sqlalchemy import text

from catalog.matching.facts import Listed
from kit.db import Database
from tests.catalog.labelled_pairs import families, pairs
from tests.sync.test_importer import load


def row(external_id: str, one: Listed) -> dict[str, Any]:
    said = {"brand": one.brand, "gtin": one.gtin, "mpn": one.mpn, "unit": one.unit}
    if one.attributes:
        said["attributes"] = json.dumps(dict(one.attributes), ensure_ascii=False)
    given = {name: value for name, value in said.items() if value}
    figures = {"dropship_price": one.price, "pack": one.pack}
    return {"external_id": external_id, "title": one.title} | figures | given


def test_goods_never_seen_before_join_as_they_should(database: Database) -> None:
    read = [family for family in families() if family.half == "held-out"]
    lists: dict[str, list[dict[str, Any]]] = defaultdict(list)
    names = {}
    for family in read:
        for good, it in enumerate(family.goods):
            for seller, listing in enumerate(it.listings):
                source, code = f"seller{seller}", f"{family.number}-{good}"
                names[id(listing)] = source, code
                lists[source].append(row(code, listing))
    for source, rows in lists.items():
        load(database, *rows, source=source)
    with database.as_system() as session:
        found = session.execute(text("SELECT source, external_id, sku_id FROM offers"))
        sku = {(source, external_id): sku_id for source, external_id, sku_id in found}
    joined = Counter(
        (pair.same, sku[names[id(pair.left)]] == sku[names[id(pair.right)]]) for pair in pairs(read)
    )
    assert joined[False, True] == 0
    assert joined[True, True] >= 0.65 * (joined[True, True] + joined[True, False])
