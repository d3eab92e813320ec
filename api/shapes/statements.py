"""Statements, as their parties and operators send and see them."""

from pydantic import Field

from api.shapes.base import In, LongText, Out


class StatementOut(Out):
    """What moved a party's money: opening + lines = closing."""

    id: str
    party: str
    period: str
    since: str | None = Field(alias="from", description="Null: from the beginning.")
    until: str
    status: str = Field(description="issued | confirmed | disputed | answered")
    opening: str
    closing: str
    totals: dict[str, str] = Field(description="By kind of line.")
    balances: dict[str, str] = Field(description="By account, at its end.")
    reason: str | None
    answer: str | None
    answered_at: str | None
    issued_at: str


class StatementLineOut(Out):
    """Postings of one kind about one order, or one posting of its own."""

    line: int
    kind: str
    order: str | None
    reference: str | None
    amount: str
    postings: int
    at: str


class PostingOut(Out):
    """Money that moved, once."""

    id: str
    amount: str
    at: str


class DisputeIn(In):
    """What is wrong with it."""

    reason: LongText


class AnswerIn(In):
    """What the operator found."""

    answer: LongText
