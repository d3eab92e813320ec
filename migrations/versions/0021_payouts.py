"""Payees and payouts"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import wall

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = postgresql.TIMESTAMP(timezone=True)
    written = sa.text("clock_timestamp()")
    op.create_table(
        "payees",
        sa.Column("party_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("envelope", postgresql.BYTEA(), nullable=False),
        sa.Column("mask", postgresql.JSONB(), nullable=False),
        sa.Column("updated_at", moment, server_default=written, nullable=False),
        sa.PrimaryKeyConstraint("party_id"),
    )
    op.create_table(
        "payouts",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("party_id", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("amount", "earnings")),
        sa.Column("deposits", sa.BigInteger(), nullable=False),
        sa.Column("tax", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("basis", postgresql.JSONB(), nullable=False),
        sa.Column("plans", postgresql.ARRAY(sa.TEXT()), server_default="{}", nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("payee", sa.String(), nullable=False),
        sa.Column("envelope", postgresql.BYTEA(), nullable=True),
        sa.Column("mask", postgresql.JSONB(), nullable=False),
        sa.Column("state", sa.String(), server_default="requested", nullable=False),
        sa.Column("bank_reference", sa.String(collation="C"), nullable=True),
        sa.Column("failure", sa.String(), nullable=True),
        sa.Column("approved_at", moment, nullable=True),
        sa.Column("paid_at", moment, nullable=True),
        sa.Column("created_at", moment, server_default=written, nullable=False),
        sa.Column("updated_at", moment, server_default=written, nullable=False),
        sa.CheckConstraint("amount > 0 AND amount = earnings + deposits", name="payouts_parts"),
        sa.CheckConstraint("earnings >= 0 AND deposits >= 0", name="payouts_signs"),
        sa.CheckConstraint("tax >= 0 AND tax <= earnings", name="payouts_tax"),
    )
    op.create_index("payouts_party", "payouts", ["party_id", "updated_at", "id"])
    op.create_index("payouts_updated", "payouts", ["updated_at", "id"])
    op.create_index(
        "payouts_bank",
        "payouts",
        ["bank_reference"],
        unique=True,
        postgresql_where=sa.text("bank_reference IS NOT NULL"),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON payees, payouts TO huopan_app")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO huopan_app")
    wall.protect("payees")
    wall.protect("payouts")
