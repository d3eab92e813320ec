"""Goods that left although their source had taken them back"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import wall

revision = "0080"
down_revision = "0079"
branch_labels = None
depends_on = None

MOMENT = postgresql.TIMESTAMP(timezone=True)


def upgrade() -> None:
    op.add_column("purchases", sa.Column("watched_until", MOMENT, nullable=True))
    op.create_index(
        "purchases_watched",
        "purchases",
        ["source", "due_at"],
        postgresql_where=sa.text("watched_until IS NOT NULL"),
    )
    op.create_table(
        "strays",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), primary_key=True),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("purchase_id", sa.BigInteger(), nullable=False),
        sa.Column("purchase_line_id", sa.BigInteger(), nullable=False),
        sa.Column("parcel_id", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), server_default="open", nullable=False),
        sa.Column("found_at", MOMENT, nullable=False),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.CheckConstraint("quantity > 0", name="strays_quantity"),
    )
    op.create_index("strays_purchase", "strays", ["purchase_id"])
    op.create_index(
        "strays_open",
        "strays",
        ["id"],
        postgresql_where=sa.text("state IN ('open', 'stopping')"),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON strays TO huopan_app")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO huopan_app")
    wall.protect("strays")
