"""Matching: how well pairs are judged, on our labelled Chinese set and on sets of other people.

The sets of other people are read from a folder beside the project (`HUOPAN_SHARED_DATA`) and left
out where it is absent; they are reported without an aim.
"""

import os
import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path

from catalog.matching.facts import Facts, Listed, facts
from catalog.matching.keys import keys
from catalog.matching.naming import Brands, settled, told
from catalog.matching.verdict import Verdict, compare
from catalog.matching.weights import weights
from tests.catalog.labelled_pairs import Pair, brands, families, pairs

SHARED = Path(os.environ.get("HUOPAN_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))

Judged = tuple[bool, Verdict, bool]
"""The label, the verdict, and whether the pair shares a key."""


def run() -> None:
    """Print every figure."""
    _labelled()
    for name in ("em-abt-buy", "em-amazon-google"):
        _foreign(name, _benchmark_pairs(SHARED / name / "test.txt"))
    _foreign("qihang-sku-links", _qihang_pairs(SHARED / "qihang-sku-links"))


def _labelled() -> None:
    read = families()
    known = brands(read)
    every = list(pairs(read))
    facts(every[0].left, known)  # dictionaries are loaded once a process
    began = time.perf_counter()
    listings = {id(one): one for pair in every for one in (pair.left, pair.right)}
    seen = {key: facts(one, known) for key, one in listings.items()}
    read_in = time.perf_counter() - began
    began = time.perf_counter()
    verdicts = [compare(seen[id(p.left)], seen[id(p.right)]) for p in every]
    judged_in = time.perf_counter() - began
    print(f"read {len(seen) / read_in:,.0f} offers/s, judged {len(every) / judged_in:,.0f} pairs/s")
    both = list(zip(every, verdicts, strict=True))
    for half in ("development", "held-out", "whole"):
        chosen = [(p, verdict) for p, verdict in both if half in (p.half, "whole")]
        _figures(
            f"labelled, {half} (aim: precision ≥ 0.99, recall ≥ 0.85)",
            (
                (p.same, verdict, _meet(seen[id(p.left)], seen[id(p.right)]))
                for p, verdict in chosen
            ),
        )
        if half != "whole":
            _confusions(half, chosen)


def _figures(name: str, judged: Iterable[Judged]) -> None:
    judged = list(judged)
    count = Counter((same, verdict.decision) for same, verdict, _ in judged)
    same = sum(label for label, _, _ in judged)
    joined = count[True, "join"]
    wrong = count[False, "join"]
    offered = joined + count[True, "review"]
    blocked = sum(
        label and verdict.decision == "join" and not met for label, verdict, met in judged
    )
    print(f"{name}: {len(judged)} pairs, {same} the same")
    print(
        f"  joined {joined + wrong}: precision {joined / max(joined + wrong, 1):.4f},"
        f" recall {joined / max(same, 1):.4f} ({blocked} of them share no key)"
    )
    print(
        f"  review {count[True, 'review'] + count[False, 'review']}:"
        f" {count[True, 'review']} the same; joined or asked {offered / max(same, 1):.4f}"
    )


def _confusions(half: str, judged: Iterable[tuple[Pair, Verdict]]) -> None:
    """What went wrong, by reason. Titles are shown of the development part alone: who reads those
    that are held out and mends the matcher by them holds nothing out any more.
    """
    kept: Counter[str] = Counter()
    joined: Counter[str] = Counter()
    for pair, verdict in judged:
        if pair.same and verdict.decision != "join":
            doubts = [e.code for e in verdict.evidence if e.weight < 0]
            kept[" ".join(verdict.vetoes or doubts) or f"score under {weights().join}"] += 1
        if not pair.same and verdict.decision == "join":
            joined[" ".join(pair.axes) or "what they are"] += 1
            if half == "development":
                print(f"  wrongly joined: {pair.left.title} | {pair.right.title} ({pair.why})")
    for what, counted in (("different, joined; they differ in", joined), ("the same, kept", kept)):
        print(f"  {what}:")
        for why, n in counted.most_common(12):
            print(f"    {n:4} {why}")


def _meet(left: Facts, right: Facts) -> bool:
    return bool(set(keys(left)) & set(keys(right)))


def _foreign(name: str, found: Iterator[tuple[bool, Listed, Listed]]) -> None:
    read = list(found)
    if not read:
        print(f"{name}: not here ({SHARED})")
        return
    listings = [one for _, *sides in read for one in sides]
    known = Brands(settled(pair for one in listings for pair in told(one.brand, one.title)))
    judged = []
    for same, left, right in read:
        one, two = facts(left, known), facts(right, known)
        judged.append((same, compare(one, two), _meet(one, two)))
    _figures(name, judged)


def _benchmark_pairs(path: Path) -> Iterator[tuple[bool, Listed, Listed]]:
    if not path.exists():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        left, right, label = line.split("\t")
        yield label == "1", _english(left), _english(right)


def _english(side: str) -> Listed:
    fields = dict(re.findall(r"COL (\w+) VAL (.*?)(?= COL |$)", side))
    title = fields.get("name") or fields.get("title") or ""
    return Listed(title.strip(), fields.get("manufacturer") or None, price=_price(fields))


def _price(fields: dict[str, str]) -> Decimal | None:
    try:
        return Decimal(fields.get("price", "").strip().lstrip("$ ").replace(",", "")) or None
    except InvalidOperation:
        return None


def _qihang_pairs(folder: Path) -> Iterator[tuple[bool, Listed, Listed]]:
    """Links a merchant made, and for each the same shop SKU with another SKU of that product."""
    path = folder / "qihangerp-scm.goods-tables.sql"
    if not path.exists():
        return
    text = path.read_text(encoding="utf-8")
    goods = {row["id"]: row for row in _rows(text, "erp_goods")}
    specs = {row["id"]: row for row in _rows(text, "erp_goods_spec")}
    of_goods: dict[str, list[str]] = {}
    for key, spec in specs.items():
        of_goods.setdefault(spec["goods_id"], []).append(key)
    shop_goods = {row["platform_goods_id"]: row for row in _rows(text, "oms_tenant_shop_goods")}
    for sku in _rows(text, "oms_tenant_shop_goods_sku"):
        linked = specs.get(sku.get("erp_goods_spec_id", ""))
        if linked is None:
            continue
        shop = shop_goods.get(sku["platform_goods_id"], {})
        listed = Listed(f"{shop.get('title', '')} {sku['goods_spec']}")
        yield True, listed, _supplied(goods, linked)
        others = [one for one in of_goods[spec["goods_id"]] if one != spec["id"]]
        for other in others[:2]:
            yield False, listed, _supplied(goods, specs[other])


def _supplied(goods: dict[str, dict[str, str]], spec: dict[str, str]) -> Listed:
    name = goods[spec["goods_id"]]["name"]
    return Listed(name, attributes={"颜色": spec["color_value"], "尺码": spec["size_value"]})


def _rows(text: str, table: str) -> Iterator[dict[str, str]]:
    """Rows of a dump's INSERT statements, by the columns of its CREATE TABLE."""
    made = re.search(rf"CREATE TABLE `{table}`\s*\((.*?)\n\)", text, re.S)
    columns = re.findall(r"^\s*`(\w+)`", made.group(1), re.M) if made else []
    inserts = re.findall(r"INSERT INTO `(\w+)` VALUES \((.*?)\);", text)
    for values in (row for name, row in inserts if name == table):
        cells = re.findall(r"'((?:[^'\\]|\\.)*)'|([^,\s][^,]*)", values)
        yield dict(zip(columns, (a or b for a, b in cells), strict=False))
