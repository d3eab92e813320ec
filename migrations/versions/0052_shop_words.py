"""Names of platforms and shops that titles lose, with a first list"""

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

import catalog

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None


def upgrade() -> None:
    table = op.create_table(
        "shop_words",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("word", sa.String(), nullable=False, unique=True),
        sa.Column("stays", sa.Boolean(), server_default="false", nullable=False),
        sa.Column(
            "updated_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON shop_words TO huopan_app")
    lines = (Path(catalog.__file__).parent / "shop_words.txt").read_text("utf-8").splitlines()
    words = [line for line in lines if line and line[0] != "#"]
    op.bulk_insert(table, [{"word": w.lstrip("+"), "stays": w[0] == "+"} for w in words])
