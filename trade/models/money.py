"""Balances and postings."""

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import NOW, Base, Fen, Id, OutsideId, Ref, Utc


class Balance(Base):
    """An account that must not fall below its floor; locked in account order before a posting."""

    __tablename__ = "balances"
    __table_args__ = (CheckConstraint("amount >= floor", name="balances_floor"),)

    account: Mapped[str] = mapped_column(primary_key=True)
    party_id: Mapped[Ref]
    amount: Mapped[Fen] = mapped_column(server_default="0")
    floor: Mapped[Fen] = mapped_column(server_default="0")


class Posting(Base):
    """Money that moved from one account to another, once per reference; never edited."""

    __tablename__ = "postings"
    __table_args__ = (
        CheckConstraint("amount > 0", name="postings_amount"),
        CheckConstraint("source <> destination", name="postings_ends"),
        Index("postings_party", "party_id", "id"),
        Index("postings_source", "source"),
        Index("postings_destination", "destination"),
    )

    id: Mapped[Id]
    reference: Mapped[OutsideId] = mapped_column(unique=True)
    kind: Mapped[str]
    """deposit | hold | capture | release | refund | payable | clawback | reversal | payout |
    payout_tax | payout_back | earning | earning_back | earned | advance | settled | taken_back |
    written_off | freight_back | postage | absorb | absorb_back."""
    source: Mapped[str]
    destination: Mapped[str]
    amount: Mapped[Fen]
    party_id: Mapped[int | None]
    order_id: Mapped[int | None]
    at: Mapped[Utc] = mapped_column(server_default=NOW)


class DepositRequest(Base):
    """A party says that it has paid in; an operator confirms it against the bank, or refuses."""

    __tablename__ = "deposit_requests"
    __table_args__ = (
        CheckConstraint("amount > 0", name="deposit_requests_amount"),
        Index("deposit_requests_party", "party_id", "updated_at", "id"),
        Index("deposit_requests_updated", "updated_at", "id"),
    )

    id: Mapped[Id]
    party_id: Mapped[Ref]
    amount: Mapped[Fen]
    proof: Mapped[str]
    """The bank's receipt number, or where its picture is."""
    state: Mapped[str] = mapped_column(server_default="open")
    """open | confirmed | refused."""
    answer: Mapped[str | None]
    created_at: Mapped[Utc] = mapped_column(server_default=NOW)
    updated_at: Mapped[Utc] = mapped_column(server_default=NOW)
