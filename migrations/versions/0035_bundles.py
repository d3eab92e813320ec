"""Bundles: SKUs made of parts, and the lines of orders for them"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import wall

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = postgresql.TIMESTAMP(timezone=True)
    op.create_table(
        "bundles",
        sa.Column("sku_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("source", sa.String(collation="C"), nullable=False),
        sa.Column("party_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "updated_at", moment, server_default=sa.text("clock_timestamp()"), nullable=False
        ),
    )
    op.create_table(
        "sku_parts",
        sa.Column("sku_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("part_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("units > 0 AND sku_id <> part_id", name="sku_parts_units"),
    )
    op.create_index("sku_parts_part", "sku_parts", ["part_id"])  # whose stock and price moved
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON bundles, sku_parts TO huopan_app")
    wall.protect("bundles")
    op.add_column("order_lines", sa.Column("bundle_line", sa.Integer(), nullable=True))
    op.add_column("order_lines", sa.Column("bundle_sku", sa.BigInteger(), nullable=True))
    op.add_column("order_lines", sa.Column("bundle_units", sa.BigInteger(), nullable=True))
    op.create_check_constraint(
        "order_lines_bundle",
        "order_lines",
        "(bundle_line IS NULL) = (bundle_sku IS NULL)"
        " AND (bundle_line IS NULL) = (bundle_units IS NULL) AND quantity % bundle_units = 0",
    )
