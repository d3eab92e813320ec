"""What has not left for certain is written anew"""

import sqlalchemy as sa
from alembic import op

revision = "0060"
down_revision = "0059"
branch_labels = None
depends_on = None


def upgrade() -> None:
    column = sa.Column("may_have_left", sa.Boolean(), server_default=sa.false(), nullable=False)
    op.add_column("supplier_sheets", column)
    op.execute("UPDATE supplier_sheets SET may_have_left = true WHERE attempts > 0")
