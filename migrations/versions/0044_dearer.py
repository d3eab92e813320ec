"""What becomes of units whose source became dearer, and what their leaders pay more for them"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import wall

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None

MOMENT = postgresql.TIMESTAMP(timezone=True)


def upgrade() -> None:
    none = {"server_default": "0", "nullable": False}
    op.add_column(
        "parties", sa.Column("when_dearer", sa.String(), server_default="hold", nullable=False)
    )
    op.add_column("parties", sa.Column("absorb_most", sa.BigInteger(), **none))
    op.add_column("orders", sa.Column("repriced", sa.Integer(), **none))
    op.create_table(
        "dearer_lines",
        sa.Column("order_line_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("agreed_cost", sa.Numeric(14, 4), nullable=False),
        sa.Column("refused_at", MOMENT, nullable=True),
        sa.Column("refusals", sa.Integer(), **none),
        sa.Column("absorbed", sa.BigInteger(), **none),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON dearer_lines TO huopan_app")
    wall.protect("dearer_lines")
