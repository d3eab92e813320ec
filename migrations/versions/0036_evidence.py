"""Pictures and documents that are shown for claims"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import wall

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

MOMENT = postgresql.TIMESTAMP(timezone=True)


def upgrade() -> None:
    op.create_table(
        "evidence",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), primary_key=True),
        sa.Column("party_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "claim_ids", postgresql.ARRAY(sa.BigInteger()), server_default="{}", nullable=False
        ),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("content", postgresql.BYTEA(), nullable=False),
        sa.Column(
            "created_at", MOMENT, server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("expires_at", MOMENT, nullable=False),
    )
    op.create_index("evidence_party", "evidence", ["party_id", "created_at"])
    op.create_index("evidence_expires", "evidence", ["expires_at"])
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON evidence TO huopan_app")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO huopan_app")
    wall.protect("evidence")
