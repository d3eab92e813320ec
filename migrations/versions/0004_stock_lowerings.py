"""What purchases have taken off the stock of brands' own shops, each one once"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "stock_lowerings",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("our_ref", sa.String(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("target", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("source", "our_ref", "external_id"),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON stock_lowerings TO huopan_app")
    # No party's business: only the system's scope sees it.
    op.execute("ALTER TABLE stock_lowerings ENABLE ROW LEVEL SECURITY")
    op.execute("CREATE POLICY tenant ON stock_lowerings TO huopan_app USING (in_system())")
