"""What an endpoint did not take in time: how many messages, and where a replay finds the first"""

import sqlalchemy as sa
from alembic import op

revision = "0063"
down_revision = "0062"
branch_labels = None
depends_on = None


def upgrade() -> None:
    missed = sa.Column("missed", sa.BigInteger(), server_default="0", nullable=False)
    op.add_column("webhooks", missed)
    op.add_column("webhooks", sa.Column("missed_events", sa.BigInteger()))
    op.add_column("webhooks", sa.Column("missed_changes", sa.BigInteger()))
