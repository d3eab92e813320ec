"""The catalogue as the change feed would tell it from its beginning: where a reader starts.

Whoever takes every page and then reads the feed from the number that the first one stated holds
what everybody holds. A page may show what came after that number: the feed tells it once more,
and whoever applies its items in their order ends with the same.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog.changes import Item, Replay, in_full
from catalog.matching.redirects import current, with_led
from catalog.reads import told
from catalog.reads.told import Offers
from catalog.shelf import Reader
from kit.ids import outside


@dataclass(frozen=True)
class Snapshot:
    """A page: items of kind `listed`, or of kind `rule` for SKUs that lead on to others.

    `seq` is where the feed goes on, `next` the SKU after which the next page starts (None: the
    last one).
    """

    items: list[Item]
    seq: int
    next: int | None


_HEAD = text("SELECT seq FROM feed_head")
_NEXT = text("SELECT id FROM skus WHERE id > :after ORDER BY id LIMIT :limit")


def snapshot(
    session: Session,
    reader: Reader,
    now: datetime,
    limit: int,
    *,
    seq: int | None = None,
    after: int = 0,
    sku_ids: Collection[int] | None = None,
) -> Snapshot:
    """The next SKUs as `reader` sees them; `sku_ids` narrows it to those and to what they lead to.

    `seq` is that of the first page; None: this is the first.
    """
    if seq is None:  # before anything else is read: what is missing below gets a higher number
        seq = int(session.execute(_HEAD).scalar_one())
    if sku_ids is None:
        skus = list(session.scalars(_NEXT, {"after": after, "limit": limit}))
    else:
        skus = [sku for sku in with_led(session, sku_ids) if sku > after][:limit]
    offers = told.now(session, skus, now)
    listed = _in_full(offers, reader, now, seq)
    if not reader.sees_sources:
        listed = _as_seen(skus, offers, reader, now, seq)
    items = sorted([*listed, *_led_on(session, skus, now, seq)], key=lambda one: one.sku_id or 0)
    return Snapshot(items, seq, skus[-1] if len(skus) == limit else None)


def _as_seen(
    skus: list[int], offers: Offers, reader: Reader, now: datetime, seq: int
) -> list[Item]:
    replay = Replay(reader, offers)
    seen = ((sku, replay.seen(sku, now)) for sku in skus)
    return [Item(seq, "listed", sku, None, one, now) for sku, one in seen if one]


def _in_full(offers: Offers, reader: Reader, now: datetime, seq: int) -> list[Item]:
    return [
        in_full(
            replace(said, seq=seq, kind="listed", now={"price": offer.price, "stock": offer.stock})
        )
        for said, offer in offers
        if offer.listed and reader.grants.allows(said.sku_id, said.goods, "", now)
    ]


def _led_on(session: Session, skus: list[int], now: datetime, seq: int) -> list[Item]:
    """As the feed tells of a merge."""
    return [
        Item(
            seq,
            "rule",
            sku,
            None,
            {"affects": {"match": {"merge": [outside("sku", sku), outside("sku", to)]}}},
            now,
        )
        for sku, to in current(session, skus).items()
        if to != sku
    ]
