"""Whose thing it is that an operator looks at; everybody else has only their own."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.callers import Caller
from kit.errors import FieldError, Problem
from kit.ids import inside
from trade import suppliers
from trade.models import Claim, Order, OrderImport, Purchase
from trade.purchases import Supplier
from trade.suppliers import supplier_of


def order_owner(session: Session, caller: Caller, order_id: int) -> int:
    """The party of an order: the caller's own, or for operators whoever's. Raises Problem 404."""
    if not caller.operates:
        return caller.party_id
    owner = session.scalar(select(Order.party_id).where(Order.id == order_id))
    if owner is None:
        raise Problem(404, "not_found", "there is no such order")
    return owner


def sheet_owner(session: Session, caller: Caller, name: str) -> int:
    """The party of a sheet of orders, as `order_owner`. Raises Problem 404."""
    if not caller.operates:
        return caller.party_id
    owner = session.scalar(
        select(OrderImport.party_id).where(OrderImport.id == inside("imp", name))
    )
    if owner is None:
        raise Problem(404, "not_found", f"there is no sheet {name!r}")
    return owner


def supplier(session: Session, caller: Caller, source: str | None) -> Supplier:
    """At whose door the caller stands: its own, or for operators that of `source`.

    Raises Problem 403 for a brand that supplies no source, 422 for an operator who names none, or
    one that is not there.
    """
    if not caller.operates:
        return own_door(caller)
    if source is None:
        message = "say at whose door: give a source's code"
        raise Problem(
            422, "invalid", f"source: {message}", errors=[FieldError("source", "missing", message)]
        )
    check_sources(session, caller, [("source", source)])
    return supplier_of(session, source)


def own_door(caller: Caller) -> Supplier:
    """The door of a brand that supplies a source. Raises Problem 403."""
    if caller.identity.source is None:
        raise Problem(
            403, "no_source", "you supply no source here; ask your operator to name yours"
        )
    return Supplier(caller.identity.source, caller.party_id)


def check_sources(
    session: Session, caller: Caller, named: Iterable[tuple[str, str | None]]
) -> None:
    """Raises Problem 422 for the first (field, source) that names a source which is not there."""
    suppliers.check_sources(session, caller.office.terms.settings.sources, named)


def purchase_supplier(session: Session, caller: Caller, purchase: str) -> Supplier:
    """At whose door a purchase lies. Raises Problem 403, 404."""
    if not caller.operates:
        return own_door(caller)
    found = select(Purchase.source).where(Purchase.id == inside("pur", purchase))
    return _behind(session, session.scalar(found), purchase)


def claim_supplier(session: Session, caller: Caller, claim: str) -> Supplier:
    """At whose door a claim lies. Raises Problem 403, 404."""
    if not caller.operates:
        return own_door(caller)
    found = (
        select(Purchase.source)
        .join(Claim, Claim.purchase_id == Purchase.id)
        .where(Claim.id == inside("clm", claim))
    )
    return _behind(session, session.scalar(found), claim)


def _behind(session: Session, source: str | None, what: str) -> Supplier:
    if source is None:
        raise Problem(404, "not_found", f"there is no {what!r}")
    return supplier_of(session, source)
