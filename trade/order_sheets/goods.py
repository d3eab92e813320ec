"""What leaders call their goods on sheets: told once, remembered; the rest is asked."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog.matching.redirects import current
from connectors.feed.text import plain
from kit.errors import FieldError, Problem
from kit.ids import inside
from trade import selections

_TOLD = text("SELECT name, sku_id FROM goods_names WHERE party_id = :party AND name = ANY(:names)")
_SKUS = text("SELECT id FROM skus WHERE id = ANY(:skus)")
_PICKED = text("""
    SELECT s.sku_id, p.title, k.attributes FROM selections s
    JOIN skus k ON k.id = s.sku_id JOIN products p ON p.id = k.product_id
    WHERE s.party_id = :party
""")
_TELL = text("""
    INSERT INTO goods_names (party_id, name, sku_id, at) VALUES (:party, :name, :sku, :now)
    ON CONFLICT (party_id, name) DO UPDATE SET sku_id = excluded.sku_id, at = excluded.at
""")
_NOISE = re.compile(r"[\s:：;；,，/|()（）【】\[\]_-]+")
MOST_NAMES = 1_000


def known(session: Session, party_id: int, names: Iterable[str]) -> dict[str, int]:
    """The SKU of each name: as told before, the leader's own 商家编码, one of our SKU ids, or the
    one of the leader's selections that is called exactly so. Names that are none are absent."""
    open_names = set(names)
    asked = {"party": party_id, "names": sorted(open_names)}
    found = {row.name: row.sku_id for row in session.execute(_TOLD, asked)}
    for more in (
        selections.by_code(session, party_id, open_names - found.keys()),
        _by_id(session, open_names - found.keys()),
    ):
        found = {**more, **found}
    if left := open_names - found.keys():
        titled = _titled(session, party_id)
        found |= {name: sku for name in left if (sku := titled.get(_bare(name))) is not None}
    now = current(session, found.values())
    return {name: now[sku] for name, sku in found.items()}


def tell(session: Session, party_id: int, names: Mapping[str, str], now: datetime) -> None:
    """Remember which SKU each name stands for. Raises Problem 422 that names an unknown SKU."""
    told, faults = {}, []
    for name, sku in names.items():
        try:
            told[name] = inside("sku", sku)
        except Problem:
            faults.append(name)
    there = set(session.scalars(_SKUS, {"skus": sorted(set(told.values()))}))
    faults += [name for name, sku_id in told.items() if sku_id not in there]
    if faults:
        raise Problem(
            422,
            "invalid",
            "some SKUs are not known; look them up under /v1/products",
            errors=[FieldError(f"mappings.{x}", "unknown_sku", "no such SKU") for x in faults],
        )
    for name in sorted(told):
        session.execute(_TELL, {"party": party_id, "name": name, "sku": told[name], "now": now})


def _by_id(session: Session, names: Iterable[str]) -> dict[str, int]:
    ids: dict[str, int] = {}
    for name in names:
        if name.startswith("sku_"):
            try:
                ids[name] = inside("sku", name)
            except Problem:
                continue
    there = set(session.scalars(_SKUS, {"skus": sorted(set(ids.values()))})) if ids else set()
    return {name: sku for name, sku in ids.items() if sku in there}


def _titled(session: Session, party_id: int) -> dict[str, int | None]:
    """The leader's selections by title alone and with specification; None where several fit."""
    found: dict[str, int | None] = {}
    for row in session.execute(_PICKED, {"party": party_id}):
        for name in _calls(row.title, row.attributes):
            found[name] = row.sku_id if found.get(name, row.sku_id) == row.sku_id else None
    return found


def _calls(title: str, attributes: Mapping[str, Any] | None) -> set[str]:
    pairs = (attributes or {}).items()
    values = " ".join(str(value) for _, value in pairs)
    spelled = " ".join(f"{key}{value}" for key, value in pairs)
    return {_bare(title), _bare(f"{title}{values}"), _bare(f"{title}{spelled}")}


def _bare(name: str) -> str:
    return _NOISE.sub("", plain(name).lower())
