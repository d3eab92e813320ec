"""What platforms hold unpaid because it costs more than was agreed"""

import sqlalchemy as sa
from alembic import op

revision = "0067"
down_revision = "0066"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("purchases", sa.Column("asked_freight", sa.BigInteger()))
    op.add_column("purchases", sa.Column("held_since", sa.TIMESTAMP(timezone=True)))
    op.add_column("purchases", sa.Column("held_word", sa.Text()))
    op.add_column(
        "purchases", sa.Column("absorbed", sa.BigInteger(), server_default="0", nullable=False)
    )
    op.create_index(
        "purchases_unpaid",
        "purchases",
        ["id"],
        postgresql_where=sa.text("held_since IS NOT NULL"),
    )
