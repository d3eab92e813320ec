"""Differences in what platforms gave back are settled by a person"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = postgresql.TIMESTAMP(timezone=True)
    op.add_column("platform_claims", sa.Column("settled_at", moment, nullable=True))
    op.execute("""
        UPDATE platform_claims SET settled_at = updated_at
        WHERE state = 'refunded' AND updated_at < now() - interval '30 days'
    """)  # these were shown for 30 days only
