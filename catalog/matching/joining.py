"""Moves offers between SKUs: merges that can be taken back, and splits.

Nothing is lost on the way: offers keep their ids, prices and history; a merged SKU leads on to the
other, so that selections, orders and programs that name it find the same goods. Each moved offer
tells the change feed that it went and came; one row of kind `rule` tells which SKUs now are one.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from psycopg.types.json import Jsonb
from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog import titles
from catalog.matching import origins
from catalog.matching.redirects import current
from kit.errors import Problem
from kit.ids import outside


@dataclass(frozen=True)
class Moved:
    """What a merge or split did: `offers` are the ids of those that moved."""

    from_sku: int
    to_sku: int
    offers: tuple[int, ...]


_HOLD = text("SELECT id, product_id FROM skus WHERE id = ANY(:skus) ORDER BY id FOR UPDATE")
_OFFERS = text("SELECT id FROM offers WHERE sku_id = :sku ORDER BY id FOR UPDATE")
_MOVE = text("""
    WITH moved AS (
      UPDATE offers o SET sku_id = :to, version = version + 1 WHERE id = ANY(:offers)
      RETURNING o.id, o.version, o.state
    ), told AS (
      SELECT id, version, jsonb_build_object(
        'price', coalesce((SELECT jsonb_object_agg(mode, price::text) FROM prices p
          WHERE p.offer_id = m.id), '{}'),
        'stock', (SELECT jsonb_build_object('state', s.state, 'quantity', s.quantity)
          FROM stocks s WHERE s.offer_id = m.id AND s.region = '')) AS said
      FROM moved m WHERE state = 'live'
    )
    INSERT INTO changes (offer_id, version, kind, sku_id, was, now, at)
    SELECT id, version, e.kind, e.sku, e.was, e.now, clock_timestamp() FROM told, LATERAL (VALUES
      ('gone', CAST(:from AS bigint), said,
        jsonb_build_object('moved_to', CAST(:to_id AS text), 'by', CAST(:kind AS text))),
      ('listed', CAST(:to AS bigint), NULL::jsonb, said)) e(kind, sku, was, now)
""")


def merge(session: Session, one: int, other: int, by: str) -> Moved | None:
    """Make two SKUs one: the offers of `one` move to `other`. None: they are one already.

    SKUs that were merged before stand for those they lead to. Raises Problem 404 `not_found`.
    """
    from_sku, to_sku = _held(session, one, other)
    if from_sku == to_sku:
        return None
    offers = tuple(session.scalars(_OFFERS, {"sku": from_sku}))
    redirects = _led_to(session, from_sku)
    _move(session, from_sku, to_sku, offers, "merge")
    origins.lead(session, [from_sku, *redirects], to_sku)
    origins.note(session, "merge", from_sku, to_sku, offers, redirects, by)
    _tell(session, "merge", Moved(from_sku, to_sku, offers), from_sku)
    return Moved(from_sku, to_sku, offers)


def split(
    session: Session, sku: int, offers: Collection[int], by: str, *, either: bool = False
) -> Moved:
    """Take offers out of a SKU: back to the SKU they were merged from, else to one of their own.

    `either`: where only those that would stay were merged from another SKU, they go back instead,
    so that whoever picked one of the two finds the goods that it stood for.

    Raises Problem 409 `not_split` when an offer is not for `sku`, or none would stay behind.
    """
    from_sku = current(session, [sku])[sku]
    _hold(session, [from_sku])
    own = set(session.scalars(_OFFERS, {"sku": from_sku}))
    leaving = set(offers)
    if not leaving or not leaving <= own:
        raise Problem(409, "not_split", "these offers are not all for this SKU; read it again")
    if leaving == own:
        raise Problem(409, "not_split", "every offer would leave; name those that do not belong")
    homes = origins.homes(session, from_sku, own)
    home = origins.home_of(homes, leaving)
    if home is None and either and (home := origins.home_of(homes, own - leaving)):
        leaving = own - leaving
    moving = tuple(sorted(leaving))
    if home is not None:
        _hold(session, [home.sku])
    to_sku = _new(session, moving[0]) if home is None else home.sku
    _move(session, from_sku, to_sku, moving, "split")
    at = origins.note(session, "split", from_sku, to_sku, moving, [], by)
    if home is not None:
        origins.returned(session, home, moving, homes, from_sku, by, at)
    moved = Moved(from_sku, to_sku, moving)
    _tell(session, "split", moved, from_sku if home is None else to_sku)
    return moved


_SPOKEN = text("SELECT title, seller, brand, category FROM offers WHERE id = :offer")
_NEW_PRODUCT = text("""
    INSERT INTO products (title, brand, category) VALUES (:title, :brand, :category) RETURNING id
""")
_NEW_SKU = text("""
    INSERT INTO skus (product_id, gtin, pack, unit, attributes)
    SELECT :product, gtin, pack, unit, attributes FROM offers WHERE id = :offer RETURNING id
""")


def _new(session: Session, offer: int) -> int:
    said = session.execute(_SPOKEN, {"offer": offer}).one()
    shown = titles.rules(session).shown(said.title, said.seller, said.brand, said.category)
    facts = {"title": shown, "brand": said.brand, "category": said.category}
    product = session.execute(_NEW_PRODUCT, facts).scalar_one()
    return int(session.execute(_NEW_SKU, {"product": product, "offer": offer}).scalar_one())


def _held(session: Session, one: int, other: int) -> tuple[int, int]:
    """Both SKUs as they now stand, locked in one order; a merge meanwhile is followed."""
    while True:
        now = current(session, [one, other])
        _hold(session, {now[one], now[other]})
        if current(session, [one, other]) == now:
            return now[one], now[other]


def _hold(session: Session, skus: Collection[int]) -> None:
    held = {row.id for row in session.execute(_HOLD, {"skus": sorted(skus)})}
    if missing := set(skus) - held:
        raise Problem(404, "not_found", f"there is no SKU {outside('sku', min(missing))}")


def _led_to(session: Session, sku: int) -> list[int]:
    rows = session.scalars(
        text("SELECT from_sku FROM sku_redirects WHERE to_sku = :sku ORDER BY from_sku"),
        {"sku": sku},
    )
    return list(rows)


def _move(session: Session, from_sku: int, to_sku: int, offers: Sequence[int], kind: str) -> None:
    asked = {"from": from_sku, "to": to_sku, "offers": list(offers), "kind": kind}
    session.execute(_MOVE, asked | {"to_id": outside("sku", to_sku)})


def _tell(session: Session, kind: str, moved: Moved, of: int) -> None:
    """One row for everybody: these two SKUs are one from now on, or two again. It is `of` the one
    that led on, or does so no more: whoever picked that hears both."""
    if not moved.offers:
        return
    affects = {"match": {kind: [outside("sku", moved.from_sku), outside("sku", moved.to_sku)]}}
    session.connection().exec_driver_sql(
        "INSERT INTO changes (offer_id, version, kind, sku_id, now, at)"
        " SELECT id, version, 'rule', %s, %s, clock_timestamp() FROM offers WHERE id = %s",
        (of, Jsonb({"affects": affects}), moved.offers[0]),
    )
