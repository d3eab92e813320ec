"""Sheets of orders: the sealed file, the orders read from it, what leaders call their goods"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import wall

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

MOMENT = postgresql.TIMESTAMP(timezone=True)
NOW = sa.text("clock_timestamp()")
TABLES = ("order_imports", "order_import_parts", "imported_orders", "goods_names")


def upgrade() -> None:
    _sheets()
    _orders()
    op.create_table(
        "goods_names",
        sa.Column("party_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(collation="C"), nullable=False),
        sa.Column("sku_id", sa.BigInteger(), nullable=False),
        sa.Column("at", MOMENT, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("party_id", "name"),
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {', '.join(TABLES)} TO huopan_app")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO huopan_app")
    for table in TABLES:
        wall.protect(table)


def _sheets() -> None:
    op.create_table(
        "order_imports",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), primary_key=True),
        sa.Column("party_id", sa.BigInteger(), nullable=False),
        sa.Column("digest", postgresql.BYTEA(), nullable=False),
        sa.Column("status", sa.String(), server_default="reading", nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("max_total", sa.BigInteger(), nullable=True),
        sa.Column("quoted_at", MOMENT, nullable=True),
        sa.Column("regions", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("again", postgresql.JSONB(), server_default="[]", nullable=False),
        sa.Column("rejects", postgresql.BYTEA(), nullable=True),
        sa.Column("failure", postgresql.JSONB(), nullable=True),
        sa.Column("created_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("updated_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=True),
        sa.UniqueConstraint("party_id", "digest"),
    )
    op.create_index(
        "order_imports_due",
        "order_imports",
        ["id"],
        postgresql_where=sa.text("status IN ('reading', 'confirmed', 'placing')"),
    )
    op.create_index(
        "order_imports_kept",
        "order_imports",
        ["expires_at"],
        postgresql_where=sa.text("expires_at IS NOT NULL"),
    )
    op.create_table(
        "order_import_parts",
        sa.Column("import_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("party_id", sa.BigInteger(), nullable=False),
        sa.Column("body", postgresql.BYTEA(), nullable=False),
        sa.PrimaryKeyConstraint("import_id", "number"),
    )


def _orders() -> None:
    op.create_table(
        "imported_orders",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), primary_key=True),
        sa.Column("import_id", sa.BigInteger(), nullable=False),
        sa.Column("party_id", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.String(collation="C"), nullable=False),
        sa.Column("rows", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("lines", postgresql.JSONB(), nullable=False),
        sa.Column("sealed", postgresql.BYTEA(), nullable=False),
        sa.Column("mobile_hash", postgresql.BYTEA(), nullable=False),
        sa.Column("total", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("cap", sa.BigInteger(), nullable=True),
        sa.Column("resembles", postgresql.JSONB(), nullable=True),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("failure", postgresql.JSONB(), nullable=True),
        sa.UniqueConstraint("import_id", "reference"),
    )
    queued = sa.text("state='queued'")
    op.create_index(
        "imported_orders_queued", "imported_orders", ["import_id", "id"], postgresql_where=queued
    )
    op.create_index(
        "imported_orders_order",
        "imported_orders",
        ["order_id"],
        postgresql_where=sa.text("order_id IS NOT NULL"),
    )
    op.create_index("imported_orders_mobile", "imported_orders", ["mobile_hash"])
