"""Purchases that platforms are asked about, found by when they are due and by what they are called"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "purchases_followed",
        "purchases",
        ["source", "due_at"],
        postgresql_where=sa.text("state IN ('submitted', 'accepted', 'partly_shipped', 'shipped')"),
    )
    op.create_index("purchases_refs", "purchases", ["external_refs"], postgresql_using="gin")
