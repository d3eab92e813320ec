"""What platforms ask beyond the agreement"""

import sqlalchemy as sa
from alembic import op

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "purchases", sa.Column("overcharged", sa.BigInteger(), server_default="0", nullable=False)
    )
    op.create_index(
        "purchases_overcharged",
        "purchases",
        ["id"],
        postgresql_where=sa.text("overcharged > 0"),
    )
