"""A supplier's purchases by the time they came to be: what it has sold"""

from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("purchases_sold", "purchases", ["source", "created_at"])
