"""Brands: which retail prices they allow, and who may see and order what."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from sqlalchemy.orm import Session
from starlette.responses import Response

from api import owners, replies
from api.callers import Caller, Writer, allow, allow_write
from api.replies import Reply
from api.shapes.base import NO_NUL, Key, Limit, Listed, NumberCursor, decimal
from api.shapes.brands import GrantIn, GrantOut, PricePolicyIn, PricePolicyOut
from catalog import corridors, grants, scopes
from catalog.corridors import PricePolicy, PricePolicyRow
from catalog.grants import GrantRow
from catalog.scopes import EVERY_SOURCE, Rule, Scope
from kit.errors import Problem, invalid
from kit.faults import form
from kit.ids import given, outside
from kit.money import price_text
from trade import audits

router = APIRouter(prefix="/v1", tags=["brands"])

_NAME = form(r"^[A-Za-z0-9_.~-]+$", "an id of yours is made of letters, digits and _ . ~ -")
ReadsPolicies = Annotated[Caller, Depends(allow("policies:read"))]
WritesPolicies = Annotated[Writer, Depends(allow_write("policies:write"))]
ReadsGrants = Annotated[Caller, Depends(allow("grants:read"))]
WritesGrants = Annotated[Writer, Depends(allow_write("grants:write"))]
Name = Annotated[str, Path(min_length=1, max_length=64, pattern=_NAME)]
Source = Annotated[
    Key | None,
    Query(pattern=NO_NUL, description="Operators: whose goods; none: everybody's."),
]


@router.get("/price-policies", response_model=Listed[PricePolicyOut], summary="Your price policies")
def policies(
    caller: ReadsPolicies, source: Source = None, limit: Limit = 50, cursor: NumberCursor = None
) -> Response:
    """The oldest first; operators see all unless they name a source."""
    return _page(caller, PricePolicyRow, source, limit, cursor)


@router.get("/price-policies/{policy}", response_model=PricePolicyOut, summary="One price policy")
def policy(caller: ReadsPolicies, policy: Name, source: Source = None) -> Response:
    """By the id that you gave it."""
    whose = _source(caller, source)
    with caller.system() as session:
        return replies.answer(_policy(scopes.get(session, PricePolicyRow, whose, policy)))


@router.put("/price-policies/{policy}", response_model=PricePolicyOut, summary="Allow prices")
def put_policy(
    caller: WritesPolicies, policy: Name, asked: PricePolicyIn, source: Source = None
) -> Response:
    """Counts at once for selections and new orders, whose retail prices must lie between all
    limits that there are; orders keep their prices."""

    def work(session: Session) -> Reply:
        whose = _source(caller, source)
        owners.check_sources(session, caller, [("source", whose or None)])
        scope = _scope(asked, whose, asked.regions, asked)
        bounds = PricePolicy(scope, decimal(asked.min_retail), decimal(asked.max_retail))
        row = corridors.put(session, scope, policy, caller.party_id, bounds)
        shown = _policy(row)
        _noted(session, caller, "price_policy.put", policy, scope.source)
        return Reply(200, shown)

    return caller.do(work)


@router.delete("/price-policies/{policy}", status_code=204, summary="End a price policy")
def remove_policy(caller: WritesPolicies, policy: Name, source: Source = None) -> Response:
    """Removing what is not there changes nothing."""
    _remove(caller, PricePolicyRow, "price_policy.delete", policy, source)
    return Response(status_code=204)


@router.get("/grants", response_model=Listed[GrantOut], summary="Your grants")
def all_grants(
    caller: ReadsGrants, source: Source = None, limit: Limit = 50, cursor: NumberCursor = None
) -> Response:
    """The oldest first; operators see all unless they name a source."""
    return _page(caller, GrantRow, source, limit, cursor)


@router.get("/grants/{grant}", response_model=GrantOut, summary="One grant")
def grant(caller: ReadsGrants, grant: Name, source: Source = None) -> Response:
    """By the id that you gave it."""
    whose = _granting(caller, source)
    with caller.system() as session:
        return replies.answer(_grant(scopes.get(session, GrantRow, whose, grant)))


@router.put("/grants/{grant}", response_model=GrantOut, summary="Let somebody sell")
def put_grant(caller: WritesGrants, grant: Name, asked: GrantIn, source: Source = None) -> Response:
    """Counts at once. While you have no grant, everybody may sell your goods; with the first one
    only those may whom a grant names. Orders that were placed stay."""

    def work(session: Session) -> Reply:
        whose = _granting(caller, asked.what.source or source)
        field = "what.source" if asked.what.source else "source"
        owners.check_sources(session, caller, [(field, whose)])
        scope = _scope(asked.what, whose, asked.where, asked)
        who = asked.who
        more = {
            "to_party": None if who.party is None else given("pty", who.party, "who.party"),
            "to_level": who.level,
            "max_per_order": asked.max_per_order,
            "max_per_day": asked.max_per_day,
            "max_per_recipient": asked.max_per_recipient,
        }
        row = grants.put(session, scope, grant, caller.party_id, more)
        shown = _grant(row)
        _noted(session, caller, "grant.put", grant, whose)
        return Reply(200, shown)

    return caller.do(work)


@router.delete("/grants/{grant}", status_code=204, summary="Take leave back")
def remove_grant(caller: WritesGrants, grant: Name, source: Source = None) -> Response:
    """Without its last grant a source is open to everybody again. Removing what is not there
    changes nothing."""
    _remove(caller, GrantRow, "grant.delete", grant, _granting(caller, source))
    return Response(status_code=204)


def _source(caller: Caller, named: str | None) -> str:
    """Whose goods a rule is for. Raises Problem 403, also for a brand that names another's."""
    if caller.operates:
        return named or EVERY_SOURCE
    own = owners.own_door(caller).source
    if named not in (None, own):
        raise Problem(403, "not_yours", "you decide about the goods of your own source only")
    return own


def _granting(caller: Caller, named: str | None) -> str:
    """The same for grants, which are always for one source. Raises Problem 403, 422."""
    source = _source(caller, named)
    if source == EVERY_SOURCE:
        raise invalid("source", "say whose goods: give a source's code", "missing")
    return source


def _page(
    caller: Caller, kind: type[Rule], source: str | None, limit: int, cursor: str | None
) -> Response:
    whose = source if caller.operates else _source(caller, source)
    after = replies.number_cursor(cursor)
    show: Any = _policy if kind is PricePolicyRow else _grant
    with caller.system() as session:
        rows, following = scopes.page(session, kind, whose, limit=limit, after=after)
        return replies.page([show(row) for row in rows], following)


def _remove(caller: Writer, kind: type[Rule], action: str, name: str, source: str | None) -> None:
    whose = _source(caller, source)
    with caller.system() as session:
        if scopes.remove(session, kind, whose, name):
            _noted(session, caller, action, name, whose)


def _noted(session: Session, caller: Caller, action: str, name: str, source: str) -> None:
    whose = {"source": source or None}
    audits.note(session, caller.actor, action, name, whose, party_id=caller.party_id)


def _scope(what: Any, source: str, regions: list[str], span: Any) -> Scope:
    named = [name for name in ("sku", "brand", "category") if getattr(what, name) is not None]
    if len(named) > 1:
        raise invalid(named[1], "give one of sku, brand and category at most", "one_of")
    return Scope(
        source,
        None if what.sku is None else given("sku", what.sku, "sku", "unknown_sku"),
        what.brand,
        what.category,
        tuple(regions),
        span.since,
        span.until,
    )


def _what(row: Rule) -> dict[str, Any]:
    return {
        "source": row.source or None,
        "sku": row.sku_id and outside("sku", row.sku_id),
        "brand": row.brand,
        "category": row.category,
    }


def _span(row: Rule) -> dict[str, Any]:
    return {"from": row.valid_from, "until": row.valid_until, "updated_at": row.updated_at}


def _policy(row: PricePolicyRow) -> dict[str, Any]:
    return {
        "id": row.name,
        **_what(row),
        "min_retail": None if row.min_retail is None else price_text(row.min_retail),
        "max_retail": None if row.max_retail is None else price_text(row.max_retail),
        "regions": [scopes.whole(region) for region in row.regions],
        **_span(row),
    }


def _grant(row: GrantRow) -> dict[str, Any]:
    return {
        "id": row.name,
        "who": {"party": row.to_party and outside("pty", row.to_party), "level": row.to_level},
        "what": _what(row),
        "where": [scopes.whole(region) for region in row.regions],
        **_span(row),
        "max_per_order": row.max_per_order,
        "max_per_day": row.max_per_day,
        "max_per_recipient": row.max_per_recipient,
    }
