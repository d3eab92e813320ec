"""What is held already waits for money, too"""

import sqlalchemy as sa
from alembic import op

revision = "0071"
down_revision = "0070"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Until now the mark stayed on what was taken since, and only the state said that it was over.
    op.execute(
        "UPDATE purchases SET short_since = NULL"
        " WHERE short_since IS NOT NULL AND state NOT IN ('ready', 'submitting')"
    )
    op.drop_index("purchases_short", "purchases")
    op.create_index(
        "purchases_short",
        "purchases",
        ["source"],
        postgresql_where=sa.text("short_since IS NOT NULL"),
    )
