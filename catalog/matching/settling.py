"""New offers meet the catalogue: each got a SKU of its own when it was listed, and joins another's
here, set-wise, some at a time.

A run that brings few new offers settles them before it is done. Reading and comparing titles costs
ten times what writing a row costs: a first load is in the catalogue before the first of its goods
is matched, and its offers are settled behind it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog.matching import joining, run
from catalog.matching.run import Found, Fresh, listed
from kit.ids import outside

AT_ONCE = 1_000

IN_RUN = 5_000
"""New offers up to which the run that brings them settles them: ten seconds or so. Everyday lists
bring tens; a first load of more is settled behind it, so that it is on sale at once.
"""

_LOCK = 0x48504D41  # "HPMA"
_ALONE = text("SELECT pg_try_advisory_xact_lock(:lock)")
_IN_TURN = text("SELECT pg_advisory_xact_lock(:lock)")
_ANY = "SELECT offer_id FROM match_queue ORDER BY offer_id LIMIT :most FOR UPDATE SKIP LOCKED"
_OF_RUN = """SELECT q.offer_id FROM match_queue q JOIN offers o ON o.id = q.offer_id
      WHERE q.offer_id > :since AND o.source = :source
      ORDER BY q.offer_id LIMIT :most"""
_LAST = text("SELECT coalesce(max(id), 0) FROM offers")
_FEW = text("SELECT count(*) FROM ({due}) waiting".replace("{due}", _OF_RUN))
TOLD = """o.id, o.source, o.seller, o.sku_id, o.title, o.brand, o.category, o.mpn, o.pack, o.unit,
      o.attributes, (SELECT min(price) FROM prices p WHERE p.offer_id = o.id) AS price,
      CASE WHEN (SELECT count(*) FROM (
        SELECT FROM skus k JOIN offers x ON x.sku_id = k.id
        WHERE k.gtin = o.gtin AND x.source = o.source AND x.state <> 'gone' LIMIT 2) twins) < 2
      THEN o.gtin END AS gtin"""
"""What offers `o` are matched by, in SQL."""

_NEXT = """
    WITH due AS ({due}), taken AS (
      DELETE FROM match_queue q USING due WHERE q.offer_id = due.offer_id RETURNING q.offer_id
    )
    SELECT {told} FROM taken JOIN offers o ON o.id = taken.offer_id ORDER BY o.source, o.id
""".replace("{told}", TOLD)
_NEXT_OF_ALL = text(_NEXT.replace("{due}", _ANY))
_NEXT_OF_RUN = text(_NEXT.replace("{due}", f"{_OF_RUN} FOR UPDATE OF q SKIP LOCKED"))
_AGAIN = text("INSERT INTO match_queue SELECT unnest(CAST(:offers AS bigint[]))")
_TAKEN = text("SELECT count(*) FROM match_queue")
_ALONE_THERE = text("""
    SELECT o.sku_id FROM offers o WHERE o.sku_id = ANY(:skus)
      AND NOT EXISTS (SELECT FROM sku_redirects r WHERE o.sku_id IN (r.from_sku, r.to_sku))
    GROUP BY o.sku_id HAVING count(*) = 1
""")
_HOLD = text("SELECT id FROM skus WHERE id = ANY(:skus) ORDER BY id FOR UPDATE")
_MOVE = """
    WITH pairs AS (
      SELECT * FROM unnest(%(offers)s::bigint[], %(froms)s::bigint[], %(tos)s::bigint[],
        %(names)s::text[], %(affects)s::jsonb[]) p(offer_id, from_sku, to_sku, name, affects)
    ), moved AS (
      UPDATE offers o SET sku_id = p.to_sku, version = version + 1 FROM pairs p
      WHERE o.id = p.offer_id
      RETURNING o.id, o.version, o.state, p.from_sku, p.to_sku, p.name, p.affects
    ), told AS (
      SELECT *, jsonb_build_object(
        'price', coalesce((SELECT jsonb_object_agg(mode, price::text) FROM prices p
          WHERE p.offer_id = m.id), '{}'),
        'stock', (SELECT jsonb_build_object('state', s.state, 'quantity', s.quantity)
          FROM stocks s WHERE s.offer_id = m.id AND s.region = '')) AS said
      FROM moved m
    ), led AS (
      INSERT INTO sku_redirects (from_sku, to_sku) SELECT from_sku, to_sku FROM moved
      ON CONFLICT (from_sku) DO UPDATE SET to_sku = excluded.to_sku
    ), noted AS (
      INSERT INTO regroupings (kind, from_sku, to_sku, offers, redirects, by)
      SELECT 'merge', from_sku, to_sku, jsonb_build_array(id), '[]', 'matching' FROM moved
    )
    INSERT INTO changes (offer_id, version, kind, sku_id, was, now, at)
    SELECT id, version, e.kind, e.sku, e.was, e.now, clock_timestamp() FROM told, LATERAL (VALUES
      ('gone', from_sku, said, jsonb_build_object('moved_to', name), state = 'live'),
      ('listed', to_sku, NULL::jsonb, said, state = 'live'),
      ('rule', from_sku, NULL, jsonb_build_object('affects', affects), true)
    ) e(kind, sku, was, now, happened) WHERE e.happened"""


def settle(session: Session, most: int = AT_ONCE) -> int:
    """Match the next offers that wait; returns how many were looked at. 0: none wait, or another
    process is at it. Keep the transaction short: commit right after. Runs in system scope.
    """
    if not alone(session):
        return 0
    return _settled(session, session.execute(_NEXT_OF_ALL, {"most": most}))


def alone(session: Session) -> bool:
    """Whether no other process matches until this transaction ends."""
    return bool(session.execute(_ALONE, {"lock": _LOCK}).scalar_one())


def newest(session: Session) -> int:
    """The last offer that there is: what a run brings after this stands behind it."""
    return int(session.execute(_LAST).scalar_one())


def few(session: Session, source: str, since: int) -> bool:
    """Whether the run of `source` that brought what stands behind `since` settles it itself."""
    asked = {"source": source, "since": since, "most": IN_RUN + 1}
    return 0 < int(session.execute(_FEW, asked).scalar_one()) <= IN_RUN


def settle_run(session: Session, source: str, since: int, most: int = AT_ONCE) -> int:
    """As `settle`, for the offers of `source` behind `since`, in turn with other processes."""
    session.execute(_IN_TURN, {"lock": _LOCK})
    asked = {"source": source, "since": since, "most": most}
    return _settled(session, session.execute(_NEXT_OF_RUN, asked))


def _settled(session: Session, waiting: Iterable[Any]) -> int:
    by_source: dict[str, list[Any]] = defaultdict(list)
    for row in waiting:
        by_source[row.source].append(row)
    own = {row.id: row.sku_id for rows in by_source.values() for row in rows}
    found: list[Found] = []
    for source, rows in by_source.items():
        found += run.match(session, source, [Fresh(r.id, r.seller, listed(r)) for r in rows])
    found = _one_way(found, own)
    again = later(found, own)
    if again:  # what they would join moves itself: they are looked at again where it will be
        session.execute(_AGAIN, {"offers": sorted(again)})
    found = [one for one in found if one.n not in again]
    run.remember(session, found)
    _join(session, {one.n: (own[one.n], one.sku_id) for one in found if one.sku_id is not None})
    return len(own)


def _one_way(found: Iterable[Found], own: Mapping[int, int]) -> list[Found]:
    """Without claims on their own SKUs, and of two that would join each other the later one's: the
    earlier SKU stays.
    """
    joins = {own[one.n]: one.sku_id for one in found if one.sku_id is not None}
    kept = []
    for one in found:
        mine = own[one.n]
        if one.sku_id == mine or (
            one.sku_id is not None and mine < one.sku_id and joins.get(one.sku_id) == mine
        ):
            kept.append(Found(one.n, None))
        else:
            claims = [claim for claim in one.claims if claim[0] != mine]
            kept.append(Found(one.n, one.sku_id, claims))
    return kept


def later(found: Sequence[Found], own: Mapping[int, int]) -> set[int]:
    """Those that would join what moves itself. Of some in a circle the last one moves."""
    moving = [one for one in found if one.sku_id is not None]
    leaving = {own[one.n] for one in moving}
    waiting_for = {one.n for one in moving if one.sku_id in leaving}
    if waiting_for and len(waiting_for) == len(moving):
        waiting_for.remove(max(waiting_for))
    return waiting_for


def waiting(session: Session) -> int:
    """How many new offers wait to be matched."""
    return int(session.execute(_TAKEN).scalar_one())


def _join(session: Session, joins: Mapping[int, tuple[int, int]]) -> None:
    """Offer → (its own SKU, the one that it joins): those alone in theirs all at once."""
    if not joins:
        return
    touched = sorted({sku for pair in joins.values() for sku in pair})
    session.execute(_HOLD, {"skus": touched})
    froms = [own for own, _ in joins.values()]
    alone = set(session.scalars(_ALONE_THERE, {"skus": froms}))
    moving = set(froms)
    simple = {
        offer: (own, to)
        for offer, (own, to) in joins.items()
        if own in alone and to not in moving and own != to
    }
    if simple:
        _move(session, simple)
    for offer, (own, to) in joins.items():
        if offer not in simple:
            joining.merge(session, own, to, "matching")


def _move(session: Session, moves: Mapping[int, tuple[int, int]]) -> None:
    names: Sequence[tuple[str, str]] = [
        (outside("sku", own), outside("sku", to)) for own, to in moves.values()
    ]
    session.connection().exec_driver_sql(
        _MOVE,
        {
            "offers": list(moves),
            "froms": [own for own, _ in moves.values()],
            "tos": [to for _, to in moves.values()],
            "names": [to for _, to in names],
            "affects": [Jsonb({"match": {"merge": list(pair)}}) for pair in names],
        },
    )
