"""Changed rules in the change feed, and up to where the feed is forgotten"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import wall

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

# Whom a row names is nobody else's business: it is read by those whom it names, or all.
REACHES = """
CREATE FUNCTION reaches(reach jsonb, reader bigint) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    SELECT EXISTS (
        SELECT FROM jsonb_to_recordset(reach) AS r(party bigint, "group" bigint, level varchar)
        WHERE (r.party IS NULL OR r.party = reader)
          AND (r."group" IS NULL OR r."group" = reader OR r."group" = ANY(party_above(reader)))
          AND (r.level IS NULL OR r.level = (SELECT level FROM parties WHERE id = reader)))
$$
"""


def upgrade() -> None:
    moment = postgresql.TIMESTAMP(timezone=True)
    written = sa.text("clock_timestamp()")
    op.create_table(
        "rule_changes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), primary_key=True),
        sa.Column("seq", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("reach", postgresql.JSONB(), nullable=False),
        sa.Column("at", moment, server_default=written, nullable=False),
    )
    numbered = sa.text("seq IS NOT NULL")  # catalog.reads.changes: a page of the feed
    op.create_index(
        "rule_changes_seq", "rule_changes", ["seq"], unique=True, postgresql_where=numbered
    )
    waiting = sa.text("seq IS NULL")  # catalog.sequencer
    op.create_index("rule_changes_unnumbered", "rule_changes", ["id"], postgresql_where=waiting)
    op.execute(REACHES)
    op.execute("GRANT SELECT, INSERT, DELETE ON rule_changes TO huopan_app")  # written once,
    op.execute("GRANT UPDATE (seq) ON rule_changes TO huopan_app")  # and numbered once
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO huopan_app")
    wall.protect("rule_changes")
    op.add_column(
        "feed_head", sa.Column("forgotten", sa.BigInteger(), server_default="0", nullable=False)
    )
    # What was forgotten before this was written down, as far as numbers tell.
    op.execute(
        "UPDATE feed_head SET forgotten = coalesce((SELECT max(seq) FROM ("
        " SELECT seq, lag(seq, 1, 0::bigint) OVER (ORDER BY seq) AS before FROM changes"
        " WHERE seq IS NOT NULL) gaps WHERE seq > before + 1), 1) - 1"
    )
