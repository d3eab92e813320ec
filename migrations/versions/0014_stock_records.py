"""How fast stated stock falls, and how often a source's word on it proved false"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "stock_pace",
        sa.Column("offer_id", sa.BigInteger(), nullable=False),
        sa.Column("per_hour", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("offer_id"),
    )
    op.create_table(
        "stock_claims",
        sa.Column("source", sa.String(collation="C"), nullable=False),
        sa.Column("tried", sa.BigInteger(), nullable=False),
        sa.Column("short", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source"),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON stock_pace, stock_claims TO huopan_app")
