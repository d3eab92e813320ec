"""Readings of sources: staging, leases, images, watch lists, figures"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

JSON = postgresql.JSONB(astext_type=sa.Text())
NOW = sa.text("clock_timestamp()")


def _when(name: str, *, given: bool = False, stamped: bool = False) -> sa.Column[object]:
    return sa.Column(
        name,
        postgresql.TIMESTAMP(timezone=True),
        nullable=not (given or stamped),
        server_default=NOW if stamped else None,
    )


def _code(name: str = "source") -> sa.Column[object]:
    return sa.Column(name, sa.String(collation="C"), nullable=False)


def upgrade() -> None:
    op.execute("CREATE SCHEMA staging")
    op.execute("GRANT USAGE, CREATE ON SCHEMA staging TO huopan_app")
    _catalogue()
    _runs()
    _sources()
    op.execute(
        "GRANT SELECT, INSERT, UPDATE, DELETE ON demand, source_states, source_leases, run_images,"
        " watched_items, hints, figures TO huopan_app"
    )


def _catalogue() -> None:
    op.add_column("terms", sa.Column("commission_rate", sa.Numeric(5, 4), nullable=True))
    op.add_column("terms", sa.Column("more", JSON, nullable=True))
    op.create_index(
        "offers_listing",
        "offers",
        ["source", "listing"],
        postgresql_where=sa.text("listing IS NOT NULL"),
    )
    op.create_index(
        "prices_until",
        "prices",
        ["valid_until"],
        postgresql_where=sa.text("valid_until IS NOT NULL"),
    )
    for table in ("offers", "prices", "stocks"):  # room for a new version on the same page
        op.execute(f"ALTER TABLE {table} SET (fillfactor = 85)")
    op.create_table(
        "demand",
        sa.Column("sku_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("picked", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("sold", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("sku_id"),
    )


def _runs() -> None:
    for column in (
        sa.Column("kind", sa.String(), server_default="full", nullable=False),
        sa.Column("complete", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("since", JSON, nullable=True),
        sa.Column("cursor", JSON, nullable=True),
        sa.Column("watermark", JSON, nullable=True),
        sa.Column("pages", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("pages_expected", sa.BigInteger(), nullable=True),
        sa.Column("next_row", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("planned", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("gone", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("radius", JSON, nullable=True),
        sa.Column("traits", JSON, server_default="{}", nullable=False),
        sa.Column("undoes", sa.BigInteger(), nullable=True),
    ):
        op.add_column("runs", column)
    op.create_table(
        "run_images",
        sa.Column("run_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("offer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("image", JSON, nullable=True),
        sa.PrimaryKeyConstraint("run_id", "offer_id"),
    )


def _sources() -> None:
    op.create_table(
        "source_states",
        _code(),
        _when("paused_at"),
        sa.Column("paused_reason", sa.String(), nullable=True),
        _when("not_before"),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_failure", sa.String(), nullable=True),
        _when("last_good_at"),
        _when("full_at"),
        sa.Column("watermark", JSON, nullable=True),
        _when("listed_at"),
        _when("asked_at"),
        _when("message_at"),
        sa.PrimaryKeyConstraint("source"),
    )
    op.create_table(
        "source_leases",
        _code(),
        sa.Column("stream", sa.String(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        _when("until", given=True),
        sa.PrimaryKeyConstraint("source", "stream"),
    )
    op.create_table(
        "watched_items",
        _code(),
        sa.Column("kind", sa.String(), nullable=False),
        _code("value"),
        sa.Column("pages", sa.Integer(), server_default="5", nullable=False),
        _when("added_at", stamped=True),
        sa.PrimaryKeyConstraint("source", "kind", "value"),
    )
    op.create_table(
        "hints",
        _code(),
        _code("message_id"),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("external_ids", JSON, nullable=False),
        _when("received_at", stamped=True),
        sa.PrimaryKeyConstraint("source", "message_id"),
    )
    op.create_table(
        "figures",
        sa.Column("offer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        _code(),
        sa.Column("worth", sa.SmallInteger(), server_default="0", nullable=False),
        _when("due_at", given=True),
        _when("read_at"),
        sa.PrimaryKeyConstraint("offer_id", "kind"),
    )
    op.create_index("figures_due", "figures", ["source", "kind", "due_at"])
