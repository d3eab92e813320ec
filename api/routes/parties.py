"""Operators: who trades here, with which tokens, on what terms."""

from collections.abc import Mapping
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from sqlalchemy.orm import Session
from starlette.responses import Response

from api import replies
from api.callers import Caller, Writer, allow, allow_write
from api.replies import Reply
from api.shapes.base import IdPath, Limit, Listed, NumberCursor
from api.shapes.office import (
    DepositIn,
    MemberIn,
    MemberOut,
    PartyIn,
    PartyOut,
    TermsIn,
    TokenIn,
    TokenListedOut,
    TokenOut,
    WalletOut,
)
from kit import clock
from kit.ids import inside, outside
from kit.money import fen
from trade import audits, dearer, parties, tokens, wallets
from trade.parties import Terms

router = APIRouter(prefix="/v1/parties", tags=["operators"])

Reads = Annotated[Caller, Depends(allow("parties:read"))]
Writes = Annotated[Writer, Depends(allow_write("parties:write"))]


@router.get("", response_model=Listed[PartyOut], summary="Who trades here")
def page(
    caller: Reads,
    role: Literal["leader", "brand", "buyer", "operator"] | None = None,
    limit: Limit = 50,
    cursor: NumberCursor = None,
) -> Response:
    """The oldest first."""
    after = replies.number_cursor(cursor)
    with caller.system() as session:
        return replies.page(*parties.page(session, role=role, limit=limit, after=after))


@router.post("", response_model=PartyOut, status_code=201, summary="A new party")
def create(caller: Writes, asked: PartyIn) -> Response:
    """With its first token, which is shown this once."""

    def work(session: Session) -> Reply:
        party_id = parties.create(
            session, asked.role, asked.name, source=asked.source, password=asked.password
        )
        issued = tokens.issue(session, party_id)
        told = parties.view(session, party_id)
        _note(session, caller, "party.create", party_id, {"role": asked.role})
        return Reply(201, told | {"token": issued.text})

    return caller.do(work)


@router.get("/{party_id}", response_model=PartyOut, summary="One party")
def get(caller: Reads, party_id: IdPath) -> Response:
    """As operators see it."""
    with caller.system() as session:
        return replies.answer(parties.view(session, inside("pty", party_id)))


@router.patch("/{party_id}", response_model=PartyOut, summary="Its terms")
def change(caller: Writes, party_id: IdPath, asked: TermsIn) -> Response:
    """prepaid, T+7 or monthly+30; credit limit, level, parent, active; its rule for dearer sources.
    What is left out stays; level and parent end with null."""

    def work(session: Session) -> Reply:
        number = inside("pty", party_id)
        limit = None if asked.credit_limit is None else fen(asked.credit_limit)
        level, parent = (_or_none(asked, name) for name in ("level", "parent"))
        terms = Terms(asked.terms, limit, level, parent, asked.active)
        parties.set_terms(session, number, terms)
        most = None if asked.absorb_most is None else fen(asked.absorb_most)
        dearer.set_rule(session, number, then=asked.when_dearer, most=most)
        _note(session, caller, "party.terms", number, asked.model_dump(exclude_unset=True))
        return Reply(200, parties.view(session, number))

    return caller.do(work)


@router.post(
    "/{party_id}/tokens", response_model=TokenOut, status_code=201, summary="One more token"
)
def issue(caller: Writes, party_id: IdPath, asked: TokenIn | None = None) -> Response:
    """Shown this once."""
    wanted = asked or TokenIn()

    def work(session: Session) -> Reply:
        number = inside("pty", party_id)
        member = None if wanted.member is None else inside("mem", wanted.member)
        issued = tokens.issue(
            session,
            number,
            scopes=wanted.scopes,
            expires_at=wanted.expires_at,
            member_id=member,
        )
        name = outside("tok", issued.id)
        _note(session, caller, "token.issue", number, {"token": name, "scopes": wanted.scopes})
        return Reply(201, {"id": name, "token": issued.text, "expires_at": issued.expires_at})

    return caller.do(work)


@router.get("/{party_id}/tokens", response_model=Listed[TokenListedOut], summary="Its tokens")
def listed(caller: Reads, party_id: IdPath) -> Response:
    """Without their texts."""
    number = inside("pty", party_id)
    with caller.system() as session:
        parties.get(session, number)
        return replies.page(tokens.listed(session, number), None)


@router.delete("/{party_id}/tokens/{token_id}", status_code=204, summary="End a token")
def revoke(caller: Writes, party_id: IdPath, token_id: IdPath) -> Response:
    """At once; again changes nothing."""
    number = inside("pty", party_id)
    with caller.system() as session:
        tokens.revoke(session, number, token_id, clock.now())
        _note(session, caller, "token.revoke", number, {"token": token_id})
    return Response(status_code=204)


@router.post(
    "/{party_id}/members", response_model=MemberOut, status_code=201, summary="A new member"
)
def add_member(caller: Writes, party_id: IdPath, asked: MemberIn) -> Response:
    """Roles are owner, clerk, finance and viewer; only one with a password can log in."""

    def work(session: Session) -> Reply:
        number = inside("pty", party_id)
        member = parties.add_member(
            session, number, asked.name, asked.roles, password=asked.password
        )
        _note(session, caller, "member.add", number, {"roles": asked.roles})
        return Reply(201, parties.member(session, member))

    return caller.do(work)


@router.get("/{party_id}/members", response_model=Listed[MemberOut], summary="Its members")
def members(caller: Reads, party_id: IdPath) -> Response:
    """The people who act for the party."""
    with caller.system() as session:
        return replies.page(parties.members(session, inside("pty", party_id)), None)


@router.post(
    "/{party_id}/deposits",
    response_model=WalletOut,
    status_code=201,
    responses={200: {"model": WalletOut, "description": "This was posted before."}},
    summary="Money into a wallet",
)
def deposit(caller: Writes, party_id: IdPath, asked: DepositIn) -> Response:
    """Once for each reference: again posts nothing, another amount is a conflict."""

    def work(session: Session) -> Reply:
        number = inside("pty", party_id)
        new = wallets.deposit(session, number, fen(asked.amount), asked.reference)
        if new:
            detail = {"amount": asked.amount, "reference": asked.reference}
            _note(session, caller, "deposit", number, detail)
        return Reply(201 if new else 200, wallets.wallet(session, number))

    return caller.do(work)


def _or_none(asked: TermsIn, name: str) -> str | None:
    """What becomes of a field that may end: null says none (empty), left out says nothing."""
    value: str | None = getattr(asked, name)
    return "" if value is None and name in asked.model_fields_set else value


def _note(
    session: Session, caller: Caller, action: str, party_id: int, detail: Mapping[str, object]
) -> None:
    audits.note(session, caller.actor, action, outside("pty", party_id), detail, party_id=party_id)
