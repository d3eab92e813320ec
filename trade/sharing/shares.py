"""Shares: a leader lets others help to sell goods at her retail price, for a commission.

Whoever knows a code may look at it, so reading by code is done in system scope; what it earns is
shown to the sharer only. A helper who joins gets a page of her own with the same terms.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from catalog.matching.redirects import current
from catalog.models import Sku
from kit.errors import Problem, invalid
from kit.ids import inside, outside
from kit.money import line_amount, price_text, yuan
from trade import selections
from trade.desk import Desk
from trade.models import Party, Share, ShareSku
from trade.sharing import plans

_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"
_CODE = 10
MOST_SKUS = 50


@dataclass(frozen=True)
class Terms:
    """What a leader shares; `to` are the parties who may help, none: everybody."""

    skus: Sequence[str]
    retail_price: Decimal
    commission_ppm: int
    to: Sequence[str] = ()
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Under:
    """A share as one party orders under it; `helper` is None where the sharer orders herself."""

    share_id: int
    sharer: int
    helper: int | None
    retail_price: Decimal
    commission_ppm: int
    plan: str
    skus: frozenset[int]


def create(
    session: Session, desk: Desk, party_id: int, terms: Terms, now: datetime
) -> dict[str, Any]:
    """Share goods. Raises Problem 404 for an unknown SKU or party; 422 `invalid` for a retail price
    outside the corridor, for a rest that is negative, or for a time that is over."""
    skus = _skus(session, terms.skus)
    if terms.until is not None and terms.until <= max(now, terms.since or now):
        raise invalid("until", "it ends before it begins, or is over already")
    helpers = [inside("pty", one) for one in terms.to]
    known = session.scalars(select(Party.id).where(Party.id.in_(helpers))).all()
    if missing := set(helpers) - set(known):
        raise Problem(404, "not_found", f"there is no party {outside('pty', min(missing))!r}")
    _check_prices(session, desk, party_id, skus, terms, now)
    row = Share(
        party_id=party_id,
        code=_code(),
        retail_price=terms.retail_price,
        commission_ppm=terms.commission_ppm,
        to_parties=sorted(set(helpers)),
        valid_from=terms.since,
        valid_until=terms.until,
        plan=plans.PLAN,
        created_at=now,
    )
    session.add(row)
    session.flush()
    session.add_all(ShareSku(share_id=row.id, sku_id=sku, party_id=party_id) for sku in skus)
    session.flush()
    return view(session, row, party_id, now)


def join(session: Session, party_id: int, code: str, now: datetime) -> dict[str, Any]:
    """Become a helper, with a page of her own; again changes nothing.

    Raises Problem 404; 409 `share_closed`, `own_share`, or `third_earner` under another helper.
    """
    row, root = lines_of(session, code)
    if root.party_id == party_id and row is root:
        raise Problem(409, "own_share", "this share is your own; give its code to others")
    _admitted(session, row, root, party_id, now)
    fresh = {
        "party_id": party_id,
        "code": _code(),
        "parent_id": root.id,
        "retail_price": root.retail_price,
        "commission_ppm": root.commission_ppm,
        "plan": root.plan,
        "created_at": now,
    }
    session.execute(insert(Share).values(fresh).on_conflict_do_nothing())
    own = session.scalars(
        select(Share).where(Share.parent_id == root.id, Share.party_id == party_id)
    ).one()
    own.closed_at = None
    session.flush()
    return view(session, own, party_id, now)


def close(session: Session, party_id: int, code: str, now: datetime) -> None:
    """End one's own share, or leave one that was joined; orders placed stay. Again changes nothing.

    Raises Problem 404.
    """
    row = session.scalars(
        select(Share).where(Share.code == code, Share.party_id == party_id).with_for_update()
    ).one_or_none()
    if row is None:
        raise _unknown(code)
    row.closed_at = row.closed_at or now


def under(session: Session, party_id: int, code: str, now: datetime) -> Under:
    """The share that `party_id` orders under.

    Raises Problem 404; 409 `share_closed`, or `third_earner` with the path.
    """
    row, root = lines_of(session, code)
    own = row is root and root.party_id == party_id
    if own:
        _check_open(root, root, now)
    else:
        _admitted(session, row, root, party_id, now)
    return Under(
        root.id,
        root.party_id,
        None if own else party_id,
        root.retail_price,
        root.commission_ppm,
        root.plan,
        frozenset(skus_of(session, root.id)),
    )


def get(session: Session, party_id: int, code: str, now: datetime) -> dict[str, Any]:
    """A share as the party may know it. Raises Problem 404."""
    row, root = lines_of(session, code)
    if party_id not in (row.party_id, root.party_id, *root.to_parties) and root.to_parties:
        raise _unknown(code)
    return view(session, row, party_id, now)


def page(
    session: Session, party_id: int, now: datetime, *, limit: int = 50, after: int | None = None
) -> tuple[list[dict[str, Any]], int | None]:
    """What the party shares and helps with, the oldest first."""
    found = select(Share).where(Share.party_id == party_id).order_by(Share.id).limit(limit + 1)
    if after is not None:
        found = found.where(Share.id > after)
    rows = session.scalars(found).all()
    views = [view(session, row, party_id, now) for row in rows[:limit]]
    return views, rows[limit - 1].id if len(rows) > limit else None


def view(session: Session, row: Share, reader: int, now: datetime) -> dict[str, Any]:
    """A share in JSON; sums of its orders and earnings for its sharer only."""
    root = row if row.parent_id is None else session.get_one(Share, row.parent_id)
    price, ppm = root.retail_price, root.commission_ppm
    told: dict[str, Any] = {
        "code": row.code,
        "page": f"/s/{row.code}",
        "under": None if row is root else root.code,
        "sharer": session.get_one(Party, root.party_id).name,
        "mine": root.party_id == reader,
        "skus": [outside("sku", one) for one in skus_of(session, root.id)],
        "retail_price": price_text(price),
        "commission_ppm": ppm,
        "commission": yuan(plans.commission(price, ppm, 1)),
        "you_pay": yuan(plans.helper_pays(price, ppm, 1)),
        "from": root.valid_from,
        "until": root.valid_until,
        "status": status(row, root, now),
        "plan": root.plan,
        "created_at": row.created_at,
    }
    if root.party_id == reader:
        told["to"] = [outside("pty", one) for one in root.to_parties]
        told["sales"] = _sales(session, root.id)
    return told


def lines_of(session: Session, code: str) -> tuple[Share, Share]:
    """The share with this code, and the one it hangs on (itself). Raises Problem 404."""
    if "\0" in code:  # anybody may ask for anything
        raise _unknown(code)
    row = session.scalars(select(Share).where(Share.code == code)).one_or_none()
    if row is None:
        raise _unknown(code)
    return row, row if row.parent_id is None else session.get_one(Share, row.parent_id)


def skus_of(session: Session, share_id: int) -> list[int]:
    """The SKUs of a share, by their numbers of today."""
    own = session.scalars(
        select(ShareSku.sku_id).where(ShareSku.share_id == share_id).order_by(ShareSku.sku_id)
    ).all()
    now = current(session, own)
    return sorted({now.get(one, one) for one in own})


def status(row: Share, root: Share, now: datetime) -> str:
    """open | scheduled | ended | closed."""
    if row.closed_at is not None or root.closed_at is not None:
        return "closed"
    if root.valid_until is not None and root.valid_until <= now:
        return "ended"
    return "scheduled" if root.valid_from is not None and root.valid_from > now else "open"


def _admitted(session: Session, row: Share, root: Share, party_id: int, now: datetime) -> None:
    """Whether the party may earn here as a helper. Raises Problem 404, 409."""
    if root.to_parties and party_id not in root.to_parties and root.party_id != party_id:
        raise _unknown(row.code)
    _check_open(row, root, now)
    path = [root.party_id, *([row.party_id] if row is not root else [])]
    if path[-1] != party_id:
        path.append(party_id)
    names = {one.id: one.name for one in session.scalars(select(Party).where(Party.id.in_(path)))}
    plans.check_path([names[one] for one in path])


def _check_open(row: Share, root: Share, now: datetime) -> None:
    if (state := status(row, root, now)) != "open":
        raise Problem(409, "share_closed", f"this share is {state}; nothing is sold under it")


def _check_prices(
    session: Session,
    desk: Desk,
    party_id: int,
    skus: Sequence[int],
    terms: Terms,
    now: datetime,
) -> None:
    """Every SKU may be sold at that price, and leaves the sharer something. Raises Problem 422."""
    offered = selections.terms(session, desk, party_id, skus, now)
    left = plans.helper_pays(terms.retail_price, terms.commission_ppm, 1)
    for index, sku in enumerate(skus):
        one = offered[sku]
        if one.price is None or not one.granted:
            raise invalid(f"skus.{index}", "it is not sold to you at the moment", "not_sold")
        if fault := selections.corridor_fault(terms.retail_price, one.floor, one.ceiling):
            raise invalid("retail_price", fault, "outside_corridor")
        own = line_amount(one.price, 1)
        if left < own:
            raise invalid(
                "commission_ppm",
                f"{yuan(left)} of the retail price is left after the commission, and you pay"
                f" {yuan(own)} for {terms.skus[index]}; ask for more or share less",
                "negative_rest",
            )


def _skus(session: Session, names: Sequence[str]) -> list[int]:
    if len(set(names)) != len(names) or not 0 < len(names) <= MOST_SKUS:
        raise invalid("skus", f"name between 1 and {MOST_SKUS} SKUs, each once", "count")
    asked = [inside("sku", name) for name in names]
    now = current(session, asked)
    known = set(session.scalars(select(Sku.id).where(Sku.id.in_(now.values()))))
    for name, sku in zip(names, asked, strict=True):
        if now[sku] not in known:
            raise Problem(404, "not_found", f"there is no sku {name!r}")
    return [now[sku] for sku in asked]


_SALES = text("""
    SELECT count(DISTINCT o.id) AS orders,
           (SELECT count(*) FROM shares WHERE parent_id = :share) AS helpers,
           coalesce(sum(l.quantity - l.cancelled), 0) AS units,
           coalesce(sum(e.accrued - e.clawed - e.released), 0) AS frozen,
           coalesce(sum(e.released), 0) AS released, coalesce(sum(e.clawed), 0) AS clawed
    FROM orders o JOIN order_lines l ON l.order_id = o.id
    LEFT JOIN earnings e ON e.order_line_id = l.id
    WHERE o.share_id = :share
""")


def _sales(session: Session, share_id: int) -> dict[str, Any]:
    row = session.execute(_SALES, {"share": share_id}).one()
    money = {name: yuan(int(getattr(row, name))) for name in ("frozen", "released", "clawed")}
    return {"helpers": row.helpers, "orders": row.orders, "units": int(row.units), **money}


def _code() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(_CODE))


def _unknown(code: str) -> Problem:
    return Problem(404, "not_found", f"there is no share {code!r}")
