"""Grants, price policies and standings as they were, from when until when"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import wall

revision = "0068"
down_revision = "0067"
branch_labels = None
depends_on = None

SCOPE = "source, name, sku_id, brand, brand_of, category, regions, valid_from, valid_until"
GRANT = "to_party, to_level, max_per_order, max_per_day, max_per_recipient"

# A party knows under whom it stood, and nobody else's place.
STANDINGS = """
CREATE FUNCTION standings_of(readers bigint[]) RETURNS SETOF party_standings
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    WITH RECURSIVE party AS (
        SELECT unnest(readers) AS id
        UNION SELECT s.parent_id FROM party JOIN party_standings s ON s.party_id = party.id
        WHERE s.parent_id IS NOT NULL)
    SELECT s.* FROM party JOIN party_standings s ON s.party_id = party.id
    WHERE in_system() OR (cardinality(readers) = 1 AND in_party(readers[1]))
$$
"""
# As grants_to and granting_sources, for all time: whom else grants named stays unseen.
TO_READER = """
CREATE FUNCTION grants_ever_to(reader bigint) RETURNS SETOF grant_versions
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    WITH stood AS MATERIALIZED (SELECT * FROM standings_of(ARRAY[reader]))
    SELECT g.* FROM grant_versions g
    WHERE (in_system() OR in_party(reader))
      AND (g.to_party IS NULL OR g.to_party = reader
           OR g.to_party IN (SELECT parent_id FROM stood))
      AND (g.to_level IS NULL
           OR g.to_level IN (SELECT level FROM stood WHERE party_id = reader))
    ORDER BY g.id
$$
"""
SOURCES = """
CREATE FUNCTION granting_spans()
RETURNS TABLE (source varchar, began_at timestamptz, ended_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    SELECT s.source, lower(span), upper(span) FROM (
        SELECT g.source, unnest(range_agg(tstzrange(g.began_at, g.ended_at))) AS span
        FROM grant_versions g GROUP BY g.source) s
$$
"""


def upgrade() -> None:
    moment = postgresql.TIMESTAMP(timezone=True)
    op.create_table(
        "grant_versions",
        *_scope(),
        sa.Column("to_party", sa.BigInteger(), nullable=True),
        sa.Column("to_level", sa.String(), nullable=True),
        sa.Column("max_per_order", sa.BigInteger(), nullable=True),
        sa.Column("max_per_day", sa.BigInteger(), nullable=True),
        sa.Column("max_per_recipient", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", "began_at"),
    )
    op.create_table(
        "price_policy_versions",
        *_scope(),
        sa.Column("min_retail", sa.Numeric(14, 4), nullable=True),
        sa.Column("max_retail", sa.Numeric(14, 4), nullable=True),
        sa.PrimaryKeyConstraint("id", "began_at"),
    )
    op.create_table(
        "party_standings",
        sa.Column("party_id", sa.BigInteger(), nullable=False),
        sa.Column("began_at", moment, nullable=False),
        sa.Column("ended_at", moment, nullable=True),
        sa.Column("level", sa.String(), nullable=True),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("party_id", "began_at"),
    )
    open_now = sa.text("ended_at IS NULL")
    for table, key in (
        ("grant_versions", "id"),
        ("price_policy_versions", "id"),
        ("party_standings", "party_id"),
    ):
        # One version holds at a time; found by it when it ends.
        op.create_index(f"{table}_open", table, [key], unique=True, postgresql_where=open_now)
    op.create_index("grant_versions_party", "grant_versions", ["to_party", "to_level"])
    op.create_index("price_policy_versions_sku", "price_policy_versions", ["sku_id"])
    _begin()
    op.execute(
        "GRANT SELECT, INSERT, UPDATE ON grant_versions, price_policy_versions, party_standings"
        " TO huopan_app"
    )
    wall.protect("grant_versions")
    wall.protect("price_policy_versions")
    wall.protect("party_standings")
    op.execute("CREATE POLICY read ON price_policy_versions FOR SELECT TO huopan_app USING (true)")
    for function in (STANDINGS, TO_READER, SOURCES):
        op.execute(function)
    # What ended before is not known: answers about that time say so.
    op.add_column("feed_head", sa.Column("rules_since", moment, nullable=True))
    op.execute(
        "UPDATE feed_head SET rules_since = clock_timestamp() WHERE EXISTS (SELECT FROM parties)"
    )


def _begin() -> None:
    """What is there began when it was first put after it was last deleted, as the audit tells."""
    for table, versions, action, own in (
        ("grants", "grant_versions", "grant", GRANT),
        ("price_policies", "price_policy_versions", "price_policy", "min_retail, max_retail"),
    ):
        op.execute(f"""
            INSERT INTO {versions} (id, {SCOPE}, {own}, began_at)
            SELECT r.id, {SCOPE}, {own}, least(r.updated_at, (
              SELECT min(a.at) FROM audit a
              WHERE a.subject = r.name AND a.action = '{action}.put'
                AND coalesce(a.detail ->> 'source', '') = r.source
                AND a.id > coalesce((
                  SELECT max(d.id) FROM audit d
                  WHERE d.subject = r.name AND d.action = '{action}.delete'
                    AND coalesce(d.detail ->> 'source', '') = r.source), 0)))
            FROM {table} r
        """)  # noqa: S608 - tables of ours
    op.execute("""
        INSERT INTO party_standings (party_id, began_at, level, parent_id)
        SELECT id, created_at, level, parent_id FROM parties
        WHERE level IS NOT NULL OR parent_id IS NOT NULL
    """)


def _scope() -> list[sa.Column[object]]:
    """For which goods, where and when; and when that was said, and no longer."""
    moment = postgresql.TIMESTAMP(timezone=True)
    outside = sa.String(collation="C")
    return [
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("began_at", moment, nullable=False),
        sa.Column("ended_at", moment, nullable=True),
        sa.Column("source", outside, nullable=False),
        sa.Column("name", outside, nullable=False),
        sa.Column("sku_id", sa.BigInteger(), nullable=True),
        sa.Column("brand", sa.String(), nullable=True),
        sa.Column("brand_of", outside, nullable=True),
        sa.Column("category", sa.String(), nullable=True),
        sa.Column("regions", postgresql.ARRAY(sa.TEXT()), server_default="{}", nullable=False),
        sa.Column("valid_from", moment, nullable=True),
        sa.Column("valid_until", moment, nullable=True),
    ]
