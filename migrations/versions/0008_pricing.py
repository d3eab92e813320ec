"""Versions of price rules, and whom a party stands under"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# A party sees itself only; the ids of its head offices are what it must know of them.
ABOVE = """
CREATE FUNCTION party_above(child bigint) RETURNS bigint[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    WITH RECURSIVE above AS (
        SELECT parent_id FROM parties WHERE id = child AND parent_id IS NOT NULL
        UNION
        SELECT p.parent_id FROM parties p JOIN above a ON p.id = a.parent_id
        WHERE p.parent_id IS NOT NULL)
    SELECT coalesce(array_agg(parent_id), '{}') FROM above
$$
"""


def upgrade() -> None:
    op.create_table(
        "pricing_versions",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("rules", postgresql.JSONB(), nullable=False),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column(
            "at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
    )
    op.execute("GRANT SELECT, INSERT ON pricing_versions TO huopan_app")  # versions stay as written
    op.execute(ABOVE)
