"""Terms of parties, logins, deposit requests"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import wall

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "parties", sa.Column("terms", sa.String(), server_default="prepaid", nullable=False)
    )
    op.add_column("parties", sa.Column("level", sa.String(), nullable=True))
    op.drop_index("ix_parties_source", table_name="parties")
    op.create_index(
        "parties_supplier",
        "parties",
        ["source"],
        unique=True,
        postgresql_where=sa.text("source IS NOT NULL AND active"),
    )
    op.create_index(
        "members_login",
        "members",
        ["name"],
        unique=True,
        postgresql_where=sa.text("password_hash IS NOT NULL"),
    )
    op.create_index("tokens_party", "tokens", ["party_id"], unique=False)
    op.create_table(
        "deposit_requests",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("party_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("proof", sa.String(), nullable=False),
        sa.Column("state", sa.String(), server_default="open", nullable=False),
        sa.Column("answer", sa.String(), nullable=True),
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("amount > 0", name="deposit_requests_amount"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "deposit_requests_party", "deposit_requests", ["party_id", "updated_at", "id"], unique=False
    )
    op.create_index(
        "deposit_requests_updated", "deposit_requests", ["updated_at", "id"], unique=False
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON deposit_requests TO huopan_app")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO huopan_app")
    wall.protect("deposit_requests")
