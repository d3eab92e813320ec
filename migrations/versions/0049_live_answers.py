"""What sources said live about goods for an address"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import wall

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "live_answers",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), primary_key=True),
        sa.Column("source", sa.String(collation="C"), nullable=False),
        sa.Column("seller", sa.String(), nullable=True),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("offers", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("lines", postgresql.JSONB(), nullable=False),
        sa.Column("freight", sa.BigInteger(), nullable=True),
        sa.Column("parcels", sa.Integer(), nullable=True),
    )
    op.create_index("live_answers_region", "live_answers", ["region", "at"])
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON live_answers TO huopan_app")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO huopan_app")
    wall.protect("live_answers")
