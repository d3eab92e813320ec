"""Payouts say when they stood in a sheet for the bank, and what was taken out of them"""

import sqlalchemy as sa
from alembic import op

revision = "0065"
down_revision = "0064"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("payouts", sa.Column("reduced", sa.BigInteger(), server_default="0"))
    op.alter_column("payouts", "reduced", nullable=False)
    op.add_column("payouts", sa.Column("exported_at", sa.TIMESTAMP(timezone=True)))
    # what was approved so far may stand in a sheet already
    op.execute("UPDATE payouts SET exported_at = approved_at WHERE state = 'approved'")
    op.create_index(
        "payouts_open",
        "payouts",
        ["party_id"],
        postgresql_where=sa.text("state IN ('requested', 'approved')"),
    )
