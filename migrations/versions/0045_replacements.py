"""Orders that a platform makes in the place of claimed goods are followed"""

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None

DUE = "state IN ('new', 'asking', 'open', 'approved', 'returning', 'received', 'replacing')"


def upgrade() -> None:
    for name in ("replaced_number", "known_as"):
        op.add_column("platform_claims", sa.Column(name, sa.String(collation="C"), nullable=True))
    op.drop_index("platform_claims_due", "platform_claims")
    op.create_index(
        "platform_claims_due",
        "platform_claims",
        ["source", "due_at"],
        postgresql_where=sa.text(DUE),
    )
