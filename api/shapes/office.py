"""Money, parties, sources and runs, as their owners and operators send and see them."""

from typing import Any, Literal

from pydantic import Field

from api.shapes.base import NO_NUL, In, Key, Moment, Money, Note, Out, Text
from kit.faults import form


class WalletOut(Out):
    """What can be spent, what orders and payouts hold, and how far below zero it may go."""

    balance: str
    held: str
    credit_limit: str


class EarningsOut(Out):
    """What help-selling and links to platforms' goods earned."""

    payable: str = Field(description="Can be paid out.")
    frozen: str = Field(description="On goods that may still come back.")


class EntryOut(Out):
    """Money that came into (or, negative, left) the wallet."""

    id: str
    kind: str
    amount: str
    order: str | None
    reference: str | None
    at: str


class DepositRequestIn(In):
    """What you paid in, and the proof of it."""

    amount: Money
    proof: Text = Field(description="The bank's receipt number, or where its picture is.")


class DepositRequestOut(Out):
    """Waits until an operator has looked at the bank."""

    id: str
    party: str
    amount: str
    proof: str
    status: str = Field(description="open | confirmed | refused")
    answer: str | None
    created_at: str
    updated_at: str


class RefuseRequestIn(In):
    """Why the request is refused; its party reads it."""

    reason: Text


class PartyIn(In):
    """A new party; `source` makes a brand the supplier of that source."""

    role: Literal["leader", "brand", "buyer", "operator"]
    name: Text
    source: Key | None = None
    password: str | None = Field(None, min_length=8, max_length=200, pattern=NO_NUL)


class PartyOut(Out):
    """A party; `token` is shown this once, when it is made."""

    id: str
    role: str
    name: str
    source: str | None
    parent: str | None
    terms: str
    credit_limit: str
    level: str | None
    when_dearer: str
    absorb_most: str
    active: bool
    created_at: str
    token: str | None = None


WhenDearer = Literal["hold", "reroute", "absorb", "cancel"]


class DearerIn(In):
    """What becomes of what you ordered where it costs more when it is bought; what is left out
    stays."""

    when_dearer: WhenDearer | None = None
    absorb_most: Money | None = Field(
        None, description="With absorb: so much more you pay for a whole order at most."
    )


class DearerOut(Out):
    """What becomes of what you ordered where it costs more when it is bought."""

    when_dearer: str
    absorb_most: str


_TERMS = form(
    r"^(prepaid|T\+[0-9]{1,3}|monthly\+[0-9]{1,3})$",
    "give prepaid, T+7 (days) or monthly+30 (days after the month), with the days you agreed",
)


class TermsIn(In):
    """What to change; what is left out stays."""

    terms: str | None = Field(None, pattern=_TERMS)
    credit_limit: Money | None = None
    level: Note | None = Field(None, description="null or empty: none.")
    parent: str | None = Field(
        None, max_length=64, description="A party's id; null or empty: none."
    )
    when_dearer: WhenDearer | None = None
    absorb_most: Money | None = None
    active: bool | None = None


class TokenIn(In):
    """One more token; without `scopes` it may do all that the party may."""

    scopes: list[Key] = Field([], max_length=50)
    expires_at: Moment | None = None
    member: Key | None = None


class TokenOut(Out):
    """`token` is shown this once and can never be had again."""

    id: str
    token: str
    expires_at: str | None


class TokenListedOut(Out):
    """A token without its text."""

    id: str
    member: str | None
    scopes: list[str]
    created_at: str
    expires_at: str | None
    revoked_at: str | None


class MemberIn(In):
    """A person who acts for the party; only one with a password can log in."""

    name: Text
    roles: list[Key] = Field(min_length=1, max_length=10)
    password: str | None = Field(None, min_length=8, max_length=200, pattern=NO_NUL)


class MemberOut(Out):
    """A member."""

    id: str
    name: str
    roles: list[str]
    logs_in: bool
    created_at: str


class DepositIn(In):
    """Money that the bank's statement says has arrived."""

    amount: Money
    reference: Text = Field(description="The bank's own reference; posted once.")


class LoginIn(In):
    """A member's name and password."""

    name: Text
    password: str = Field(min_length=1, max_length=200, pattern=NO_NUL)


class RunOut(Out):
    """One reading of one source."""

    id: str
    source: str
    kind: str
    state: str
    started_at: str
    ended_at: str | None
    as_of: str | None
    seen: int
    changed: int
    rejected: int
    failure: str | None
    notes: dict[str, Any]


class HarmOut(Out):
    """A row that a person should look at."""

    kind: str = Field(description="vanished | zeroed | moved")
    external_id: str
    title: str
    was: dict[str, Any] | None
    now: dict[str, Any] | None


class DiffOut(Out):
    """What a held reading would do."""

    planned: int
    radius: dict[str, int]
    rows: list[HarmOut]


class SourceOut(Out):
    """A source and how fresh it is; ages in seconds."""

    code: str
    kind: str
    health: str
    offers: int
    last_run: str | None
    fresh_p50: int | None
    fresh_p95: int | None
    calls_left: int | None
    note: str | None


class AuditOut(Out):
    """Who did what."""

    id: str
    party: str | None
    actor: str
    action: str
    subject: str
    detail: dict[str, Any] | None
    at: str


class DecisionOut(Out):
    """Why an order was routed as it was, and why each alternative lost."""

    at: str
    purchases: list[dict[str, Any]]
    lost: list[dict[str, Any]]
    unsellable: dict[str, Any]
    dearer: dict[str, Any] | None = Field(
        None, description="The leader's rule for a dearer source, and what came of it."
    )


class RefusalOut(Out):
    """A sender that would not sell what was decided, in its own words."""

    at: str
    purchase: str
    source: str
    seller: str | None
    code: str | None
    message: str | None


class DecisionsOut(Out):
    """Every decision about an order, and every refusal that led to another; the oldest first."""

    items: list[DecisionOut]
    refused: list[RefusalOut]
