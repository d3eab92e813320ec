"""Whose details are opened and kept, as callers ask and see it."""

from pydantic import Field

from api.shapes.base import In, Out, Text


class RevealIn(In):
    """What the recipient's details are needed for; written down."""

    purpose: Text


class HoldIn(In):
    """What the recipient's details must be kept for: a dispute, an inquiry."""

    reason: Text


class HoldOut(Out):
    """Whether, and what for, an order's recipient may not be erased."""

    order: str
    hold: str | None


class OpeningOut(Out):
    """Somebody opened a recipient of an order."""

    party: str | None = Field(description="Whose token or sheet it was; null: Huopan itself.")
    purpose: str
    at: str


class RevealOut(Out):
    """A recipient in clear."""

    name: str
    mobile: str
    region: str
    address: str
