"""How many rows the last whole crawl of a supplier's site had"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "site_crawls",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("crawled_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("source"),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON site_crawls TO huopan_app")
    # No party's business: only the system's scope sees it.
    op.execute("ALTER TABLE site_crawls ENABLE ROW LEVEL SECURITY")
    op.execute("CREATE POLICY tenant ON site_crawls TO huopan_app USING (in_system())")
