"""Shapes of what waits for a person."""

from datetime import date
from typing import Any

from pydantic import Field

from api.shapes.base import In, Key, LongText, Money, Out, Text


class CauseOut(Out):
    """Why it waits."""

    code: str
    message: str


class ExceptionOut(Out):
    """Something that waits for a person."""

    id: str
    kind: str
    subject: str = Field(description="The order, purchase, claim, … that it concerns.")
    cause: CauseOut
    detail: str | None
    money: str | None = Field(description="CNY at stake; null where none is, or it is not known.")
    deadline: str | None = Field(
        description="By a rule or promise, else `[exceptions] answer_hours` after `since`."
    )
    actions: list[str] = Field(description="What may safely be done as it stands.")
    since: str | None


class ActionIn(In):
    """What an action needs, where it needs anything."""

    reason: Text | None = Field(
        None, description="refuse, refused, not_placed, dismiss, answer, extend a supplier"
    )
    platform_ref: Key | None = Field(None, description="found: the number at the platform")
    amount: Money | None = Field(
        None, description="approve, advance: all that was asked if null; counted"
    )
    return_to: LongText | None = Field(None, description="approve: where goods go back to")
    carrier: Text | None = Field(None, description="reissue")
    tracking_number: Key | None = Field(None, description="reissue")
    until: date | None = Field(None, description="extend a supplier: its last day")


class ActedOut(Out):
    """It was done, now or before."""

    id: str
    action: str
    waits: bool = Field(description="Whether it still waits for a person.")


class DeadLetterOut(Out):
    """A stored message that was not handled to its end; nothing of its content."""

    id: str
    topic: str = Field(description="waybills | messages")
    source: str | None
    received_at: str
    tries: int = Field(description="How often it was replayed without success.")
    error: str | None


class ReplayIn(In):
    """`dry_run` says what it would do, and changes nothing."""

    dry_run: bool = False


class ReplayedOut(Out):
    """What came of it."""

    id: str
    dry_run: bool
    result: dict[str, Any] = Field(
        description="Of a dry run what the letter holds in numbers, and what it `would` do."
    )
