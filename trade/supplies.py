"""The offers of some SKUs, read from the catalogue as values that routing understands."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from catalog import bundles, freight_templates, publishing, stock
from catalog.matching.tree import OURS
from catalog.matching.wordings import BRAND_OF
from catalog.publishing import HEARD, Record
from catalog.stock import Level
from kit import clock
from kit.db import PLAN_ONCE
from kit.statements import Query, ids_text, send
from trade.desk import Desk
from trade.routing import routing_rules
from trade.routing.routing_rules import Rulebook
from trade.routing.takes import Supply

_ASKED = f"""SELECT unnest(%(skus)s::bigint[]) AS sku
    UNION SELECT part_id FROM {bundles.LED_PARTS.format(skus="%(skus)s")} b"""  # noqa: S608
"""The SKUs that are asked for, and the parts of those that are bundles."""

_OFFERS = f"""
    SELECT o.id, a.sku AS sku_id, o.source, o.external_id, o.seller, o.title, o.attributes, o.state,
           {BRAND_OF} AS brand, o.category, {OURS} AS ours,
           o.weight_g, o.not_delivered_to, o.min_retail, o.max_retail, p.price, p.valid_until,
           p.as_of AS priced_at,
           t.moq, t.multiple, t.freight, t.ships_within_hours, t.cutoff, t.presale_ship_by,
           coalesce(v.per_hour, 0) AS velocity, coalesce(c.tried, 0) AS tried,
           coalesce(c.short, 0) AS short, {HEARD} AS heard_at,
           h.paused_at IS NOT NULL AS paused,
           coalesce(h.qualified_until <= clock_timestamp(), false) AS lapsed,
           b.id AS supplier_id, f.content AS template
    FROM ({_ASKED}) a
    LEFT JOIN sku_redirects r ON r.from_sku = a.sku
    JOIN offers o ON o.sku_id = coalesce(r.to_sku, a.sku)
    LEFT JOIN prices p ON p.offer_id = o.id AND p.mode = 'dropship'
    LEFT JOIN terms t ON t.offer_id = o.id AND t.mode = 'dropship'
    LEFT JOIN freight_templates f ON f.source = o.source AND f.name = t.freight ->> 'name'
    LEFT JOIN stock_pace v ON v.offer_id = o.id
    LEFT JOIN stock_claims c ON c.source = o.source
    LEFT JOIN source_states h ON h.source = o.source
    LEFT JOIN parties b ON b.source = o.source AND b.role = 'brand' AND b.active
    ORDER BY o.id
"""  # noqa: S608 - no value in it

_WANTED = f"""o.sku_id IN (SELECT coalesce(r.to_sku, a.sku) FROM ({_ASKED}) a
                         LEFT JOIN sku_redirects r ON r.from_sku = a.sku)"""  # noqa: S608

IDS = f"SELECT o.id FROM offers o WHERE {_WANTED}"  # noqa: S608 - no value in it
"""The offers of %(skus)s, and of the parts of those that are bundles."""

_LOCK = f"""
    SELECT s.offer_id, s.region FROM stocks s JOIN offers o ON o.id = s.offer_id
    WHERE {_WANTED} AND s.quantity IS NOT NULL AND starts_with(%(region)s, s.region)
    ORDER BY s.offer_id, s.region FOR UPDATE OF s
"""  # noqa: S608 - no value in it

_LOCK_ALL = f"""
    SELECT s.offer_id, s.region FROM stocks s JOIN offers o ON o.id = s.offer_id
    WHERE {_WANTED} AND s.quantity IS NOT NULL ORDER BY s.offer_id, s.region FOR UPDATE OF s
"""  # noqa: S608 - no value in it

_STATED = f"""
    SELECT o.id AS offer_id, s.region, s.state, s.quantity, s.as_of, {stock.TAKEN} AS taken
    FROM offers o LEFT JOIN stocks s
      ON s.offer_id = o.id AND (starts_with(%(region)s, s.region) OR %(region)s = '')
    WHERE {_WANTED} ORDER BY o.id
"""  # noqa: S608 - no value in it


def load(
    session: Session, desk: Desk, sku_ids: Iterable[int], region: str, *, lock: bool = False
) -> list[Supply]:
    """Every offer of these SKUs, and of the parts of bundles, with what is left of it for `region`.

    A SKU that was merged into another has the other's offers.

    `lock` keeps all stated numbers as they are until the transaction ends.
    """
    return load_with(session, desk, sku_ids, region, (), lock=lock)[0]


def load_with(
    session: Session,
    desk: Desk,
    sku_ids: Iterable[int],
    region: str,
    along: Sequence[Query],
    *,
    lock: bool = False,
) -> tuple[list[Supply], list[list[Any]]]:
    """As `load`, and the rows of the queries `along`, which go in the same round trip."""
    asked = {"skus": ids_text(sorted(set(sku_ids))), "region": region}
    queries = [(_OFFERS, asked), (_STATED, asked), routing_rules.QUESTION, *along]
    offers, stated, rules, *rest = _read(session, (_LOCK, asked) if lock else None, queries, region)
    levels = stock.levels_of([row for row in stated if row.state is not None], region)
    to = _To(region, clock.now(), lock)
    found = [_supply(row, desk, levels.get(row.id), to) for row in offers]
    return routing_rules.applied(routing_rules.answered(rules), found, region, to.now), rest


@dataclass(frozen=True)
class Shelf:
    """The offers of some SKUs for every region, read once; with `_locked` no stated number changes
    until the transaction ends."""

    _desk: Desk
    _book: Rulebook
    _offers: Mapping[int, Sequence[Any]]
    _stated: Mapping[int, Sequence[Any]]
    _now: datetime
    _locked: bool
    _taken: dict[int, list[tuple[str, int]]] = field(default_factory=dict)

    def supplies(self, sku_ids: Iterable[int], region: str) -> list[Supply]:
        """As `load` for these of its SKUs, less what was taken from the shelf meanwhile. Parts of
        bundles are named among them."""
        offers = [row for sku in dict.fromkeys(sku_ids) for row in self._offers.get(sku, ())]
        levels = stock.levels_of([x for one in offers for x in self._left(one.id)], region)
        to = _To(region, self._now, self._locked)
        found = [_supply(x, self._desk, levels.get(x.id), to) for x in offers]
        return routing_rules.applied(self._book, found, region, self._now)

    def take(self, offer_id: int, region: str, units: int) -> None:
        """Units that go to `region` are gone for whoever looks next."""
        self._taken.setdefault(offer_id, []).append((region, units))

    def _left(self, offer_id: int) -> Sequence[Any]:
        stated = self._stated.get(offer_id, ())
        if offer_id not in self._taken:
            return stated
        return [
            row._replace(
                taken=int(row.taken)
                + sum(units for to, units in self._taken[offer_id] if to.startswith(row.region))
            )
            for row in stated
        ]


def shelf(session: Session, desk: Desk, sku_ids: Iterable[int], *, lock: bool = False) -> Shelf:
    """Every offer of these SKUs, to look at for many regions without asking again."""
    asked = {"skus": ids_text(sorted(set(sku_ids))), "region": ""}
    queries = [(_OFFERS, asked), (_STATED, asked), routing_rules.QUESTION]
    offers, stated, rules = _read(session, (_LOCK_ALL, asked) if lock else None, queries, None)
    by_sku: dict[int, list[Any]] = {}
    for row in offers:
        by_sku.setdefault(row.sku_id, []).append(row)
    by_offer: dict[int, list[Any]] = {}
    for row in stated:
        if row.state is not None:
            by_offer.setdefault(row.offer_id, []).append(row)
    return Shelf(desk, routing_rules.answered(rules), by_sku, by_offer, clock.now(), lock)


_SAVEPOINT: Query = ("SAVEPOINT stock_as_it_is", ())
_BACK: Query = ("ROLLBACK TO SAVEPOINT stock_as_it_is", ())


def _read(
    session: Session, lock: Query | None, queries: Sequence[Query], region: str | None
) -> list[list[Any]]:
    """The rows of these queries, of which the first two tell of offers and of their stock, once the
    two agree. With `lock` no number that counts in `region` (None: in any) changes any more.

    Levels are read after the lock: by a snapshot that sees who held it before. If a merge brought
    other offers meanwhile, all is let go again: who held some and waited for others that come
    before them might wait for somebody who waits for those.
    """
    locking = [] if lock is None else [_SAVEPOINT, lock]
    while True:
        _, *answers = send(session, PLAN_ONCE, *locking, *queries)
        found = answers[len(locking) :]
        offers, stated = found[:2]
        if _consistent(offers, stated) and (lock is None or _kept(stated, answers[1], region)):
            return found
        locking = locking and [_BACK, *locking[1:]]


def _consistent(offers: Iterable[Any], stated: Iterable[Any]) -> bool:
    """Whether no offer came or went between the two statements."""
    return {row.id for row in offers} == {row.offer_id for row in stated}


def _kept(stated: Iterable[Any], locked: Iterable[Any], region: str | None) -> bool:
    """Whether every stated number that counts is locked, even one stated a moment ago."""
    held = {(row.offer_id, row.region) for row in locked}
    return all(
        (row.offer_id, row.region) in held
        for row in stated
        if row.quantity is not None and (region is None or region.startswith(row.region))
    )


class _To(NamedTuple):
    """Where and when an offer is looked at; `locked`: its stated stock stays as it is."""

    region: str
    now: datetime
    locked: bool


def _supply(row: Any, desk: Desk, level: Level | None, to: _To) -> Supply:
    terms = desk.terms(row.source)
    record = Record(row.velocity, row.tried, row.short, row.heard_at)
    risk = terms.policy.refusal_risk
    shown = publishing.published(level, record.age(level, to.now), record, risk) if level else None
    return Supply(
        offer_id=row.id,
        sku_id=row.sku_id,
        source=row.source,
        external_id=row.external_id,
        cost=row.price,
        seller=row.seller,
        title=row.title,
        spec=_spec(row.attributes),
        brand=row.brand,
        category=row.category,
        ours=row.ours,
        live=row.state == "live",
        resells="resell" in terms.policy.serves,
        paused=row.paused,
        lapsed=row.lapsed,
        price_until=row.valid_until,
        priced_at=row.priced_at,
        moq=row.moq or 1,
        multiple=row.multiple or 1,
        freight=freight_templates.resolved(row.freight, row.template, to.region),
        weight_g=row.weight_g,
        not_delivered_to=tuple(freight_templates.beyond(row.not_delivered_to, row.template) or ()),
        stock=level,
        shown=shown.quantity if shown else None,
        unknown_stock=terms.policy.unknown_stock,
        min_retail=row.min_retail,
        max_retail=row.max_retail,
        ships_within_hours=row.ships_within_hours,
        cutoff=row.cutoff or terms.cutoff,
        presale_ship_by=row.presale_ship_by,
        supplier_id=row.supplier_id,
        reserved_in=to.region if to.locked else None,
    )


def _spec(attributes: Mapping[str, Any] | None) -> str | None:
    """`{"颜色": "红", "尺码": "L"}` → `颜色:红 尺码:L`, as a packer reads it."""
    return " ".join(f"{name}:{value}" for name, value in (attributes or {}).items()) or None
