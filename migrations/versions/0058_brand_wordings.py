"""What the wordings of brands stand for"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0058"
down_revision = "0057"
branch_labels = None
depends_on = None

VERSIONS = ("pricing_versions", "routing_versions")
RULES = ("grants", "price_policies")
NAMED = {
    "pricing_versions": "rule ->> 'brand'",
    "routing_versions": "rule #>> '{when,brand}'",
}


def upgrade() -> None:
    outside = sa.String(collation="C")
    op.create_table(
        "brand_wordings",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("written", outside, nullable=False),
        sa.Column("brand", outside, nullable=False),
        sa.Column("shown", sa.String(), nullable=False),
        sa.Column("alias", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("told", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("moved_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
    )
    op.create_index("brand_wordings_written", "brand_wordings", ["written"], unique=True)
    op.create_index("brand_wordings_brand", "brand_wordings", ["brand"])
    op.create_index(
        "brand_wordings_untold", "brand_wordings", ["id"], postgresql_where=sa.text("NOT told")
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON brand_wordings TO huopan_app")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO huopan_app")
    for table in VERSIONS:
        texts = postgresql.ARRAY(sa.TEXT())
        op.add_column(table, sa.Column("brands", texts, server_default="{}", nullable=False))
        op.execute(f"""
            UPDATE {table} SET brands = coalesce((
              SELECT array_agg(DISTINCT {NAMED[table]}) FILTER (WHERE {NAMED[table]} IS NOT NULL)
              FROM jsonb_array_elements(rules) rule), '{{}}')
        """)  # noqa: S608 - tables of ours
    for table in RULES:
        op.add_column(table, sa.Column("brand_of", outside, nullable=True))
        op.execute(f"UPDATE {table} SET brand_of = brand")  # noqa: S608 - tables of ours
    # Every wording stands for itself until they are resolved, a moment after the start.
    op.execute("""
        INSERT INTO brand_wordings (written, brand, shown)
        SELECT brand, brand, brand FROM (
          SELECT brand FROM offers UNION SELECT brand FROM products UNION SELECT brand FROM grants
          UNION SELECT brand FROM price_policies UNION SELECT unnest(brands) FROM pricing_versions
          UNION SELECT unnest(brands) FROM routing_versions) b
        WHERE length(brand) <= 500 ORDER BY brand
    """)
