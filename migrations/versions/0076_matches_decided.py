"""Matches that people decided are found by their SKU"""

from alembic import op

revision = "0076"
down_revision = "0075"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE INDEX matches_decided ON matches (sku_id)
        WHERE state IN ('accepted', 'rejected')
    """)
