"""Shapes of other addresses that senders are asked to send to."""

from typing import Any

from pydantic import Field

from api.shapes.base import In, Moment, Out, Text


class AddressChangeOut(Out):
    """Another address that was asked for; until the sender agrees the former one stands."""

    status: str = Field(description="asked | accepted | refused | overtaken | unanswered")
    asked_at: str
    answer_by: str
    message: str | None = Field(description="What the sender said.")


class AddressAskedOut(Out):
    """Another address in the same district; `ship_to` only where the purchase's own is shown."""

    ship_to: dict[str, Any] | None
    asked_at: str
    answer_by: str = Field(description="Without an answer by then the former address stands.")


class AddressAnswerIn(In):
    """Whether it will go to the other address."""

    accept: bool
    message: Text | None = Field(None, description="For the leader; names nobody.")
    asked_at: Moment | None = Field(
        None, description="Which asking is meant: 409 `asked_anew` where another one is open."
    )
