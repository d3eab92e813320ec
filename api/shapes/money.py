"""Payees and payouts, as their owners and operators send and see them."""

from typing import Any, Literal

from pydantic import Field

from api.shapes.base import In, Key, Money, Out, Text

Kind = Literal["person", "individual_business", "company"]


class PayeeIn(In):
    """To whom you are paid out."""

    kind: Kind
    name: Text
    number: Key = Field(description="Identity card, or 统一社会信用代码 of a firm.")
    bank: Text
    account: Key


class PayeeOut(Out):
    """A payee; number and account are masked."""

    kind: str
    name: str
    number: str | None
    bank: str | None
    account: str | None
    updated_at: str


class PayoutIn(In):
    """How much, before tax."""

    amount: Money


class PaidToOut(Out):
    """A payee as it was when the payout was asked for."""

    kind: str
    name: str
    number: str | None
    bank: str | None
    account: str | None


class PayoutOut(Out):
    """`amount` is gross: `earnings` and `deposits`; `net` is what the bank pays."""

    id: str
    party: str
    status: str = Field(description="requested | approved | paid | failed | returned")
    amount: str
    gross: str
    earnings: str
    deposits: str
    tax: str = Field(description="Withheld from earnings; an estimate until approved.")
    net: str
    reduced: str = Field(description="What was taken out since, because goods came back.")
    rule: str = Field(description="The rule by which tax was withheld.")
    basis: dict[str, Any]
    plans: list[str] = Field(description="Versions of the plan that the earnings come from.")
    payee: PaidToOut
    bank_reference: str | None
    return_reference: str | None = Field(description="The bank's, of money that came back.")
    failure: str | None = Field(description="Why it is not paid, or came back.")
    created_at: str
    approved_at: str | None
    exported_at: str | None = Field(description="When it was first in a sheet for the bank.")
    paid_at: str | None
    returned_at: str | None
    updated_at: str


class PaidIn(In):
    """What the bank's confirmation says."""

    bank_reference: Text


class ReturnedIn(In):
    """What the bank says of money that came back; its party reads the reason."""

    bank_reference: Text
    reason: Text


class FailedIn(In):
    """Why it is not paid; its party reads it."""

    reason: Text
