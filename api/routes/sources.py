"""Operators: sources are recorded, authorised, told what to follow, and read at once."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from api import replies
from api.callers import Caller, Writer, allow, allow_write
from api.office import office
from api.replies import Reply
from api.shapes.base import NO_NUL
from api.shapes.sources import (
    AuthorizedOut,
    AuthorizeOut,
    ItemsIn,
    ItemsOut,
    QueuedOut,
    RunIn,
    SourceChangeIn,
    SourceIn,
    SourceSetOut,
)
from connectors.errors import SupplierError
from connectors.model import Authorises, Follows, Watched
from kit import clock
from kit.crypto import Keyring
from kit.errors import FieldError, Problem
from kit.settings import Settings
from sync import sources, states, watching
from sync.wake import wake
from trade import audits

router = APIRouter(prefix="/v1/sources", tags=["operators"])

Reads = Annotated[Caller, Depends(allow("sources:read"))]
Writes = Annotated[Writer, Depends(allow_write("sources:write"))]
Words = Annotated[str, Query(min_length=1, max_length=2000, pattern=NO_NUL)]

AUTHORISE_MINUTES = 10
MOST_NAMED = 50
_STATE = "source-authorisation"


@router.post("", status_code=201, response_model=SourceSetOut, summary="Record a source")
def post(caller: Writes, asked: SourceIn) -> Response:
    """It counts without a restart; a source that settings.toml names is read-only here."""
    return _record(caller, asked.code, asked.keys(), new=True)


@router.get("/{code}", response_model=SourceSetOut, summary="A source's keys")
def get(caller: Reads, code: str) -> Response:
    """Secrets are hidden."""
    caller.office.refresh(at_once=True)
    with caller.own() as session:
        return replies.answer(_view(caller, session, caller.office.terms.settings, code))


@router.patch("/{code}", response_model=SourceSetOut, summary="Change a source's keys")
def patch(caller: Writes, code: str, asked: SourceChangeIn) -> Response:
    """What is left out stays."""
    return _record(caller, code, asked.keys(), new=False)


@router.get("/{code}/authorize", response_model=AuthorizeOut, summary="Where a platform lets us in")
def authorize(caller: Reads, code: str, request: Request) -> Response:
    """The account holder opens the address; the platform sends them back to our callback."""
    caller.office.refresh(at_once=True)
    source = caller.office.source(code)
    if not isinstance(source, Authorises):
        raise Problem(409, "needs_no_page", f"{code} is not authorised on a page of its platform's")
    until = clock.now() + timedelta(minutes=AUTHORISE_MINUTES)
    state = _state(caller.office.terms.desk.keyring, code, int(until.timestamp()))
    return replies.answer({"url": source.authorise_page(_callback(request, code), state)})


@router.get("/{code}/callback", response_model=AuthorizedOut, summary="A platform sends a code")
def callback(
    request: Request, code: str, state: Words, granted: Annotated[Words, Query(alias="code")]
) -> Response:
    """What `authorize` began: the signed state stands for the operator who asked."""
    here = office(request)
    with here.db.as_nobody() as session:
        here.refresh(session, at_once=True)
    _check_state(here.terms.desk.keyring, code, state)
    source = here.source(code)
    if not isinstance(source, Authorises):
        raise Problem(409, "needs_no_page", f"{code} takes no authorisation")
    try:
        source.authorise(granted, _callback(request, code))
    except SupplierError as error:
        raise Problem(
            502, "not_authorised", f"the platform refused the code: {error.message}"
        ) from error
    with here.db.as_system() as session:
        states.unpause(session, code)
        audits.note(session, "platform", "source.authorise", code)
    return replies.answer({"source": code, "authorized": True})


@router.post("/{code}/items", response_model=ItemsOut, summary="Follow more of a platform's goods")
def items(caller: Writes, code: str, asked: ItemsIn) -> Response:
    """For sources that do not list completely: there, absence means nothing. A link is the address
    of an item's own page at the platform."""
    caller.office.refresh(at_once=True)
    source = caller.office.source(code)
    if not isinstance(source, Follows):
        raise Problem(
            409, "lists_by_itself", f"{code} lists its goods by itself; nothing to follow"
        )
    named = {
        **{f"ids.{n}": Watched("id", one) for n, one in enumerate(asked.ids)},
        **{f"links.{n}": Watched("link", one) for n, one in enumerate(asked.links)},
    }
    _check_named(source, named)
    queries = (Watched("query", one, asked.pages) for one in asked.queries)
    wanted = [*named.values(), *queries]

    def work(session: Session) -> Reply:
        added = watching.watch(session, code, wanted)
        wake(session, code, "listing")
        audits.note(session, caller.actor, "source.items", code, {"added": added})
        return Reply(200, {"added": added, "watched": len(watching.watched(session, code))})

    return caller.do(work)


def _check_named(source: Follows, named: Mapping[str, Watched]) -> None:
    """Raises Problem 422 for ids and links that are none of the source's own."""
    wrong = [
        FieldError(field, "not_here", f"{one.value[:80]!r} names nothing at this platform")
        for field, one in named.items()
        if source.id_of(one) is None
    ]
    if wrong:
        told = f"{wrong[0].field}: {wrong[0].message}; give the item's id or its page's address"
        raise Problem(422, "not_here", told, errors=wrong[:MOST_NAMED])


@router.post("/{code}/runs", status_code=202, response_model=QueuedOut, summary="Read it now")
def runs(caller: Writes, code: str, asked: RunIn | None = None) -> Response:
    """A paused source goes on with this."""
    caller.office.refresh(at_once=True)
    sources.config_of(caller.office.terms.settings, code)
    stream = (asked or RunIn()).stream

    def work(session: Session) -> Reply:
        states.unpause(session, code)
        wake(session, code, stream)
        audits.note(session, caller.actor, "source.run", code, {"stream": stream})
        return Reply(202, {"source": code, "stream": stream})

    return caller.do(work)


def _record(caller: Writer, code: str, keys: dict[str, Any], *, new: bool) -> Response:
    answer = caller.do(lambda session: _recorded(caller, session, code, keys, new=new))
    caller.office.refresh(at_once=True)
    return answer


def _recorded(
    caller: Writer, session: Session, code: str, keys: dict[str, Any], *, new: bool
) -> Reply:
    given = caller.office.given
    sources.from_outside(session, given, code, keys, new=new)
    session.flush()
    audits.note(session, caller.actor, "source.record", code, {"keys": sorted(keys)})
    known = sources.with_recorded(session, given)
    return Reply(201 if new else 200, _view(caller, session, known, code))


def _view(caller: Caller, session: Session, settings: Settings, code: str) -> dict[str, Any]:
    config = sources.config_of(settings, code)
    keys = sources.keys_of(config)
    ours = sources.is_ours(session, caller.office.given, code)
    return {
        "code": code,
        "kind": keys.pop("kind"),
        "defined_in": "database" if ours else "settings",
        "keys": keys,
    }


def _callback(request: Request, code: str) -> str:
    return f"{str(request.base_url).rstrip('/')}/v1/sources/{code}/callback"


def _state(keyring: Keyring, code: str, until: int) -> str:
    return f"{until}.{keyring.sign(f'{code}:{until}'.encode(), _STATE)}"


def _check_state(keyring: Keyring, code: str, state: str) -> None:
    until, _, signature = state.partition(".")
    said = f"{code}:{until}".encode()
    fresh = until.isdigit() and int(until) >= clock.now().timestamp()
    if not fresh or not keyring.verify(said, signature, _STATE):
        raise Problem(
            403,
            "not_asked_for",
            "this authorisation was not begun here, or too long ago; ask again",
        )
