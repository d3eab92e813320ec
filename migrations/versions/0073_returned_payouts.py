"""Payouts that the bank had paid and that came back"""

import sqlalchemy as sa
from alembic import op

revision = "0073"
down_revision = "0072"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("payouts", sa.Column("return_reference", sa.String(collation="C")))
    op.add_column("payouts", sa.Column("returned_at", sa.TIMESTAMP(timezone=True)))
    op.create_index(
        "payouts_return",
        "payouts",
        ["return_reference"],
        unique=True,
        postgresql_where=sa.text("return_reference IS NOT NULL"),
    )
