"""Webhooks out: endpoints that are told what happens, and the same as a feed to read."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from sqlalchemy.orm import Session
from starlette.responses import Response

from api import replies
from api.callers import Caller, Writer, allow, allow_write
from api.openapi import EXPIRED
from api.replies import Reply
from api.shapes.base import IdPath, Listed
from api.shapes.webhooks import (
    CURSOR,
    EventsOut,
    ReplayIn,
    WebhookIn,
    WebhookOut,
    WebhookReplayedOut,
    WebhookSecretOut,
)
from kit import clock
from trade import audits, event_feed, hooks
from trade.models import Party

router = APIRouter(prefix="/v1", tags=["webhooks"])

Reads = Annotated[Caller, Depends(allow("webhooks:read"))]
Writes = Annotated[Writer, Depends(allow_write("webhooks:write"))]


@router.get("/events", response_model=EventsOut, responses=EXPIRED, summary="What happened since")
def events(
    caller: Reads,
    after: Annotated[
        str,
        Query(
            pattern=CURSOR,
            max_length=40,
            description="`next` of the page before; 0 at first, or latest.",
        ),
    ] = "0",
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> Response:
    """What webhooks tell, to be fetched; of one object in the order of its story.

    Answers `next` always: keep it, and ask from there. 410 `cursor_expired` after 30 days.
    """
    with caller.system() as session:
        party = session.get_one(Party, caller.party_id)
        begin = event_feed.cursor(session, after)
        readers = caller.office.terms.readership
        page = event_feed.page(session, readers, party, begin, limit, clock.now())
    items = [
        {"id": one.id, "type": one.kind, "timestamp": one.at, "data": one.data}
        for one in page.items
    ]
    return replies.answer({"items": items, "next": str(page.next), "more": page.more})


@router.get("/webhooks", response_model=Listed[WebhookOut], summary="Your endpoints")
def page(caller: Reads) -> Response:
    """All of them, the oldest first; never with their secrets."""
    with caller.own() as session:
        return replies.page(hooks.page(session, caller.party_id), None)


@router.post(
    "/webhooks", response_model=WebhookSecretOut, status_code=201, summary="A new endpoint"
)
def create(caller: Writes, asked: WebhookIn) -> Response:
    """Told of what happens from now on, by Standard Webhooks; the secret is shown this once."""

    def work(session: Session) -> Reply:
        desk = caller.office.terms.desk
        made = hooks.create(session, desk, caller.party_id, asked.url, asked.events)
        _note(session, caller, "create", made)
        return Reply(201, made)

    return caller.do(work)


@router.get("/webhooks/{webhook_id}", response_model=WebhookOut, summary="One endpoint")
def get(caller: Reads, webhook_id: IdPath) -> Response:
    """How it is doing, and what waits for it."""
    with caller.system() as session:
        return replies.answer(hooks.get(session, caller.party_id, webhook_id))


@router.delete("/webhooks/{webhook_id}", status_code=204, summary="Remove an endpoint")
def remove(caller: Writes, webhook_id: IdPath) -> Response:
    """Nothing is sent there any more."""
    with caller.system() as session:
        hooks.remove(session, caller.party_id, webhook_id)
        _note(session, caller, "remove", {"id": webhook_id})
    return Response(status_code=204)


@router.post(
    "/webhooks/{webhook_id}/secret", response_model=WebhookSecretOut, summary="Another secret"
)
def rotate(caller: Writes, webhook_id: IdPath) -> Response:
    """Shown this once. For 24 hours messages carry a signature by the former one as well."""

    def work(session: Session) -> Reply:
        desk = caller.office.terms.desk
        made = hooks.rotate(session, desk, caller.party_id, webhook_id, clock.now())
        _note(session, caller, "secret", made)
        return Reply(200, made)

    return caller.do(work)


@router.post("/webhooks/{webhook_id}/resume", response_model=WebhookOut, summary="Try again")
def resume(caller: Writes, webhook_id: IdPath) -> Response:
    """At once, from where it stopped; also when it was disabled."""

    def work(session: Session) -> Reply:
        return Reply(200, hooks.resume(session, caller.party_id, webhook_id, clock.now()))

    return caller.do(work)


@router.post(
    "/webhooks/{webhook_id}/replay",
    response_model=WebhookReplayedOut,
    responses=EXPIRED,
    summary="Tell it again",
)
def replay(caller: Writes, webhook_id: IdPath, asked: ReplayIn) -> Response:
    """Everything after a cursor or one event, under the same message ids. 410 `cursor_expired`
    after 30 days."""

    def work(session: Session) -> Reply:
        again, what = (
            (hooks.replay, asked.after) if asked.event is None else (hooks.replay_one, asked.event)
        )
        readers, party, now = caller.office.terms.readership, caller.party_id, clock.now()
        told = again(session, readers, party, webhook_id, what or "", now, dry_run=asked.dry_run)
        return Reply(200, told)

    return caller.do(work)


def _note(session: Session, caller: Caller, what: str, hook: dict[str, Any]) -> None:
    # what stands behind the ? may be a secret of the endpoint's
    detail = {"url": hook["url"].partition("?")[0]} if "url" in hook else None
    audits.note(session, caller.actor, f"webhook.{what}", hook["id"], detail)
