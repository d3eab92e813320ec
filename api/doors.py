"""The busiest reads: they take turns, and who calls is asked together with what they read."""

from asyncio import get_running_loop
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api import entering
from api.callers import Caller, enter
from api.entering import Given, Token
from api.office import Entered, office
from catalog.grants import OPEN
from kit.errors import Problem
from kit.statements import Query
from trade import tokens


@dataclass(frozen=True)
class Door:
    """Somebody at the door, who is let in when it is their turn.

    All of it is one thread's work. More of them at once would wait for one another's interpreter
    lock and for the database's processors in no order, and some of them very long.
    """

    request: Request
    given: Token
    scope: str

    async def answer(self, work: Callable[[Caller], Response]) -> Response:
        """What `work`, which only reads, answers to the caller. Raises Problem 401, 403, 429."""
        turns, said = office(self.request).turns, copy_context()
        return await get_running_loop().run_in_executor(turns, said.run, self._answer, work)

    def _answer(self, work: Callable[[Caller], Response]) -> Response:
        if (caller := self._known()) is not None:
            with suppress(Problem):  # it is told once it is certain that the token still counts
                answer = work(caller)
                if caller.still():
                    return answer
        return work(enter(self.request, self.given, self.scope))

    def _known(self) -> "Known | None":
        if self.given is None:
            return None
        here, token = office(self.request), self.given.credentials
        before = here.known.get(tokens.hashed(token))
        if before is None or before.closed or self.scope not in before.identity.scopes:
            return None
        here.refresh()
        entering.admit(self.request, before.identity, self.scope)
        asked = entering.question(token)
        who = before.identity
        return Known(here, who, self.request.state.request_id, OPEN, before, asked)


@dataclass(frozen=True)
class Known(Caller):
    """Who held a token a moment ago. Whether that still holds is asked along with what is read
    first; nothing is sent before it is known."""

    before: Entered
    question: Query
    _told: list[Entered | None] = field(default_factory=list)

    def ask(self, *statements: Query) -> list[list[Any]]:
        """As every caller; the first time for the token, too."""
        if self._told:
            return super().ask(*statements)
        known, *rows = self.office.db.ask_as_party(self.party_id, *statements, first=self.question)
        self._told.append(entering.entered(known))
        return rows

    def still(self) -> bool:
        """Whether the token still is what it was."""
        if not self._told:
            self.ask()
        return self._told[0] == self.before


def waiting(scope: str) -> Callable[..., Coroutine[Any, Any, Door]]:
    """A dependency: the door of a read for which the token must have `scope`."""

    async def door(request: Request, given: Given) -> Door:  # waits for nothing
        return Door(request, given, scope)

    return door


class Straight(APIRoute):
    """A route that is answered without what FastAPI keeps ready for others: open files, tasks for
    afterwards, parameters one by one. Its function and all that this depends on wait for nothing
    but their turn, and read nothing but the request. The document tells of it as of any other."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI, of a request that has matched."""
        if scope["method"] not in (self.methods or ()):
            await super().handle(scope, receive, send)  # which says what may be done instead
            return
        request = Request(scope, receive, send)
        answer: Response = await self.endpoint(**await _found(self.dependant, request))
        await answer(scope, receive, send)


async def _found(dependant: Dependant, request: Request) -> dict[str, Any]:
    """What a function is called with."""
    values: dict[str, Any] = {
        one.name: await one.call(**await _found(one, request))  # type: ignore[misc]
        for one in dependant.dependencies
    }
    for name in (dependant.request_param_name, dependant.http_connection_param_name):
        if name is not None:
            values[name] = request
    return values
