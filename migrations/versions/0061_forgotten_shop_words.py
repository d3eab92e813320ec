"""Shop words that were forgotten stay written down as such"""

import sqlalchemy as sa
from alembic import op

revision = "0061"
down_revision = "0060"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "shop_words", sa.Column("gone", sa.Boolean(), server_default="false", nullable=False)
    )
