"""New offers wait to be matched behind the run that brought them"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "match_queue",
        sa.Column("offer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("offer_id"),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON match_queue TO huopan_app")
