"""The review queue: claims that wait for a person, and what a decision does."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog.matching import joining
from catalog.matching.redirects import current
from kit.errors import Problem
from kit.ids import outside

STATES = ("review", "joined", "accepted", "rejected")


@dataclass(frozen=True)
class Claim:
    """An offer said to be for a SKU, with the evidence."""

    id: int
    kind: str
    state: str
    score: Decimal
    evidence: list[dict[str, Any]]
    offer_id: int
    source: str
    external_id: str
    seller: str | None
    title: str
    brand: str | None
    attributes: dict[str, Any] | None
    own_sku_id: int
    sku_id: int
    product_id: int
    product_title: str
    created_at: datetime
    decided_at: datetime | None
    decided_by: str | None


_CLAIMS = """
    SELECT m.id, m.kind, m.state, m.score, m.evidence, o.id AS offer_id, o.source, o.external_id,
      o.seller, o.title, o.brand, o.attributes, o.sku_id AS own_sku_id, m.sku_id, k.product_id,
      p.title AS product_title, m.created_at, m.decided_at, m.decided_by
    FROM matches m JOIN offers o ON o.id = m.offer_id JOIN skus k ON k.id = m.sku_id
    JOIN products p ON p.id = k.product_id WHERE {which}"""
_PAGE = text(_CLAIMS.format(which="m.state = :state AND m.id > :after ORDER BY m.id LIMIT :limit"))
_ONE = text(_CLAIMS.format(which="m.id = :id"))
_HOLD = text("SELECT state, kind, offer_id, sku_id FROM matches WHERE id = :id FOR UPDATE")
_DECIDE = text("""
    UPDATE matches SET state = :state, decided_at = :now, decided_by = :by WHERE id = :id
""")


def page(
    session: Session, state: str = "review", *, limit: int = 50, after: int = 0
) -> tuple[list[Claim], int | None]:
    """Claims in this state, oldest first, and the id after which the next page starts.

    Raises Problem 422 for a state that there is not.
    """
    if state not in STATES:
        raise Problem(422, "invalid", f"state is one of {', '.join(STATES)}")
    rows = session.execute(_PAGE, {"state": state, "after": after, "limit": limit + 1}).all()
    claims = [Claim(**row._mapping) for row in rows[:limit]]
    return claims, claims[-1].id if len(rows) > limit else None


def get(session: Session, claim: int) -> Claim:
    """One claim. Raises Problem 404."""
    row = session.execute(_ONE, {"id": claim}).one_or_none()
    if row is None:
        raise Problem(404, "not_found", f"there is no match {outside('mat', claim)}")
    return Claim(**row._mapping)


def accept(session: Session, claim: int, by: str, now: datetime) -> Claim:
    """The offer is for that SKU: its own SKU is merged into it. Accepting again changes nothing;
    what was rejected or split before is put together again.

    Raises Problem 404; 409 `decided` where matching joined them by itself.
    """
    held = _held(session, claim, ("rejected", "accepted"))
    if held.state != "accepted":
        if held.kind == "match" or held.state == "rejected":
            joining.merge(session, get(session, claim).own_sku_id, held.sku_id, by)
        _decide(session, claim, "accepted", by, now)
    return get(session, claim)


def reject(session: Session, claim: int, by: str, now: datetime) -> Claim:
    """The offer is not for that SKU, and is never proposed for it again.

    Where it stands there (`drift`), it gets a SKU of its own, unless it is alone. Raises Problem
    404; 409 `decided` when it was accepted before.
    """
    held = _held(session, claim, ("rejected",))
    if held.state == "review":
        if held.kind == "drift":
            _part(session, held.offer_id, held.sku_id, by)
        _decide(session, claim, "rejected", by, now)
    return get(session, claim)


def _held(session: Session, claim: int, others: tuple[str, ...]) -> Any:
    held = session.execute(_HOLD, {"id": claim}).one_or_none()
    if held is None:
        raise Problem(404, "not_found", f"there is no match {outside('mat', claim)}")
    if held.state not in ("review", *others):
        raise Problem(
            409,
            "decided",
            f"this match is {held.state} already; split the product to take offers apart",
        )
    return held


def _decide(session: Session, claim: int, state: str, by: str, now: datetime) -> None:
    session.execute(_DECIDE, {"id": claim, "state": state, "by": by, "now": now})


_OTHERS = text("SELECT count(*) FROM offers WHERE sku_id = :sku AND id <> :offer")


def _part(session: Session, offer: int, sku: int, by: str) -> None:
    here = current(session, [sku])[sku]
    if session.execute(_OTHERS, {"sku": here, "offer": offer}).scalar_one():
        joining.split(session, here, [offer], by)


_REFUSE = text("""
    INSERT INTO matches (kind, offer_id, sku_id, state, score, evidence, decided_at, decided_by)
    SELECT 'match', one, :sku, 'rejected', 0, '[]', :now, :by FROM unnest(:offers) one
    ON CONFLICT (offer_id, sku_id, kind) DO UPDATE SET state = 'rejected',
      decided_at = excluded.decided_at, decided_by = excluded.decided_by
""")
_NAMED = text("""
    SELECT o.id, o.sku_id FROM offers o JOIN skus k ON k.id = o.sku_id
    JOIN unnest(CAST(:sources AS text[]), CAST(:ids AS text[])) a(source, external_id)
      ON a.source = o.source AND a.external_id = o.external_id
    WHERE k.product_id = :product
""")


def split(
    session: Session,
    product: int,
    offers: list[tuple[str, str]],
    by: str,
    now: datetime,
) -> list[joining.Moved]:
    """Take offers, named by (source, external id), out of the SKUs of a product; where only the
    others were merged from another SKU, those go back to it instead.

    What left is not proposed for those SKUs again. Raises Problem 409 `not_split`.
    """
    rows = session.execute(
        _NAMED,
        {
            "sources": [source for source, _ in offers],
            "ids": [external_id for _, external_id in offers],
            "product": product,
        },
    ).all()
    if len(rows) != len(set(offers)) or not rows:
        raise Problem(409, "not_split", "these offers are not all of this product; read it again")
    leaving: dict[int, list[int]] = {}
    for row in rows:
        leaving.setdefault(row.sku_id, []).append(row.id)
    moved = []
    for sku in sorted(leaving):
        apart = joining.split(session, sku, leaving[sku], by, either=True)
        refused = {"sku": apart.from_sku, "offers": list(apart.offers), "by": by, "now": now}
        session.execute(_REFUSE, refused)
        moved.append(apart)
    return moved
