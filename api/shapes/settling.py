"""Payables and reconciliations, as operators send and see them."""

from pydantic import Field

from api.shapes.base import In, Money, Out, Text


class PayableOut(Out):
    """What we owe a source, and what of it is due by its supplier's terms."""

    source: str
    party: str | None
    name: str | None
    terms: str
    owed: str
    due: str
    prepaid: str = Field(description="What we have paid it in advance.")
    at_platform: str = Field(description="What our account there holds, by its own movements.")


class PaymentIn(In):
    """What the bank's confirmation says; `prepay` for more than is owed."""

    amount: Money
    bank_reference: Text
    prepay: bool = False


class EntryProposed(Out):
    """The entry that would make both sides agree."""

    source: str
    destination: str
    amount: str


class DifferenceOut(Out):
    """Where our books and the source's differ."""

    id: str
    code: str
    purchase: str
    detail: str
    advice: str
    proposal: EntryProposed | None
    status: str = Field(description="open | accepted | dismissed | gone")
    note: str | None
    decided_at: str | None


class ReconciliationOut(Out):
    """A day with a source, as it was compared last."""

    id: str
    source: str
    day: str
    purchases: int
    parcels: int
    units: int
    amount: str
    compared: bool
    made_at: str
    differences: list[DifferenceOut]


class DismissIn(In):
    """Why it stays as it is."""

    note: Text
