"""Applications: whoever wants to trade here says so with papers, and an operator answers.

Anybody may apply, so what comes is hostile until somebody has looked: it is limited, pictures are
drawn anew, and everything that may name a person is sealed. All of it runs in system scope.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session
from stdnum.cn import uscc as usccs
from stdnum.exceptions import ValidationError

from kit.clock import SHANGHAI
from kit.crypto import Keyring
from kit.errors import Problem, invalid
from kit.ids import inside, outside
from trade import parties, qualifications, tokens
from trade.after_sales import evidence
from trade.models import Application, ApplicationDocument, Party
from trade.paging import changed

PREFIX = "app"
MOST_OPEN = 1_000
"""So many applications may wait at a time; a flood is refused, not kept."""
MOST_OF_ONE = 5
"""So many of one company may."""
LARGEST_YEAR = 2199
WAITS = timedelta(days=180)
"""So long an application waits for an answer before it is forgotten."""
REMEMBERED = timedelta(days=30)
"""After so long the papers of one that was refused are gone."""

_CONTEXT = "application"


@dataclass(frozen=True)
class Document:
    """One paper as it was sent."""

    kind: str
    content: bytes
    expires_on: date | None


@dataclass(frozen=True)
class Asked:
    """What an applicant says; `contact` names a person."""

    role: str
    uscc: str | None
    documents: Sequence[Document]
    name: str | None = None
    contact: dict[str, str] | None = None


@dataclass(frozen=True)
class Terms:
    """How an application is approved; `party` renews the papers of one that is there."""

    name: str | None = None
    source: str | None = None
    party: str | None = None


def apply(
    session: Session, keyring: Keyring, asked: Asked, now: datetime
) -> tuple[Application, bool]:
    """Keep an application, and whether it is new: the same one again, while it waits, is it.

    Raises Problem 422 for a wrong USCC, none where a company must have one, or a paper that cannot
    be read or has expired; 409 `too_many` that wait.
    """
    number = _uscc(asked)
    content = _hash(asked, number)
    if found := _waiting(session, content):
        return found, False
    _check_room(session, number)
    shown = [_checked(place, one, now) for place, one in enumerate(asked.documents)]
    sealed = None
    if asked.contact is not None:
        sealed = keyring.seal(orjson.dumps(asked.contact), _CONTEXT)
    row_id = session.scalar(
        insert(Application)
        .values(role=asked.role, name=asked.name, uscc=number, contact=sealed, content=content)
        .on_conflict_do_nothing()
        .returning(Application.id)
    )
    row = session.get(Application, row_id) if row_id is not None else None
    if row is None:  # sent twice at once
        return session.scalars(_open(content)).one(), False
    session.add_all(
        ApplicationDocument(
            application_id=row.id,
            place=place,
            kind=one.kind,
            expires_on=one.expires_on,
            media_type=kind,
            size=len(drawn),
            content=keyring.seal(drawn, _CONTEXT),
        )
        for place, (one, (kind, drawn)) in enumerate(zip(asked.documents, shown, strict=True))
    )
    session.flush()
    return row, True


def approve(
    session: Session, application: str, terms: Terms, now: datetime
) -> tuple[Application, str | None]:
    """Make the party and its first token, or renew the papers of `terms.party`; again changes
    nothing. Returns the application and the token, which is shown this once.

    Raises Problem 404; 409 `wrong_state`, `party_exists` where the company is here in that role and
    neither it nor another source is named, `source_taken`; 422 for another role's party.
    """
    row = _locked(session, application)
    if row.state == "approved":
        return row, None
    _check_open(row)
    if terms.party is not None:
        party = parties.get(session, inside("pty", terms.party))
        if party.role != row.role:
            raise invalid("party", f"it is a {party.role}, and a {row.role} applies")
        token = None
    else:
        _check_unknown(session, row, terms)
        party = _made(session, row, terms)
        token = tokens.issue(session, party.id).text
    row.state, row.party_id, row.updated_at = "approved", party.id, now
    session.flush()
    qualifications.renew(session, party)
    return row, token


def refuse(session: Session, application: str, reason: str, now: datetime) -> Application:
    """Not to trade here; again changes nothing. Raises Problem 404, 409 `wrong_state`."""
    row = _locked(session, application)
    if row.state != "refused":
        _check_open(row)
        row.state, row.answer, row.updated_at = "refused", reason, now
    return row


def get(session: Session, application: str) -> Application:
    """One application. Raises Problem 404."""
    row = session.get(Application, inside(PREFIX, application), populate_existing=True)
    if row is None:
        raise _unknown(application)
    return row


def page(
    session: Session,
    *,
    status: str | None = None,
    limit: int = 50,
    after: tuple[datetime, int] | None = None,
) -> tuple[list[dict[str, Any]], tuple[datetime, int] | None]:
    """From the oldest change on, without contacts."""
    found = select(Application)
    if status is not None:
        found = found.where(Application.state == status)
    key = (Application.updated_at, Application.id)
    rows, following = changed(session, found, *key, limit=limit, after=after)
    return [view(session, row) for row in rows], following


def view(session: Session, row: Application, keyring: Keyring | None = None) -> dict[str, Any]:
    """An application as operators see it; with a key ring, its contact too."""
    papers = session.execute(
        select(
            ApplicationDocument.place,
            ApplicationDocument.kind,
            ApplicationDocument.expires_on,
            ApplicationDocument.media_type,
            ApplicationDocument.size,
        )
        .where(ApplicationDocument.application_id == row.id)
        .order_by(ApplicationDocument.place)
    )
    contact = None
    if row.contact is not None and keyring is not None:
        contact = orjson.loads(keyring.open(row.contact, _CONTEXT))
    return {
        "id": outside(PREFIX, row.id),
        "role": row.role,
        "name": row.name,
        "uscc": row.uscc,
        "contact": contact,
        "status": row.state,
        "answer": row.answer,
        "party": row.party_id and outside("pty", row.party_id),
        "documents": [paper._asdict() for paper in papers],
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


def document(session: Session, keyring: Keyring, application: str, place: int) -> tuple[str, bytes]:
    """The media type and content of a paper. Raises Problem 404."""
    row = get(session, application)
    paper = session.scalars(
        select(ApplicationDocument).where(
            ApplicationDocument.application_id == row.id, ApplicationDocument.place == place
        )
    ).one_or_none()
    if paper is None:
        raise Problem(404, "not_found", f"{application!r} has no paper {place}")
    return paper.media_type, keyring.open(paper.content, _CONTEXT)


def prune(session: Session, now: datetime) -> int:
    """Forget the papers of those refused a while ago, and what nobody answered; returns how many
    applications lost theirs."""
    stale = (Application.state == "open") & (Application.created_at <= now - WAITS)
    refused = (Application.state == "refused") & (Application.updated_at <= now - REMEMBERED)
    papers = select(ApplicationDocument.application_id).distinct()
    gone = session.scalars(
        select(Application.id).where(stale | (refused & Application.id.in_(papers)))
    ).all()
    session.execute(delete(ApplicationDocument).where(ApplicationDocument.application_id.in_(gone)))
    session.execute(delete(Application).where(stale))
    return len(gone)


def _made(session: Session, row: Application, terms: Terms) -> Party:
    source = terms.source
    if row.role == "brand" and source is None:
        source = f"s-{row.uscc}".lower()  # a brand without a source has no door
    name = terms.name or row.name or row.uscc or outside(PREFIX, row.id)
    return parties.get(session, parties.create(session, row.role, name, source=source))


def _check_unknown(session: Session, row: Application, terms: Terms) -> None:
    """Raises Problem 409 where the company is here already, and no other source is named."""
    if row.uscc is None or terms.source is not None:
        return
    there = session.scalar(
        select(Party.id)
        .join(Application, Application.party_id == Party.id)
        .where(Application.uscc == row.uscc, Party.role == row.role, Party.active)
        .limit(1)
    )
    if there is not None:
        party = outside("pty", there)
        raise Problem(
            409,
            "party_exists",
            f"this company is {party} already: approve with party to renew its papers, or with a"
            " source to make another",
        )


def _check_room(session: Session, number: str | None) -> None:
    waiting = select(func.count()).where(Application.state == "open")
    if (session.scalar(waiting) or 0) >= MOST_OPEN:
        raise Problem(409, "too_many", "too many applications wait; try again in a few days")
    own = waiting.where(Application.uscc == number)
    if number is not None and (session.scalar(own) or 0) >= MOST_OF_ONE:
        raise Problem(409, "too_many", "several applications of this company wait for an answer")


def _checked(place: int, one: Document, now: datetime) -> tuple[str, bytes]:
    field = f"documents.{place}"
    if one.expires_on is not None:
        if one.expires_on < now.astimezone(SHANGHAI).date():
            raise invalid(f"{field}.expires_on", "this paper holds no longer", "expired")
        if one.expires_on.year > LARGEST_YEAR:
            message = "leave it out where a paper holds for ever"
            raise invalid(f"{field}.expires_on", message)
    return evidence.checked(one.content, f"{field}.content")


def _uscc(asked: Asked) -> str | None:
    """The number as it is written down. Raises Problem 422."""
    if asked.uscc is None:
        if asked.role == "leader":
            return None
        raise invalid("uscc", "give the 18 characters of 统一社会信用代码", "missing")
    try:
        return usccs.validate(re.sub(r"\s", "", asked.uscc).upper())
    except ValidationError as error:
        message = "it is no 统一社会信用代码 of 18 characters whose last one is right"
        raise invalid("uscc", message) from error


def _hash(asked: Asked, number: str | None) -> str:
    said = [asked.role, number, asked.name, asked.contact]
    papers = [
        (d.kind, str(d.expires_on), hashlib.sha256(d.content).hexdigest()) for d in asked.documents
    ]
    return hashlib.sha256(orjson.dumps([said, papers])).hexdigest()


def _open(content: str) -> Any:
    return select(Application).where(Application.content == content, Application.state == "open")


def _waiting(session: Session, content: str) -> Application | None:
    found: Application | None = session.scalars(_open(content)).one_or_none()
    return found


def _locked(session: Session, application: str) -> Application:
    row = session.get(
        Application, inside(PREFIX, application), with_for_update=True, populate_existing=True
    )
    if row is None:
        raise _unknown(application)
    return row


def _check_open(row: Application) -> None:
    if row.state != "open":
        raise Problem(409, "wrong_state", f"this application is {row.state}")


def _unknown(application: str) -> Problem:
    return Problem(404, "not_found", f"there is no application {application!r}")
