"""Synonyms for searches, with a first set"""

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

import catalog.search

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    table = op.create_table(
        "synonyms",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("words", postgresql.ARRAY(sa.TEXT()), nullable=False),
        sa.Column(
            "updated_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON synonyms TO huopan_app")
    lines = (Path(catalog.search.__file__).parent / "synonyms.txt").read_text("utf-8").splitlines()
    op.bulk_insert(table, [{"words": line.split()} for line in lines if line and line[0] != "#"])
