"""What is asked of platforms about goods that were bought there"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import wall

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

MOMENT = postgresql.TIMESTAMP(timezone=True)
NOW = sa.text("clock_timestamp()")
ALIVE = sa.text("state IN ('new', 'asking', 'open', 'approved', 'returning', 'received')")


def upgrade() -> None:
    op.create_table(
        "platform_claims",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), primary_key=True),
        sa.Column("claim_id", sa.BigInteger(), nullable=False),
        sa.Column("purchase_id", sa.BigInteger(), nullable=False),
        sa.Column("purchase_line_id", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(collation="C"), nullable=False),
        sa.Column("external_id", sa.String(collation="C"), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("ref", sa.String(collation="C"), nullable=True),
        sa.Column("claim_ref", sa.String(collation="C"), nullable=True),
        sa.Column("state", sa.String(), server_default="new", nullable=False),
        sa.Column("refunded", sa.BigInteger(), nullable=True),
        sa.Column("replacement", sa.String(collation="C"), nullable=True),
        sa.Column("message", sa.String(), nullable=True),
        sa.Column("told_number", sa.String(collation="C"), nullable=True),
        sa.Column("withdraw", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("due_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("lease", sa.String(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("updated_at", MOMENT, server_default=NOW, nullable=False),
    )
    op.create_index("platform_claims_claim", "platform_claims", ["claim_id"])
    op.create_index("platform_claims_ref", "platform_claims", ["source", "ref"])
    op.create_index(
        "platform_claims_known",
        "platform_claims",
        ["source", "claim_ref"],
        unique=True,
        postgresql_where=sa.text("claim_ref IS NOT NULL"),
    )
    op.create_index(
        "platform_claims_due", "platform_claims", ["source", "due_at"], postgresql_where=ALIVE
    )
    op.execute("GRANT SELECT, INSERT, UPDATE ON platform_claims TO huopan_app")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO huopan_app")
    wall.protect("platform_claims")
