"""Events that other programs are told, their endpoints, and messages under way"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import wall

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

MOMENT = postgresql.TIMESTAMP(timezone=True)
NOW = sa.text("clock_timestamp()")


def upgrade() -> None:
    _events()
    _endpoints()
    op.execute("GRANT SELECT, INSERT, DELETE ON events TO huopan_app")  # written once,
    op.execute("GRANT UPDATE (seq) ON events TO huopan_app")  # and numbered once
    op.execute("GRANT SELECT, UPDATE ON events_head TO huopan_app")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON webhooks, deliveries TO huopan_app")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO huopan_app")
    for table in ("events", "webhooks", "deliveries"):
        wall.protect(table)


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), primary_key=True),
        sa.Column("seq", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("about", sa.String(collation="C"), nullable=False),
        sa.Column("party_id", sa.BigInteger(), nullable=True),
        sa.Column("supplier_id", sa.BigInteger(), nullable=True),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("purchase_id", sa.BigInteger(), nullable=True),
        sa.Column("data", postgresql.JSONB(), nullable=False),
        sa.Column("at", MOMENT, server_default=NOW, nullable=False),
    )
    op.create_index("events_unnumbered", "events", ["id"], postgresql_where=sa.text("seq IS NULL"))
    op.create_index(
        "events_seq", "events", ["seq"], unique=True, postgresql_where=sa.text("seq IS NOT NULL")
    )
    op.create_index("events_party", "events", ["party_id", "seq"])
    op.create_index("events_supplier", "events", ["supplier_id", "seq"])
    op.create_table(
        "events_head",
        sa.Column("one", sa.SmallInteger(), server_default="1", primary_key=True),
        sa.Column("seq", sa.BigInteger(), server_default="0", nullable=False),
    )
    op.execute("INSERT INTO events_head DEFAULT VALUES")


def _endpoints() -> None:
    op.create_table(
        "webhooks",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), primary_key=True),
        sa.Column("party_id", sa.BigInteger(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("events", postgresql.ARRAY(sa.TEXT()), nullable=False),
        sa.Column("secret", postgresql.BYTEA(), nullable=False),
        sa.Column("former_secret", postgresql.BYTEA(), nullable=True),
        sa.Column("former_until", MOMENT, nullable=True),
        sa.Column("state", sa.String(), server_default="active", nullable=False),
        sa.Column("told_events", sa.BigInteger(), nullable=False),
        sa.Column("told_changes", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("paused_until", MOMENT, nullable=True),
        sa.Column("failing_since", MOMENT, nullable=True),
        sa.Column("failure", sa.String(), nullable=True),
        sa.Column("delivered_at", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("updated_at", MOMENT, server_default=NOW, nullable=False),
    )
    op.create_index("webhooks_party", "webhooks", ["party_id", "id"])
    op.create_table(
        "deliveries",
        sa.Column("webhook_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("about", sa.String(collation="C"), nullable=False),
        sa.Column("place", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("party_id", sa.BigInteger(), nullable=False),
        sa.Column("message", sa.String(collation="C"), nullable=False),
        sa.Column("body", postgresql.BYTEA(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("tried_at", MOMENT, nullable=True),
        sa.Column("due_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("lease", sa.String(), nullable=True),
        sa.Column("leased_until", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("webhook_id", "about", "place"),
    )
    op.create_index("deliveries_due", "deliveries", ["webhook_id", "due_at"])
