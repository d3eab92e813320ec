"""Who holds the token that came with a request, and whether it may be used for that."""

from typing import Annotated, Any

from fastapi import Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api import queries
from api.office import Entered, office
from catalog import grants
from kit import clock
from kit.errors import Problem
from kit.statements import Query
from trade import rights, tokens
from trade.tokens import Identity

FAILURES = 60
"""Wrong tokens from one address within ten seconds before it has to wait."""

Token = HTTPAuthorizationCredentials | None
Given = Annotated[
    Token,
    Security(
        HTTPBearer(
            auto_error=False,
            description="A token from `huopan party add`, `huopan token` or POST /v1/login",
        )
    ),
]


def question(token: str) -> Query:
    """What is asked about a token, in the system's scope; `entered` reads the rows."""
    who, values = tokens.question(token, clock.now())
    return f"SELECT who.*, {grants.USED} AS closed FROM ({who}) who", values  # noqa: S608 - queries of ours


def entered(rows: list[Any]) -> Entered | None:
    """Who was asked about; None for a token that is unknown, expired or revoked."""
    identity = tokens.answered(rows)
    return None if identity is None else Entered(identity, rows[0].closed)


def identified(request: Request, given: Token, scope: str) -> Entered:
    """Who holds the token, which must have `scope`. Raises Problem 401, 403, 429."""
    here = office(request)
    if given is None:
        raise Problem(401, "no_token", "send your token as Authorization: Bearer TOKEN")
    here.refresh()
    token = given.credentials
    found = entered(here.db.ask_as_system(question(token))[0])
    if found is None:
        address = request.client.host if request.client else "unknown"
        here.limiter.count(f"wrong:{address}", FAILURES)
        raise Problem(
            401, "unknown_token", "this token is not known here, has expired or was revoked"
        )
    here.remember(tokens.hashed(token), found)
    admit(request, found.identity, scope)
    return found


def admit(request: Request, who: Identity, scope: str) -> None:
    """Count the request, and note whose it is. Raises Problem 403 (it may not do this), 422
    (its query has a parameter that is none), 429."""
    office(request).limiter.count(f"token:{who.token_id}")
    request.state.caller = {"party": who.party_id, "role": who.role}
    if scope not in who.scopes:
        raise Problem(
            403,
            "not_allowed",
            f"this token may not do that: it needs {scope}, which"
            + (
                " its scopes, or its member's roles, leave out"
                if scope in rights.OF_ROLE[who.role]
                else f" is not for {who.role}s"
            ),
        )
    queries.check(request)
