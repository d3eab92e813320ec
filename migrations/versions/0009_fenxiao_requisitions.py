"""Which purchases became which requisitions of supply and distribution"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = postgresql.TIMESTAMP(timezone=True)
    op.create_table(
        "fenxiao_requisitions",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("our_ref", sa.String(), nullable=False),
        sa.Column("units", postgresql.JSONB(), nullable=False),
        sa.Column("recipient", postgresql.BYTEA(), nullable=False),
        sa.Column("mobile_tail", postgresql.BYTEA(), nullable=False),
        sa.Column("begun_at", moment, nullable=False),
        sa.Column("ref", sa.String(), nullable=True),
        sa.Column(
            "created_at", moment, server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("source", "our_ref"),
        sa.UniqueConstraint("source", "ref"),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON fenxiao_requisitions TO huopan_app")
    # No party's business: only the system's scope sees it.
    op.execute("ALTER TABLE fenxiao_requisitions ENABLE ROW LEVEL SECURITY")
    op.execute("CREATE POLICY tenant ON fenxiao_requisitions TO huopan_app USING (in_system())")
