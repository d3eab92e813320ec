"""Sheets at cut-off hold replacements as well, each in one"""

import sqlalchemy as sa
from alembic import op

from migrations import wall

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "supplier_sheets",
        sa.Column("replacements", sa.Integer(), server_default="0", nullable=False),
    )
    op.create_table(
        "sheet_claims",
        sa.Column("claim_id", sa.BigInteger(), autoincrement=False, primary_key=True),
        sa.Column("sheet_id", sa.BigInteger(), nullable=False),
        sa.Column("supplier_id", sa.BigInteger(), nullable=True),
    )
    op.create_index("sheet_claims_sheet", "sheet_claims", ["sheet_id"])
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON sheet_claims TO huopan_app")
    wall.protect("sheet_claims")
