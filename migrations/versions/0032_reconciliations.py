"""Days compared with sources, and their differences"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import wall

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

MOMENT = postgresql.TIMESTAMP(timezone=True)


def upgrade() -> None:
    outside = sa.String(collation="C")
    op.create_table(
        "reconciliations",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("source", outside, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        *(
            sa.Column(name, sa.BigInteger(), nullable=False)
            for name in ("purchases", "parcels", "units", "amount")
        ),
        sa.Column("compared", sa.Boolean(), nullable=False),
        sa.Column("made_at", MOMENT, server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.UniqueConstraint("source", "day"),
    )
    op.create_table(
        "differences",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("reconciliation_id", sa.BigInteger(), nullable=False),
        sa.Column("source", outside, nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("purchase", outside, nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.UniqueConstraint("reconciliation_id", "code", "purchase", "detail"),
    )
    op.create_index("differences_state", "differences", ["state", "id"])
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON reconciliations, differences TO huopan_app")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO huopan_app")
    for table in ("reconciliations", "differences"):
        wall.protect(table)
