"""Commissions of platforms, and how far they were read"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import wall

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

MOMENT = postgresql.TIMESTAMP(timezone=True)


def upgrade() -> None:
    outside = sa.String(collation="C")
    op.create_table(
        "commissions",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        *(
            sa.Column(name, outside, nullable=False)
            for name in ("source", "external_id", "order_ref", "item")
        ),
        sa.Column("party_id", sa.BigInteger(), nullable=True),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("title", "state", "reason")),
        *(
            sa.Column(name, sa.BigInteger(), nullable=False)
            for name in ("quantity", "returned", "paid", "expected")
        ),
        *(
            sa.Column(name, sa.BigInteger(), server_default="0", nullable=False)
            for name in ("booked", "earned")
        ),
        sa.Column("plan", sa.String(), nullable=False),
        sa.Column("share_percent", sa.Integer(), nullable=False),
        sa.Column("postings", sa.Integer(), server_default="0", nullable=False),
        *(sa.Column(name, MOMENT, nullable=False) for name in ("ordered_at", "changed_at")),
        sa.Column("settled_at", MOMENT, nullable=True),
        sa.UniqueConstraint("source", "external_id"),
        sa.CheckConstraint("share_percent BETWEEN 0 AND 100", name="commissions_share"),
    )
    op.create_index("commissions_party", "commissions", ["party_id", "id"])
    op.create_table(
        "commissions_read",
        sa.Column("source", outside, primary_key=True),
        sa.Column("cursor", postgresql.JSONB(), nullable=True),
        sa.Column("turn", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("read_at", MOMENT, server_default=sa.text("clock_timestamp()"), nullable=False),
    )
    op.execute(
        "GRANT SELECT, INSERT, UPDATE, DELETE ON commissions, commissions_read TO huopan_app"
    )
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO huopan_app")
    for table in ("commissions", "commissions_read"):
        wall.protect(table)
