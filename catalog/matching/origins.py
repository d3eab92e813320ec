"""Where the offers of a SKU were merged from, so that any of them can go back, in any order.

A SKU that leads to another since a merge is a home of what that merge brought. Homes lie in one
another: a chain a → b → c makes b a home in c, and a one in b, and each may be left by itself. What
is left there leads on to where its goods still are.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import text
from sqlalchemy.orm import Session


@dataclass(frozen=True)
class Home:
    """A SKU that was merged into another, by the merge of this id."""

    merge: int
    sku: int
    offers: frozenset[int]
    """What came from it and is still there."""
    inner: tuple[int, ...]
    """The SKUs that had been merged into it before, and are still."""


_HOMES = text("""
    SELECT DISTINCT ON (r.from_sku) g.id, r.from_sku, g.offers, g.redirects
    FROM sku_redirects r JOIN regroupings g
      ON g.from_sku = r.from_sku AND g.kind = 'merge' AND g.undone_at IS NULL
    WHERE r.to_sku = :sku ORDER BY r.from_sku, g.id DESC
""")
_PARTED = text("""
    WITH RECURSIVE led AS (
      SELECT unnest(CAST(:skus AS bigint[])) AS sku
      UNION SELECT g.to_sku FROM led JOIN regroupings g
        ON g.from_sku = led.sku AND g.kind = 'merge')
    SELECT id, offers FROM regroupings
    WHERE kind = 'split' AND from_sku IN (SELECT sku FROM led)
""")
"""Splits of whatever these SKUs ever led to."""
_LEAD = text("""
    INSERT INTO sku_redirects (from_sku, to_sku) SELECT one, :to FROM unnest(:skus) one
    ON CONFLICT (from_sku) DO UPDATE SET to_sku = excluded.to_sku
""")
_UNLEAD = text("DELETE FROM sku_redirects WHERE from_sku = :sku")
_UNDONE = text("UPDATE regroupings SET undone_at = :at WHERE id = ANY(:merges)")
_NOTE = text("""
    INSERT INTO regroupings (kind, from_sku, to_sku, offers, redirects, by, at)
    VALUES (:kind, :from, :to, :offers, :redirects, :by, coalesce(:at, clock_timestamp()))
    RETURNING at
""")


def homes(session: Session, sku: int, here: Collection[int]) -> list[Home]:
    """The SKUs that lead to this one, of whose offers these are `here`; the last merged first."""
    rows = sorted(session.execute(_HOMES, {"sku": sku}), key=lambda row: -row.id)
    merges = {row.from_sku: row.id for row in rows}
    brought = {row.from_sku: frozenset(row.offers) for row in rows}
    parted = session.execute(_PARTED, {"skus": list(merges)}).all() if merges else []
    found: list[Home] = []
    for row in rows:
        later = [one for one in found if row.from_sku not in one.inner]
        beside = {sku for one in later for sku in one.inner}
        inner = tuple(
            one for one in row.redirects if merges.get(one, row.id) < row.id and one not in beside
        )
        gone = [one.offers for one in parted if one.id > row.id]
        left = brought[row.from_sku] & frozenset(here)
        left = left.difference(*gone, *(one.offers for one in later))
        found.append(Home(row.id, row.from_sku, left, inner))
    return found


def home_of(among: Sequence[Home], offers: Collection[int]) -> Home | None:
    """The home of exactly these offers, with all that is in it or by itself. Pure."""
    whole = next((one for one in among if one.offers == offers), None)
    return whole or next((one for one in among if _own(one, among) == offers), None)


def _own(home: Home, among: Sequence[Home]) -> frozenset[int]:
    """Its offers without those of the homes in it."""
    return home.offers.difference(*(one.offers for one in among if one.sku in home.inner))


def returned(
    session: Session,
    home: Home,
    offers: Collection[int],
    among: Sequence[Home],
    left: int,
    by: str,
    at: datetime,
) -> None:
    """Its SKU stands for itself again since `at`, with these `offers`; what had been merged into it
    before comes along, or stays in the SKU that is `left`.

    That is the moment at which its offers are back: a SKU never stands for none in between.
    """
    session.execute(_UNLEAD, {"sku": home.sku})
    if not home.inner:
        undone = [home.merge]
    elif set(offers) == home.offers:
        lead(session, home.inner, home.sku)
        undone = [home.merge]
    else:
        nested = {one for other in among if other.sku in home.inner for one in other.inner}
        staying = [x for x in among if x.sku in home.inner and x.sku not in nested]
        for one in staying:
            note(session, "merge", one.sku, left, sorted(one.offers), one.inner, by, at)
        undone = [home.merge, *(one.merge for one in staying)]
    session.execute(_UNDONE, {"merges": undone, "at": at})


def lead(session: Session, skus: Collection[int], to: int) -> None:
    """These SKUs stand for `to` from now on."""
    session.execute(_LEAD, {"to": to, "skus": list(skus)})


def note(
    session: Session,
    kind: str,
    from_sku: int,
    to_sku: int,
    offers: Sequence[int],
    redirects: Sequence[int],
    by: str,
    at: datetime | None = None,
) -> datetime:
    """Write down who moved where, now or `at`; returns when that was."""
    row = {"kind": kind, "from": from_sku, "to": to_sku, "by": by, "at": at}
    moved: Mapping[str, Any] = {"offers": Jsonb(list(offers)), "redirects": Jsonb(list(redirects))}
    noted: datetime = session.execute(_NOTE, {**row, **moved}).scalar_one()
    return noted
