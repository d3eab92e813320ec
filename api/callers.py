"""Who calls, what the token allows, and how a write is done once.

A read of a leader or brand runs in its own scope; operators read in system scope. Writes state
which scope the domain needs. The transaction ends before the answer is sent.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import Depends, Header, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from api import entering, replies
from api.entering import Given, Token
from api.office import Office, office
from api.replies import Reply
from catalog import grants
from catalog.grants import OPEN, Grants
from catalog.shelf import Reader
from kit import clock, idempotency
from kit.errors import Problem
from kit.faults import form
from kit.ids import inside, outside
from kit.statements import Query
from trade.tokens import Identity


@dataclass(frozen=True)
class Caller:
    """Somebody with a valid token, in one request."""

    office: Office
    identity: Identity
    request_id: str
    grants: Grants

    @property
    def party_id(self) -> int:
        """Whose token it is."""
        return self.identity.party_id

    @property
    def operates(self) -> bool:
        """Whether it is an operator."""
        return self.identity.role == "operator"

    def whose(self, party: str | None) -> int | None:
        """Whose things are asked for: the caller's own, or an operator's choice (None: all)."""
        if not self.operates:
            return self.party_id
        return None if party is None else inside("pty", party)

    @property
    def actor(self) -> str:
        """Who it is in the audit: the token, and the member it was issued for."""
        who = self.identity
        member = "" if who.member_id is None else f" {outside('mem', who.member_id)}"
        return f"{outside('pty', who.party_id)} {outside('tok', who.token_id)}{member}"

    @property
    def reader(self) -> Reader:
        """How this caller reads the catalogue."""
        who = self.identity
        reader = self.office.terms.readership.reader(who.role, who.buyer, clock.now())
        return replace(reader, grants=self.grants)

    @contextmanager
    def own(self) -> Iterator[Session]:
        """A transaction that sees the catalogue and the caller's own rows."""
        with self.office.db.as_party(self.party_id) as session:
            yield session

    def ask(self, *statements: Query) -> list[list[Any]]:
        """A transaction like `own` that only reads, in one round trip."""
        return self.office.db.ask_as_party(self.party_id, *statements)

    @contextmanager
    def system(self) -> Iterator[Session]:
        """A transaction that sees everything; what is done in it checks the owner itself."""
        with self.office.db.as_system() as session:
            yield session

    @contextmanager
    def seeing(self) -> Iterator[Session]:
        """A transaction that reads: everything for an operator, else like `own`."""
        with self.system() if self.operates else self.own() as session:
            yield session


@dataclass(frozen=True)
class Writer(Caller):
    """A caller who changes something, at most once per Idempotency-Key."""

    route: str
    key: str | None
    body: bytes

    def do(
        self,
        work: Callable[[Session], Reply],
        *,
        own: bool = False,
        remedy: Callable[[Problem], bool] | None = None,
    ) -> Response:
        """Run `work` in one transaction, together with what is remembered of its answer; once more
        where `remedy` has done something about what kept it from being done."""
        if answered := self._begin():
            return answered
        try:
            try:
                return self._done(work, own=own)
            except Problem as problem:
                if remedy is None or not remedy(problem):
                    raise
            return self._done(work, own=own)
        except Problem as problem:
            return self._refused(problem)
        except BaseException:
            self._abandon()
            raise

    def _done(self, work: Callable[[Session], Reply], *, own: bool) -> Response:
        with self.own() if own else self.system() as session:
            reply = work(session)
            body = replies.dumps(reply.content)
            if self.key is not None:
                answer = idempotency.Answer(reply.status, body)
                if not self._remember(session, self.key, answer):
                    raise idempotency.in_progress()
        return Response(body, reply.status, media_type=replies.JSON)

    def do_each(self, work: Callable[[], Reply]) -> Response:
        """Run `work`, which keeps a transaction for each of its items itself.

        It must be safe to repeat: when it is killed half way, its key can be used again.
        """
        if answered := self._begin():
            return answered
        try:
            reply = work()
        except Problem as problem:
            return self._refused(problem)
        except BaseException:
            self._abandon()
            raise
        body = replies.dumps(reply.content)
        self._finish(idempotency.Answer(reply.status, body))
        return Response(body, reply.status, media_type=replies.JSON)

    def _begin(self) -> Response | None:
        if self.key is None:
            return None
        hashed = idempotency.request_hash(self.body)
        with self.own() as session:
            keyring = self.office.terms.desk.keyring
            found = idempotency.begin(session, keyring, self.party_id, self.route, self.key, hashed)
        if found is None:
            return None
        kind = replies.JSON if found.status < 400 else replies.PROBLEM
        return Response(found.body, found.status, {"Idempotent-Replayed": "true"}, kind)

    def _refused(self, problem: Problem) -> Response:
        if problem.status >= 500 or problem.status == 429 or problem.retry_after is not None:
            self._abandon()
            raise problem
        body = replies.dumps(replies.problem_body(problem, self.request_id))
        self._finish(idempotency.Answer(problem.status, body))
        raise problem

    def _finish(self, answer: idempotency.Answer) -> None:
        if self.key is not None:
            with self.own() as session:
                self._remember(session, self.key, answer)

    def _remember(self, session: Session, key: str, answer: idempotency.Answer) -> bool:
        keyring = self.office.terms.desk.keyring
        return idempotency.finish(session, keyring, self.party_id, self.route, key, answer)

    def _abandon(self) -> None:
        if self.key is not None:
            with self.own() as session:
                idempotency.abandon(session, self.party_id, self.route, self.key)


def enter(request: Request, given: Token, scope: str) -> Caller:
    """The caller, whose token must have `scope`. Raises Problem 401, 403, 429."""
    here, found = office(request), entering.identified(request, given, scope)
    granted = _granted(here, found.identity) if found.closed and scope == "catalog:read" else OPEN
    return Caller(here, found.identity, request.state.request_id, granted)


def _granted(here: Office, who: Identity) -> Grants:
    """What brands let the caller see; operators see all."""
    if who.role == "operator":
        return OPEN
    with here.db.as_party(who.party_id) as session:
        return grants.of(session, who.party_id, own=who.source)


def allow(scope: str) -> Callable[..., Caller]:
    """A dependency: the caller, whose token must have `scope`."""

    def caller(request: Request, given: Given) -> Caller:
        return enter(request, given, scope)

    return caller


def allow_write(scope: str) -> Callable[..., Writer]:
    """A dependency: the caller of a write, whose token must have `scope`."""

    def writer(
        request: Request,
        given: Given,
        body: Annotated[bytes, Depends(_body)],
        key: Annotated[
            str | None,
            Header(
                alias="Idempotency-Key",
                min_length=1,
                max_length=200,
                pattern=form(r"^[\x21-\x7e]+$", "give a key in ASCII, without spaces"),
                description="The same key and request get the same answer, for seven days.",
            ),
        ] = None,
    ) -> Writer:
        here = office(request)
        identity = entering.identified(request, given, scope).identity
        route = f"{request.method} {request.scope['route'].path}"
        said = f"{request.url.path}?{request.url.query}\n".encode() + body
        return Writer(here, identity, request.state.request_id, OPEN, route, key, said)

    return writer


async def _body(request: Request) -> bytes:
    """The body as it was sent; an uploaded form is told apart by its content further on."""
    if request.headers.get("content-type", "").startswith("multipart/"):
        return b""
    return await request.body()
