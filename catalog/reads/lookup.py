"""Many SKUs at once: by our id, by GTIN, or by the reader's own codes."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog.matching.redirects import current
from catalog.reads.products import SkuView, skus
from catalog.shelf import Reader
from kit.errors import FieldError, Problem

MOST = 500


@dataclass(frozen=True)
class Found:
    """What was asked for, and the SKUs it stands for: none, or several that share a GTIN."""

    asked: int | str
    skus: list[SkuView]


def lookup(
    session: Session,
    reader: Reader,
    now: datetime,
    *,
    sku_ids: Sequence[int] = (),
    gtins: Sequence[str] = (),
    codes: Mapping[str, int | None] | None = None,
    region: str = "",
) -> list[Found]:
    """One answer per item asked, in order: ids, then GTINs, then codes (code → SKU id). A SKU that
    was merged is answered by the one it leads to.

    Raises Problem 422 beyond 500 items.
    """
    codes = codes or {}
    if len(sku_ids) + len(gtins) + len(codes) > MOST:
        raise Problem(
            422,
            "too_many",
            f"at most {MOST} items can be looked up at once; split the list",
            errors=[FieldError("skus", "too_many", f"at most {MOST}")],
        )
    by_gtin = _by_gtin(session, gtins)
    asked: list[tuple[int | str, Sequence[int]]] = [
        *((sku_id, [sku_id]) for sku_id in sku_ids),
        *((gtin, by_gtin.get(gtin.zfill(14), [])) for gtin in gtins),
        *((code, [] if sku_id is None else [sku_id]) for code, sku_id in codes.items()),
    ]
    led = current(session, [sku for _, found in asked for sku in found])
    known = skus(session, set(led.values()), reader, now, region)
    return [
        Found(
            item, [known[sku] for sku in dict.fromkeys(led[sku] for sku in found) if sku in known]
        )
        for item, found in asked
    ]


def _by_gtin(session: Session, gtins: Sequence[str]) -> dict[str, list[int]]:
    """SKUs by GTIN-14; an EAN-13 or UPC asks for the same with zeros in front."""
    found: dict[str, list[int]] = defaultdict(list)
    rows = session.execute(
        text("SELECT gtin, id FROM skus WHERE gtin = ANY(:gtins) ORDER BY id"),
        {"gtins": [gtin.zfill(14) for gtin in gtins]},
    )
    for row in rows:
        found[row.gtin].append(row.id)
    return found
