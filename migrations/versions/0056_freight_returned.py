"""Freight that platforms give back with claims"""

import sqlalchemy as sa
from alembic import op

revision = "0056"
down_revision = "0055"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "platform_claims",
        sa.Column("freight", sa.BigInteger(), server_default="0", nullable=False),
    )
    op.add_column("platform_claims", sa.Column("freight_state", sa.String(), nullable=True))
    op.create_index(
        "platform_claims_freight",
        "platform_claims",
        ["source", "purchase_id"],
        postgresql_where=sa.text("freight_state = 'open'"),
    )
