"""Pictures of goods under names of ours"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

MOMENT = postgresql.TIMESTAMP(timezone=True)


def upgrade() -> None:
    op.create_table(
        "media",
        sa.Column("hash", postgresql.BYTEA(), primary_key=True),
        sa.Column("address", sa.String(collation="C"), nullable=False),
        sa.Column("state", sa.String(), server_default="wanted", nullable=False),
        sa.Column("kind", sa.String(), nullable=True),
        sa.Column("size", sa.Integer(), nullable=True),
        sa.Column("digest", postgresql.BYTEA(), nullable=True),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("why", sa.String(), nullable=True),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT, nullable=False),
    )
    op.create_index("media_due", "media", ["due_at"], postgresql_where=sa.text("state <> 'ready'"))
    op.create_index("media_used", "media", ["used_at"])
    op.create_table(
        "media_chunks",
        sa.Column("hash", postgresql.BYTEA(), primary_key=True),
        sa.Column("place", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("content", postgresql.BYTEA(), nullable=False),
    )
    op.execute("ALTER TABLE media_chunks ALTER COLUMN content SET STORAGE EXTERNAL")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON media, media_chunks TO huopan_app")
