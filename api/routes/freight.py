"""Freight templates: what a supplier's parcels cost, under the names that price lists mention."""

from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from sqlalchemy.orm import Session
from starlette.responses import Response

from api import owners, replies
from api.callers import Caller, Writer, allow, allow_write
from api.paths import Named
from api.replies import Reply
from api.shapes.base import NO_NUL, Key, Limit, Listed, NumberCursor, decimal
from api.shapes.freight import FreightTemplateIn, FreightTemplateOut, RateIn, Step, ZoneIn
from catalog import freight_templates as templates
from catalog.freight_templates import FreightTemplate, Rate, Template, Zone
from catalog.scopes import prefix
from kit.errors import Problem, invalid
from trade import audits

router = APIRouter(prefix="/v1/freight-templates", tags=["brands"], route_class=Named)

Reads = Annotated[Caller, Depends(allow("freight:read"))]
Writes = Annotated[Writer, Depends(allow_write("freight:write"))]
Removes = Annotated[Caller, Depends(allow("freight:write"))]
Name = Annotated[str, Path(min_length=1, max_length=60, pattern=NO_NUL)]
Source = Annotated[Key | None, Query(description="Operators: whose templates.")]


@router.get("", response_model=Listed[FreightTemplateOut], summary="Your freight templates")
def page(
    caller: Reads, source: Source = None, limit: Limit = 50, cursor: NumberCursor = None
) -> Response:
    """The oldest first; operators see all unless they name a source."""
    whose = source if caller.operates else _source(caller, source)
    after = replies.number_cursor(cursor)
    with caller.system() as session:
        rows, following = templates.page(session, whose, limit=limit, after=after)
        return replies.page([_view(row) for row in rows], following)


@router.get("/{template}", response_model=FreightTemplateOut, summary="One freight template")
def get(caller: Reads, template: Name, source: Source = None) -> Response:
    """By its name."""
    whose, name = _source(caller, source), templates.named(template)
    with caller.system() as session:
        return replies.answer(_view(templates.get(session, whose, name)))


@router.put("/{template}", response_model=FreightTemplateOut, summary="What parcels cost")
def put(
    caller: Writes, template: Name, asked: FreightTemplateIn, source: Source = None
) -> Response:
    """Counts at once for every offer whose `freight` is this name; orders that were placed keep
    theirs. Where it says nothing the cost is unknown, and nothing is sold."""
    whose, name = _source(caller, source), templates.named(template)

    def work(session: Session) -> Reply:
        owners.check_sources(session, caller, [("source", whose)])
        stated = asked.model_dump(mode="json")
        row = templates.put(session, whose, name, caller.party_id, _template(asked), stated)
        shown = _view(row)
        _noted(session, caller, "freight_template.put", name, whose)
        return Reply(200, shown)

    return caller.do(work)


@router.delete("/{template}", status_code=204, summary="Forget a freight template")
def remove(caller: Removes, template: Name, source: Source = None) -> Response:
    """What offers that name it cost to deliver is unknown then, so they are not sold. Removing
    what is not there changes nothing."""
    whose, name = _source(caller, source), templates.named(template)
    with caller.system() as session:
        if templates.remove(session, whose, name):
            _noted(session, caller, "freight_template.delete", name, whose)
    return Response(status_code=204)


def _source(caller: Caller, named: str | None) -> str:
    """Whose template it is. Raises Problem 403, 422."""
    if caller.operates:
        if named is None:
            raise invalid("source", "say whose parcels: give a source's code", "missing")
        return named
    own = owners.own_door(caller).source
    if named not in (None, own):
        raise Problem(403, "not_yours", "you decide about the parcels of your own source only")
    return own


def _noted(session: Session, caller: Caller, action: str, name: str, source: str) -> None:
    audits.note(session, caller.actor, action, name, {"source": source}, party_id=caller.party_id)


def _template(asked: FreightTemplateIn) -> Template:
    own = [one for one in asked.regions if isinstance(one, ZoneIn)]
    codes = [one for one in asked.regions if isinstance(one, str)]
    zones = [Zone(_prefixes(one.regions), _rate(one)) for one in own]
    if asked.first is not None:
        rate = RateIn(first=asked.first, next=asked.next, free_from=asked.free_from)
        zones.append(Zone(_prefixes(codes), _rate(rate)))
    elif codes or asked.next is not None or asked.free_from is not None:
        raise invalid("first", "say what the first piece, kilogram or parcel costs", "missing")
    return Template(asked.by, tuple(zones), _prefixes(asked.not_delivered))


def _prefixes(regions: list[str]) -> tuple[str, ...]:
    return tuple(sorted({prefix(one) for one in regions}))


def _rate(one: RateIn) -> Rate:
    following = None if one.next is None else _step(one.next)
    return Rate(_step(one.first), following, decimal(one.free_from))


def _step(one: Step) -> templates.Step:
    if isinstance(one, str):
        return templates.Step(Decimal(one))
    return templates.Step(Decimal(one.fee), Decimal(one.size))


def _view(row: FreightTemplate) -> dict[str, Any]:
    return {"id": row.name, "source": row.source, **row.stated, "updated_at": row.updated_at}
