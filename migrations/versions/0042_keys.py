"""Which keys sealed something here; answers to repeated requests are sealed as well"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "key_canaries",
        sa.Column("key", sa.String(), primary_key=True),
        sa.Column("envelope", postgresql.BYTEA(), nullable=False),
        sa.Column(
            "made_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
    )
    op.execute("GRANT SELECT, INSERT, DELETE ON key_canaries TO huopan_app")
    op.add_column(
        "idempotency_keys",
        sa.Column("sealed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.execute("UPDATE source_tokens SET origin = NULL")  # a keyed hash; marked anew when used
