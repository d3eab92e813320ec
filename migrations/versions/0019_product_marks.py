"""What the search index reads beside the feed: how well products sell"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "product_marks",
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("sold", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("mark", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("product_id"),
    )
    op.create_index("product_marks_mark", "product_marks", ["mark"])
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON product_marks TO huopan_app")
