"""Sheets of orders say which of their rows are hidden"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0077"
down_revision = "0076"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("order_imports", sa.Column("hidden", JSONB, server_default="[]", nullable=False))
