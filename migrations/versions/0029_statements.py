"""Statements and their lines"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import wall

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

MOMENT = postgresql.TIMESTAMP(timezone=True)

# The serving role may not see since when others' transactions are open; it needs the earliest.
QUIET = """
CREATE FUNCTION quiet_until() RETURNS timestamptz
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT coalesce(min(xact_start), clock_timestamp()) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
      AND backend_type = 'client backend'
$$
"""


def upgrade() -> None:
    op.create_table(
        "statements",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("party_id", sa.BigInteger(), nullable=False),
        sa.Column("period", sa.String(collation="C"), nullable=False),
        *(sa.Column(name, MOMENT, nullable=False) for name in ("since", "until")),
        sa.Column("accounts", postgresql.JSONB(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("opening", "closing")),
        sa.Column("balances", postgresql.JSONB(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=True) for name in ("reason", "answer")),
        sa.Column("answered_at", MOMENT, nullable=True),
        sa.Column("issued_at", MOMENT, server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.UniqueConstraint("party_id", "until"),
        sa.CheckConstraint("since < until", name="statements_span"),
    )
    op.create_index("statements_period", "statements", ["party_id", "period"])
    op.create_index("statements_state", "statements", ["state", "answered_at"])
    op.create_table(
        "statement_lines",
        sa.Column("statement_id", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("party_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=True) for name in ("order_id", "posting_id")),
        sa.Column("reference", sa.String(), nullable=True),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("postings", "amount")),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("statement_id", "line"),
    )
    op.create_index("postings_at", "postings", ["at"], postgresql_using="brin")
    op.execute("GRANT SELECT, INSERT ON statements, statement_lines TO huopan_app")
    op.execute("GRANT UPDATE (state, reason, answer, answered_at) ON statements TO huopan_app")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO huopan_app")
    for table in ("statements", "statement_lines"):
        wall.protect(table)
    op.execute(QUIET)
