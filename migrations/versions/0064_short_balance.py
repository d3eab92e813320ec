"""Purchases say since when our account at their source does not cover them"""

import sqlalchemy as sa
from alembic import op

revision = "0064"
down_revision = "0063"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("purchases", sa.Column("short_since", sa.TIMESTAMP(timezone=True)))
    op.create_index(
        "purchases_short",
        "purchases",
        ["source"],
        postgresql_where=sa.text("short_since IS NOT NULL AND state IN ('ready', 'submitting')"),
    )
