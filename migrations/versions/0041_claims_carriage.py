"""Freight that goes back with claims, and postage of goods that go back"""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in (
        "freight_refunded",
        "freight_credited",
        "postage",
        "postage_refunded",
        "postage_credited",
    ):
        op.add_column(
            "claims", sa.Column(name, sa.BigInteger(), server_default="0", nullable=False)
        )
    op.create_check_constraint("claims_postage", "claims", "postage_refunded IN (0, postage)")
    op.create_index(
        "claims_freight",
        "claims",
        ["purchase_id"],
        unique=True,
        postgresql_where=sa.text("freight_refunded > 0 OR freight_credited > 0"),
    )
