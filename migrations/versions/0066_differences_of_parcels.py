"""Differences of money say which parcels they are about"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0066"
down_revision = "0065"
branch_labels = None
depends_on = None


def upgrade() -> None:
    parcels = sa.Column("parcels", postgresql.ARRAY(sa.BigInteger()), server_default="{}")
    op.add_column("differences", parcels)
    op.alter_column("differences", "parcels", nullable=False)
    op.create_index("differences_purchase", "differences", ["source", "purchase"])
