"""Mappings say whether the goods that they move are marked"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "category_mappings",
        sa.Column("told", sa.Boolean(), server_default="true", nullable=False),
    )
    op.create_index(
        "category_mappings_untold",
        "category_mappings",
        ["source", "theirs"],
        postgresql_where=sa.text("NOT told"),
    )
