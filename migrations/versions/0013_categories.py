"""Which of our categories a source's category is"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "category_mappings",
        sa.Column("source", sa.String(collation="C"), nullable=False),
        sa.Column("theirs", sa.String(collation="C"), nullable=False),
        sa.Column("ours", sa.String(collation="C"), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("votes", sa.Integer(), nullable=False),
        sa.Column(
            "updated_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("source", "theirs"),
    )
    op.create_index("category_mappings_state", "category_mappings", ["state", "source", "theirs"])
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON category_mappings TO huopan_app")
