"""What brands allow: retail prices, and who may sell what where"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import wall

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# A party never sees whom grants name. It must know that a source uses them, and those to itself.
SOURCES = """
CREATE FUNCTION granting_sources() RETURNS varchar[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    WITH RECURSIVE each AS (
        (SELECT source FROM grants ORDER BY source LIMIT 1)
        UNION ALL
        SELECT (SELECT g.source FROM grants g WHERE g.source > e.source ORDER BY g.source LIMIT 1)
        FROM each e WHERE e.source IS NOT NULL)
    SELECT coalesce(array_agg(source) FILTER (WHERE source IS NOT NULL), '{}') FROM each
$$
"""
TO_READER = """
CREATE FUNCTION grants_to(reader bigint) RETURNS SETOF grants
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    SELECT g.* FROM grants g
    WHERE (in_system() OR in_party(reader))
      AND (g.to_party IS NULL OR g.to_party = reader OR g.to_party = ANY(party_above(reader)))
      AND (g.to_level IS NULL OR g.to_level = (SELECT level FROM parties WHERE id = reader))
    ORDER BY g.id
$$
"""


def upgrade() -> None:
    op.create_table(
        "price_policies",
        *_scope(),
        sa.Column("min_retail", sa.Numeric(14, 4), nullable=True),
        sa.Column("max_retail", sa.Numeric(14, 4), nullable=True),
        sa.UniqueConstraint("source", "name"),
        sa.CheckConstraint("min_retail <= max_retail", name="price_policies_corridor"),
    )
    op.create_index("price_policies_sku", "price_policies", ["sku_id"])
    op.create_table(
        "grants",
        *_scope(),
        sa.Column("to_party", sa.BigInteger(), nullable=True),
        sa.Column("to_level", sa.String(), nullable=True),
        sa.Column("max_per_order", sa.BigInteger(), nullable=True),
        sa.Column("max_per_day", sa.BigInteger(), nullable=True),
        sa.Column("max_per_recipient", sa.BigInteger(), nullable=True),
        sa.UniqueConstraint("source", "name"),
        sa.CheckConstraint("to_party IS NULL OR to_level IS NULL", name="grants_to_one"),
    )
    op.create_index("grants_party", "grants", ["to_party", "to_level"])
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON price_policies, grants TO huopan_app")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO huopan_app")
    wall.protect("price_policies")
    wall.protect("grants")
    # Everybody who sells must read what may be asked; only its brand and the system write it.
    op.execute("CREATE POLICY read ON price_policies FOR SELECT TO huopan_app USING (true)")
    op.execute(SOURCES)
    op.execute(TO_READER)


def _scope() -> list[sa.Column[object]]:
    """Whose rule it is, for which goods, where and when."""
    moment = postgresql.TIMESTAMP(timezone=True)
    written = sa.text("clock_timestamp()")
    outside = sa.String(collation="C")
    return [
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("source", outside, nullable=False),
        sa.Column("name", outside, nullable=False),
        sa.Column("party_id", sa.BigInteger(), nullable=False),
        sa.Column("sku_id", sa.BigInteger(), nullable=True),
        sa.Column("brand", sa.String(), nullable=True),
        sa.Column("category", sa.String(), nullable=True),
        sa.Column("regions", postgresql.ARRAY(sa.TEXT()), server_default="{}", nullable=False),
        sa.Column("valid_from", moment, nullable=True),
        sa.Column("valid_until", moment, nullable=True),
        sa.Column("updated_at", moment, server_default=written, nullable=False),
    ]
