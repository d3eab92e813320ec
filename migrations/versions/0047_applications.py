"""Applications with their papers, and until when suppliers are qualified"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import wall

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None

MOMENT = postgresql.TIMESTAMP(timezone=True)
OUTSIDE = sa.String(collation="C")


def upgrade() -> None:
    op.create_table(
        "applications",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), primary_key=True),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("name", sa.String()),
        sa.Column("uscc", OUTSIDE),
        sa.Column("contact", postgresql.BYTEA()),
        sa.Column("content", OUTSIDE, nullable=False),
        sa.Column("state", sa.String(), server_default="open", nullable=False),
        sa.Column("answer", sa.String()),
        sa.Column("party_id", sa.BigInteger()),
        *(
            sa.Column(name, MOMENT, server_default=sa.text("clock_timestamp()"), nullable=False)
            for name in ("created_at", "updated_at")
        ),
    )
    op.create_index(
        "applications_open",
        "applications",
        ["content"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index("applications_uscc", "applications", ["uscc"])
    op.create_index("applications_party", "applications", ["party_id"])
    op.create_table(
        "application_documents",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), primary_key=True),
        sa.Column("application_id", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("expires_on", sa.Date()),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("content", postgresql.BYTEA(), nullable=False),
        sa.UniqueConstraint("application_id", "place"),
    )
    for table in ("applications", "application_documents"):
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO huopan_app")
        wall.protect(table)
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO huopan_app")
    op.add_column("source_states", sa.Column("qualified_until", MOMENT))
