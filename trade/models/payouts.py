"""Whom money is paid out to, and each payout."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import NOW, Base, Fen, Id, OutsideId, Ref, Utc


class Payee(Base):
    """To whom a party's money is paid out; number, bank and account are sealed."""

    __tablename__ = "payees"

    party_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str]
    """person | individual_business | company."""
    name: Mapped[str]
    envelope: Mapped[bytes]
    mask: Mapped[dict[str, Any]] = mapped_column(JSONB)
    updated_at: Mapped[Utc] = mapped_column(server_default=NOW)


class Payout(Base):
    """Money that leaves to a party's bank account: earnings first, then what it had paid in."""

    __tablename__ = "payouts"
    __table_args__ = (
        CheckConstraint("amount > 0 AND amount = earnings + deposits", name="payouts_parts"),
        CheckConstraint("earnings >= 0 AND deposits >= 0", name="payouts_signs"),
        CheckConstraint("tax >= 0 AND tax <= earnings", name="payouts_tax"),
        Index("payouts_party", "party_id", "updated_at", "id"),
        Index("payouts_updated", "updated_at", "id"),
        Index(
            "payouts_open",
            "party_id",
            postgresql_where=text("state IN ('requested', 'approved')"),
        ),
        Index(
            "payouts_bank",
            "bank_reference",
            unique=True,
            postgresql_where=text("bank_reference IS NOT NULL"),
        ),
        Index(
            "payouts_return",
            "return_reference",
            unique=True,
            postgresql_where=text("return_reference IS NOT NULL"),
        ),
    )

    id: Mapped[Id]
    party_id: Mapped[Ref]
    amount: Mapped[Fen]
    """Gross."""
    earnings: Mapped[Fen]
    """The part of `amount` that is income of the party."""
    deposits: Mapped[Fen]
    """The part that it had paid in itself."""
    tax: Mapped[Fen] = mapped_column(server_default="0")
    """Withheld from `earnings`; fixed when it is approved."""
    rule: Mapped[str]
    basis: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """The figures that `tax` follows from."""
    plans: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default="{}")
    """The versions of the plan under which the earnings were made."""
    kind: Mapped[str]
    payee: Mapped[str]
    envelope: Mapped[bytes | None]
    """The payee's as it was when this was asked for; null where none was stated."""
    mask: Mapped[dict[str, Any]] = mapped_column(JSONB)
    state: Mapped[str] = mapped_column(server_default="requested")
    """requested | approved | paid | failed | returned."""
    bank_reference: Mapped[OutsideId | None]
    return_reference: Mapped[OutsideId | None]
    """The bank's own, of the money that came back."""
    failure: Mapped[str | None]
    """Why it is not paid, or came back."""
    reduced: Mapped[Fen] = mapped_column(server_default="0")
    """By how much `amount` fell since it was asked for: the party came to owe earnings."""
    approved_at: Mapped[datetime | None]
    exported_at: Mapped[datetime | None]
    """When it first stood in a sheet for the bank: from then on it cannot be changed."""
    paid_at: Mapped[datetime | None]
    returned_at: Mapped[datetime | None]
    created_at: Mapped[Utc] = mapped_column(server_default=NOW)
    updated_at: Mapped[Utc] = mapped_column(server_default=NOW)
