"""Replacements that nobody wants any more, and that a sheet says to send"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0062"
down_revision = "0061"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("claims", sa.Column("recall", sa.String(), nullable=True))
    at = sa.Column("recalled_at", postgresql.TIMESTAMP(timezone=True), nullable=True)
    op.add_column("claims", at)
    op.create_index(
        "claims_recalled",
        "claims",
        ["id"],
        postgresql_where=sa.text("recall IN ('asked', 'sent')"),
    )
