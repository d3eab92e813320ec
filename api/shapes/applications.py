"""Applications, as those who apply and operators send and see them."""

import base64
import binascii
from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from api.shapes.base import SAID, SOURCE, In, Key, Out, Text
from kit.faults import form

Base64 = Annotated[
    str,
    StringConstraints(
        pattern=form(r"^[A-Za-z0-9+/\r\n]+={0,2}$", "give the file in base64"),
        max_length=8_000_000,
    ),
    Field(json_schema_extra={"contentEncoding": "base64"}),
]


class DocumentIn(In):
    """A paper: a picture, which is drawn anew, or a PDF."""

    kind: Key = Field(examples=["business_license", "brand_authorization", "food_license"])
    content: Base64
    expires_on: date | None = Field(None, description="The last day on which it holds.")

    def decoded(self) -> bytes | None:
        """The file; None where it is no base64."""
        try:
            return base64.b64decode(self.content)
        except binascii.Error:
            return None


class ContactIn(In):
    """Who is to be called; kept sealed."""

    name: Text
    mobile: Annotated[str, StringConstraints(pattern=SAID, max_length=40)]


class ApplicationIn(In):
    """`uscc` is 统一社会信用代码; a leader who is a person has none."""

    role: Literal["leader", "brand", "buyer"]
    uscc: str | None = Field(None, max_length=40, examples=["91110000600037341L"])
    documents: list[DocumentIn] = Field(max_length=10)
    name: Text | None = Field(None, description="Of the company or shop.")
    contact: ContactIn | None = None


class AppliedOut(Out):
    """An operator looks at it."""

    id: str
    status: str = Field(description="open | approved | refused")
    created_at: str


class DocumentOut(Out):
    """A paper; its content is read by its place."""

    place: int
    kind: str
    expires_on: str | None
    media_type: str
    size: int


class ContactOut(Out):
    """Who is to be called."""

    name: str
    mobile: str


class ApplicationOut(AppliedOut):
    """An application as operators see it; `contact` only where one is read, and that is written
    down. `token` is the party's first, shown this once."""

    role: str
    name: str | None
    uscc: str | None
    contact: ContactOut | None
    answer: str | None
    party: str | None
    documents: list[DocumentOut]
    updated_at: str
    token: str | None = None


class ApproveIn(In):
    """What the new party is called and supplies; `party` renews the papers of one that is there."""

    name: Text | None = None
    source: Annotated[str, StringConstraints(pattern=SOURCE)] | None = Field(
        None, description="Brands; left out: one that is made of the USCC."
    )
    party: Key | None = None


class RefuseIn(In):
    """Why; for whoever asks."""

    reason: Text
