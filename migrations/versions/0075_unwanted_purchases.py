"""Purchases that their leader asked to cancel stay unwanted, whatever the answer was."""

import sqlalchemy as sa
from alembic import op

revision = "0075"
down_revision = "0074"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "purchases",
        sa.Column("unwanted", sa.Boolean, nullable=False, server_default=sa.text("false")),
    )
    op.execute("UPDATE purchases SET unwanted = true WHERE cancel_reason IS NOT NULL")
