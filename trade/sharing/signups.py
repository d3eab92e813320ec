"""Sign-ups (接龙): customers say on a page what they want; the page's owner orders it.

Nothing is paid by signing up. A customer is kept as recipients are, sealed and masked.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from connectors.model import ShipTo
from kit.db import Database, take_turn
from kit.errors import Problem, invalid
from kit.ids import inside, outside
from trade import addresses, order_views, orders, recipients
from trade.desk import Desk
from trade.hearing import Hearing
from trade.models import Order, Recipient, Share, Signup
from trade.orders import OrderRequest
from trade.planning import LineRequest
from trade.sharing import share_pages, shares

MOST_UNITS = 999
MOST_A_SHARE = 5_000
"""So many sign-ups one page takes."""
LONGEST = {"name": 50, "mobile": 30, "address": 200, "note": 100}
"""So many characters a customer may write in each field."""

Placed = tuple[dict[str, Any], bool] | Problem


def sign_up(
    session: Session,
    desk: Desk,
    code: str,
    sku: str,
    quantity: int,
    customer: Mapping[str, str],
    nonce: str,
    now: datetime,
) -> bool:
    """A customer (`name`, `mobile`, `address` or "", `note`) wants goods of a page; whether it was
    new.

    System scope. Raises Problem 404; 409 `share_closed`, `out_of_stock` or `full`; 422 naming the
    fields.
    """
    row, root = shares.lines_of(session, code)
    if (state := shares.status(row, root, now)) != "open":
        raise Problem(409, "share_closed", f"this page is {state}")
    shared = {outside("sku", one): one for one in shares.skus_of(session, root.id)}
    if sku not in shared:
        raise invalid("sku", "this is not on the page")
    if not 0 < quantity <= MOST_UNITS:
        raise invalid("quantity", f"between 1 and {MOST_UNITS}")
    to = _customer(customer)
    [wanted] = share_pages.goods(session, desk, row.party_id, [shared[sku]], now)
    if wanted.stock == "out":
        raise Problem(409, "out_of_stock", "there is none of this left; choose other goods")
    take_turn(session, f"signups {row.id}")
    there = select(Signup.id).where(Signup.share_id == row.id, Signup.nonce == nonce)
    if session.scalar(there) is not None:
        return False
    count = select(func.count()).where(Signup.share_id == row.id)
    if session.execute(count).scalar_one() >= MOST_A_SHARE:
        raise Problem(409, "full", "this page takes no more sign-ups")
    session.execute(
        insert(Signup).values(
            party_id=row.party_id,
            share_id=row.id,
            sku_id=shared[sku],
            quantity=quantity,
            recipient_id=recipients.seal(session, desk.keyring, row.party_id, to, "signup"),
            note=customer["note"].strip(),
            nonce=nonce,
            created_at=now,
        )
    )
    return True


def page(
    session: Session,
    party_id: int,
    *,
    share: str | None = None,
    ordered: bool | None = None,
    limit: int = 50,
    after: int | None = None,
) -> tuple[list[dict[str, Any]], int | None]:
    """Who signed up on the party's pages, the oldest first."""
    found = (
        select(Signup, Share.code, Recipient)
        .join(Share, Share.id == Signup.share_id)
        .join(Recipient, Recipient.id == Signup.recipient_id)
        .where(Signup.party_id == party_id)
        .order_by(Signup.id)
        .limit(limit + 1)
    )
    if share is not None:
        found = found.where(Share.code == share)
    if ordered is not None:
        found = found.where(Signup.order_id.is_not(None) if ordered else Signup.order_id.is_(None))
    if after is not None:
        found = found.where(Signup.id > after)
    rows = session.execute(found).all()
    views = [_view(*row) for row in rows[:limit]]
    return views, rows[limit - 1][0].id if len(rows) > limit else None


def order(
    db: Database,
    desk: Desk,
    party_id: int,
    ids: Sequence[str],
    most: int,
    ship_to: ShipTo | None,
    clock: Callable[[], datetime],
    hearing: Hearing,
) -> list[Placed]:
    """Order for each sign-up in a transaction of its own, together for `most` fen at most; where
    only platforms can say what it costs, `hearing` asks them.

    A sign-up's id is the reference of its order, so that ordering again places nothing twice.
    """

    def placed(one: str) -> tuple[dict[str, Any], bool, int]:
        with db.as_system() as session:
            return _order(session, desk, party_id, one, most, ship_to, clock())

    def request(one: str) -> OrderRequest:
        with db.as_system() as session:
            return _request(session, desk, _row(session, party_id, one), most, ship_to)

    results: list[Placed] = []
    for one in ids:
        try:
            view, new, cost = hearing.placed(partial(placed, one), partial(request, one))
            results.append((view, new))
            most -= cost
        except Problem as problem:
            results.append(problem)
    return results


def _order(
    session: Session,
    desk: Desk,
    party_id: int,
    name: str,
    most: int,
    ship_to: ShipTo | None,
    now: datetime,
) -> tuple[dict[str, Any], bool, int]:
    row = _row(session, party_id, name)
    if row.order_id is not None:
        return (
            order_views.by_id(session, party_id, row.order_id),
            False,
            _cost(session, row.order_id),
        )
    request = _request(session, desk, row, most, ship_to)
    row.order_id, new = orders.place(session, desk, party_id, request, now)
    session.flush()
    return order_views.by_id(session, party_id, row.order_id), new, _cost(session, row.order_id)


def _row(session: Session, party_id: int, name: str) -> Signup:
    row = session.get(Signup, inside("sig", name), with_for_update=True, populate_existing=True)
    if row is None or row.party_id != party_id:
        raise Problem(404, "not_found", f"there is no sign-up {name!r}")
    return row


def _request(
    session: Session, desk: Desk, row: Signup, most: int, ship_to: ShipTo | None
) -> OrderRequest:
    to = ship_to or recipients.reveal(
        session, desk.keyring, row.recipient_id, row.party_id, "order for a sign-up"
    )
    if not to.region:
        raise Problem(
            409, "address_missing", "this customer left no address; give ship_to to send it there"
        )
    return OrderRequest(
        reference=outside("sig", row.id),
        lines=(LineRequest(row.quantity, outside("sku", row.sku_id)),),
        ship_to=to,
        max_total=most,
        share=session.get_one(Share, row.share_id).code,
        buyer_note=row.note or None,
    )


def _cost(session: Session, order_id: int) -> int:
    """What an order costs counts also when it was placed before: the consent is to all of it."""
    return session.get_one(Order, order_id).total


def _customer(given: Mapping[str, str]) -> ShipTo:
    """Who signs up. Raises Problem 422 naming the fields."""
    for field, most in LONGEST.items():
        if len(given[field]) > most or "\0" in given[field]:
            raise invalid(field, f"give at most {most} characters, none of them NUL")
    name, mobile, address = given["name"], given["mobile"], given["address"]
    if address.strip():
        return addresses.from_fields(name, mobile, None, address)
    number = addresses.phone(mobile)
    if number is None:
        raise invalid("mobile", "a mobile has 11 digits")
    if not name.strip():
        raise invalid("name", "this is empty")
    return ShipTo(name.strip(), number, "", "")


def _view(row: Signup, code: str, person: Recipient) -> dict[str, Any]:
    return {
        "id": outside("sig", row.id),
        "share": code,
        "sku": outside("sku", row.sku_id),
        "quantity": row.quantity,
        "customer": person.mask,
        "has_address": bool(person.region),
        "note": row.note,
        "order": row.order_id and outside("ord", row.order_id),
        "created_at": row.created_at,
    }
