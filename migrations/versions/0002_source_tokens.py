"""Tokens of platforms, sealed, one row a source"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = postgresql.TIMESTAMP(timezone=True)
    op.create_table(
        "source_tokens",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("envelope", postgresql.BYTEA(), nullable=True),
        sa.Column("origin", postgresql.BYTEA(), nullable=True),
        sa.Column("expires_at", moment, nullable=True),
        sa.Column("refresh_expires_at", moment, nullable=True),
        sa.Column("lease", sa.String(), nullable=True),
        sa.Column("leased_until", moment, nullable=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failure", sa.String(), nullable=True),
        sa.Column("refused", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("retry_at", moment, nullable=True),
        sa.Column(
            "updated_at", moment, server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("source"),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON source_tokens TO huopan_app")
    # No party's business: only the system's scope sees it.
    op.execute("ALTER TABLE source_tokens ENABLE ROW LEVEL SECURITY")
    op.execute("CREATE POLICY tenant ON source_tokens TO huopan_app USING (in_system())")
