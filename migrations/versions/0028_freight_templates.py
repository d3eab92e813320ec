"""Freight templates"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import wall

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = postgresql.TIMESTAMP(timezone=True)
    op.create_table(
        "freight_templates",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), primary_key=True),
        sa.Column("source", sa.String(collation="C"), nullable=False),
        sa.Column("name", sa.String(collation="C"), nullable=False),
        sa.Column("party_id", sa.BigInteger(), nullable=False),
        sa.Column("content", postgresql.JSONB(), nullable=False),
        sa.Column("stated", postgresql.JSONB(), nullable=False),
        sa.Column(
            "updated_at", moment, server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.UniqueConstraint("source", "name"),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON freight_templates TO huopan_app")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO huopan_app")
    wall.protect("freight_templates")
    # Everybody who quotes must read what a parcel costs; only its brand and the system write it.
    op.execute("CREATE POLICY read ON freight_templates FOR SELECT TO huopan_app USING (true)")
