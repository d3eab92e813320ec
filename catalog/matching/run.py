"""Matches some new offers with the catalogue, set-wise; `settling` takes them from their queue.

1. Each new offer's facts and keys are read. 2. One query finds the offers of other owners that
share keys. 3. Pairs are judged. 4. Sure ones join; likely ones wait for a person, with evidence.

A source knows its own goods: two codes of one owner are never joined without a person.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog.matching import brands
from catalog.matching.facts import Brands, Facts, Listed, facts
from catalog.matching.keys import keys, owner
from catalog.matching.verdict import Verdict, compare
from catalog.matching.weights import weights
from kit.db import cursor

BLOCK = 200
"""Offers under one key that are looked at; a key with more tells too little."""

CANDIDATES = 6
"""Offers that a new one is compared with, those with the most keys in common."""

SHARED_GTIN = 3
"""SKUs under one GTIN from which on it identifies nothing: one number for a whole range."""


@dataclass(frozen=True)
class Fresh:
    """A new offer; `n` is its id."""

    n: int
    seller: str | None
    listed: Listed


@dataclass(frozen=True)
class Found:
    """What is to be remembered of one new offer."""

    n: int
    sku_id: int | None
    """The SKU it joins, or None: it gets one of its own."""
    claims: list[tuple[int, Verdict, str]] = field(default_factory=list)
    """(SKU, verdict, joined or review)."""


_CANDIDATES = """
    SELECT n, offer_id FROM (
      SELECT n, offer_id, row_number() OVER (PARTITION BY n ORDER BY count(*) DESC, offer_id) AS at
      FROM unnest(%(ns)s::bigint[], %(keys)s::bigint[], %(owners)s::int[]) f(n, key, owner),
        LATERAL (SELECT offer_id, m.owner FROM match_keys m WHERE m.key = f.key LIMIT %(block)s) m
      WHERE m.owner <> f.owner AND (offer_id < n OR offer_id <> ALL(%(batch)s::bigint[]))
      GROUP BY n, offer_id) ranked
    WHERE at <= %(most)s"""
_STAND = """
    INSERT INTO match_keys (key, owner, offer_id)
    SELECT * FROM unnest(%s::bigint[], %s::int[], %s::bigint[]) ON CONFLICT DO NOTHING"""
_OFFERS = """
    SELECT o.id, o.sku_id, o.title, o.brand, o.category, o.gtin, o.mpn, o.pack, o.unit,
      o.attributes, (SELECT min(price) FROM prices p WHERE p.offer_id = o.id) AS price
    FROM offers o WHERE o.id = ANY(%s) AND o.state <> 'gone'"""
_OWNED = text("""
    SELECT DISTINCT sku_id, seller FROM offers
    WHERE sku_id = ANY(:skus) AND source = :source AND state = 'live'
""")
_HOLD = text("SELECT id FROM skus WHERE id = ANY(:skus) ORDER BY id FOR KEY SHARE")
_LED = text("SELECT from_sku, to_sku FROM sku_redirects WHERE from_sku = ANY(:skus)")


def match(session: Session, source: str, fresh: Sequence[Fresh]) -> list[Found]:
    """Where each of these new offers of `source` belongs. Brands' names and keys are written.

    Of two that are new, the later may join the earlier. SKUs that are joined are held as they are
    until the transaction ends.
    """
    if not fresh:
        return []
    brands.learn(session, ((one.listed.brand, one.listed.title) for one in fresh))
    known = brands.known(session)
    read = {one.n: facts(one.listed, known) for one in fresh}
    under = {n: keys(found) for n, found in read.items()}
    owners = {one.n: owner(source, one.seller) for one in fresh}
    stand(session, under, owners)
    near = _near(session, under, owners, known)
    claims = {n: _judge(read[n], near.get(n, [])) for n in read}
    sure = _sure(claims)
    kept = _one_owner(session, source, {one.n: one.seller for one in fresh}, sure)
    return [_found(n, claims[n], kept.get(n)) for n in read]


def remember(session: Session, found: Iterable[Found]) -> None:
    """Write the claims of new offers."""
    claims = [
        (one.n, sku_id, state, verdict.score, Jsonb(told(verdict)))
        for one in found
        for sku_id, verdict, state in one.claims
    ]
    if claims:
        with cursor(session) as at:
            at.executemany(
                "INSERT INTO matches (kind, offer_id, sku_id, state, score, evidence)"
                " VALUES ('match', %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
                claims,
            )


def stand(session: Session, under: Mapping[int, list[int]], owners: Mapping[int, int]) -> None:
    """Write under which keys these offers stand; some may stand since their titles changed."""
    rows = [(key, owners[n], n) for n, own in under.items() for key in own]
    if rows:
        with cursor(session) as at:
            at.execute(_STAND, [list(column) for column in zip(*rows, strict=True)])


def told(verdict: Verdict) -> list[dict[str, Any]]:
    """A verdict's evidence as it is stored and shown."""
    return [{"code": e.code, "weight": e.weight, "words": e.words} for e in verdict.evidence]


def listed(row: Any) -> Listed:
    """An offer's row as matching reads it."""
    return Listed(
        title=row.title,
        brand=row.brand,
        category=row.category,
        gtin=row.gtin,
        mpn=row.mpn,
        pack=row.pack,
        unit=row.unit,
        attributes=row.attributes,
        price=None if row.price is None else Decimal(row.price),
    )


def _near(
    session: Session,
    under: Mapping[int, list[int]],
    owners: Mapping[int, int],
    known: Brands,
) -> dict[int, list[tuple[int, Facts]]]:
    """The offers of others that share keys, as (SKU, facts), for each new one."""
    asked = [(n, key, owners[n]) for n, own in under.items() for key in own]
    facts_of: dict[int, tuple[int, Facts]] = {}
    with cursor(session) as at:
        at.execute(
            _CANDIDATES,
            {
                "ns": [n for n, _, _ in asked],
                "keys": [key for _, key, _ in asked],
                "owners": [own for _, _, own in asked],
                "batch": list(under),
                "block": BLOCK,
                "most": CANDIDATES,
            },
        )
        pairs = at.fetchall()
        at.execute(_OFFERS, [sorted({offer for _, offer in pairs})])
        for row in at.fetchall():
            one = Listed(*row[2:])
            facts_of[row[0]] = (row[1], facts(one, known))
    near: dict[int, list[tuple[int, Facts]]] = defaultdict(list)
    for n, offer in pairs:
        if offer in facts_of:
            near[n].append(facts_of[offer])
    return near


def _judge(mine: Facts, near: list[tuple[int, Facts]]) -> list[tuple[int, Verdict]]:
    """A verdict per SKU, the best first. One veto against any of its offers keeps it away."""
    of_gtin = {sku for sku, theirs in near if theirs.gtin and theirs.gtin == mine.gtin}
    if len(of_gtin) >= SHARED_GTIN:
        mine = mine._replace(gtin=None)
    verdicts: dict[int, list[Verdict]] = defaultdict(list)
    for sku, theirs in near:
        verdicts[sku].append(compare(mine, theirs))
    best = [
        (sku, max(judged, key=lambda verdict: verdict.score))
        for sku, judged in verdicts.items()
        if not any(verdict.vetoes for verdict in judged)
    ]
    likely = [(sku, verdict) for sku, verdict in best if verdict.decision != "apart"]
    return sorted(likely, key=lambda one: -one[1].score)


def _sure(claims: Mapping[int, list[tuple[int, Verdict]]]) -> dict[int, int]:
    """n → the SKU that it may join: the best one, far enough ahead of the next."""
    sure = {}
    for n, judged in claims.items():
        if not judged or judged[0][1].decision != "join":
            continue
        if len(judged) > 1 and judged[0][1].score - judged[1][1].score < weights().margin:
            continue
        sure[n] = judged[0][0]
    return sure


def _one_owner(
    session: Session, source: str, sellers: Mapping[int, str | None], sure: Mapping[int, int]
) -> dict[int, int]:
    """Without joins that would give an owner two offers of one SKU, and of SKUs merged away."""
    if not sure:
        return {}
    skus = sorted(set(sure.values()))
    held = set(session.scalars(_HOLD, {"skus": skus}))
    led = {row.from_sku for row in session.execute(_LED, {"skus": skus})}
    taken = {
        (row.sku_id, row.seller)
        for row in session.execute(_OWNED, {"skus": skus, "source": source})
    }
    wanted: dict[tuple[int, str | None], list[int]] = defaultdict(list)
    for n, sku in sure.items():
        if sku in held and sku not in led:
            wanted[sku, sellers[n]].append(n)
    return {
        ns[0]: sku
        for (sku, seller), ns in wanted.items()
        if len(ns) == 1 and (sku, seller) not in taken
    }


def _found(n: int, judged: list[tuple[int, Verdict]], joins: int | None) -> Found:
    if joins is not None:
        verdict = next(verdict for sku, verdict in judged if sku == joins)
        return Found(n, joins, [(joins, verdict, "joined")])
    return Found(n, None, [(sku, verdict, "review") for sku, verdict in judged[:2]])
