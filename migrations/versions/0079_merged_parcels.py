"""Parcels whose goods are under another number now"""

from alembic import op

revision = "0079"
down_revision = "0078"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE parcels ADD COLUMN also bigint[] NOT NULL DEFAULT '{}'")
