"""What held orders are proposed, units whose place other lines took, and audits by their subject"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import wall

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None

MOMENT = postgresql.TIMESTAMP(timezone=True)


def upgrade() -> None:
    op.create_table(
        "proposals",
        sa.Column("order_id", sa.BigInteger(), primary_key=True),
        sa.Column("party_id", sa.BigInteger(), nullable=False),
        sa.Column("content", postgresql.JSONB(), nullable=False),
        sa.Column("deadline", MOMENT, nullable=True),
        sa.Column("held_since", MOMENT, nullable=False),
    )
    op.create_index(
        "proposals_due",
        "proposals",
        ["deadline"],
        postgresql_where=sa.text("deadline IS NOT NULL"),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON proposals TO huopan_app")
    wall.protect("proposals")
    op.add_column(
        "order_lines", sa.Column("replaced", sa.BigInteger(), server_default="0", nullable=False)
    )
    op.add_column("order_lines", sa.Column("replaces", sa.Integer(), nullable=True))
    op.create_check_constraint("replaced", "order_lines", "replaced >= 0 AND replaced <= cancelled")
    op.create_index("audit_subject", "audit", ["subject", "id"])
