"""Parts of bundles and freight templates as they were, from when until when"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import wall

revision = "0074"
down_revision = "0073"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = postgresql.TIMESTAMP(timezone=True)
    outside = sa.String(collation="C")
    op.create_table(
        "bundle_versions",
        sa.Column("sku_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("began_at", moment, primary_key=True),
        sa.Column("ended_at", moment, nullable=True),
        sa.Column("parts", postgresql.JSONB(), nullable=False),
    )
    op.create_table(
        "freight_template_versions",
        sa.Column("id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("began_at", moment, primary_key=True),
        sa.Column("ended_at", moment, nullable=True),
        sa.Column("source", outside, nullable=False),
        sa.Column("name", outside, nullable=False),
        sa.Column("content", postgresql.JSONB(), nullable=False),
    )
    for table, key in (("bundle_versions", "sku_id"), ("freight_template_versions", "id")):
        # One version holds at a time; found by it when it ends.
        open_now = sa.text("ended_at IS NULL")
        op.create_index(f"{table}_open", table, [key], unique=True, postgresql_where=open_now)
        op.execute(f"GRANT SELECT, INSERT, UPDATE ON {table} TO huopan_app")
    table = "freight_template_versions"
    op.create_index(f"{table}_name", table, ["source", "name"])  # what offers name
    wall.protect(table)
    op.execute(
        "CREATE POLICY read ON freight_template_versions FOR SELECT TO huopan_app USING (true)"
    )
    _begin()
    # What they said before is not known: answers about that time are by these, and say so.
    op.add_column("feed_head", sa.Column("terms_since", moment, nullable=True))
    op.execute(
        "UPDATE feed_head SET terms_since = clock_timestamp() WHERE EXISTS (SELECT FROM parties)"
    )


def _begin() -> None:
    op.execute("""
        INSERT INTO bundle_versions (sku_id, began_at, parts)
        SELECT sku_id, to_timestamp(0), jsonb_object_agg(part_id::text, units)
        FROM sku_parts GROUP BY sku_id
    """)
    op.execute("""
        INSERT INTO freight_template_versions (id, began_at, source, name, content)
        SELECT id, to_timestamp(0), source, name, content FROM freight_templates
    """)
