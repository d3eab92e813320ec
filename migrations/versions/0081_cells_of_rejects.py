"""Rejected rows are kept whole, so that their author can correct them"""

import sqlalchemy as sa
from alembic import op

revision = "0081"
down_revision = "0080"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("run_rejects", sa.Column("cells", sa.String(), server_default="", nullable=False))
