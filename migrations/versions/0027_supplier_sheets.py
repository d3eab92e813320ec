"""Sheets that go to suppliers at cut-off, each purchase in one"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import wall

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

MOMENT = postgresql.TIMESTAMP(timezone=True)
NOW = sa.text("clock_timestamp()")


def upgrade() -> None:
    op.create_table(
        "supplier_sheets",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), primary_key=True),
        sa.Column("source", sa.String(collation="C"), nullable=False),
        sa.Column("supplier_id", sa.BigInteger(), nullable=True),
        sa.Column("cutoff_at", MOMENT, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("purchases", sa.Integer(), nullable=False),
        sa.Column("body", postgresql.BYTEA(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("lease", sa.String(), nullable=True),
        sa.Column("failure", sa.String(), nullable=True),
        sa.Column("created_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("sent_at", MOMENT, nullable=True),
        sa.UniqueConstraint("source", "cutoff_at"),
    )
    waiting = sa.text("state IN ('made', 'sending', 'sent')")
    op.create_index("supplier_sheets_due", "supplier_sheets", ["due_at"], postgresql_where=waiting)
    kept = sa.text("body <> ''")
    op.create_index("supplier_sheets_kept", "supplier_sheets", ["sent_at"], postgresql_where=kept)
    op.create_table(
        "sheet_purchases",
        sa.Column("purchase_id", sa.BigInteger(), autoincrement=False, primary_key=True),
        sa.Column("sheet_id", sa.BigInteger(), nullable=False),
        sa.Column("supplier_id", sa.BigInteger(), nullable=True),
    )
    op.create_index("sheet_purchases_sheet", "sheet_purchases", ["sheet_id"])
    op.execute(
        "GRANT SELECT, INSERT, UPDATE, DELETE ON supplier_sheets, sheet_purchases TO huopan_app"
    )
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO huopan_app")
    wall.protect("supplier_sheets")
    wall.protect("sheet_purchases")
