"""Matching: keys, brands' names, claims with evidence, regroupings, redirects"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

JSON = postgresql.JSONB(astext_type=sa.Text())
TIME = postgresql.TIMESTAMP(timezone=True)
NOW = sa.text("clock_timestamp()")
TABLES = "match_keys, brand_names, matches, regroupings, sku_redirects"


def upgrade() -> None:
    op.create_table(
        "match_keys",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("owner", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("offer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("key", "owner", "offer_id"),
    )
    op.create_table(
        "brand_names",
        sa.Column("name", sa.String(collation="C"), nullable=False),
        sa.Column("brand", sa.String(collation="C"), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("updated_at", TIME, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_index("brand_names_updated", "brand_names", ["updated_at"])
    _matches()
    _regroupings()
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {TABLES} TO huopan_app")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO huopan_app")
    op.execute("REVOKE DELETE ON regroupings FROM huopan_app")


def _matches() -> None:
    op.create_table(
        "matches",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("offer_id", sa.BigInteger(), nullable=False),
        sa.Column("sku_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("score", sa.Numeric(8, 3), nullable=False),
        sa.Column("evidence", JSON, nullable=False),
        sa.Column("created_at", TIME, server_default=NOW, nullable=False),
        sa.Column("decided_at", TIME, nullable=True),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("matches_claim", "matches", ["offer_id", "sku_id", "kind"], unique=True)
    waiting = sa.text("state = 'review'")
    op.create_index("matches_review", "matches", ["id"], postgresql_where=waiting)
    op.create_index("matches_sku", "matches", ["sku_id"], postgresql_where=waiting)


def _regroupings() -> None:
    op.create_table(
        "regroupings",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("from_sku", sa.BigInteger(), nullable=False),
        sa.Column("to_sku", sa.BigInteger(), nullable=False),
        sa.Column("offers", JSON, nullable=False),
        sa.Column("redirects", JSON, server_default="[]", nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", TIME, server_default=NOW, nullable=False),
        sa.Column("undone_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("regroupings_to", "regroupings", ["to_sku"])
    op.create_table(
        "sku_redirects",
        sa.Column("from_sku", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("to_sku", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("from_sku"),
    )
    op.create_index("sku_redirects_to", "sku_redirects", ["to_sku"])
