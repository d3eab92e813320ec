"""What was answered of an address counts for addresses like it"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0059"
down_revision = "0058"
branch_labels = None
depends_on = None


def upgrade() -> None:
    towns = sa.Column("towns", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False)
    incomplete = sa.Column("incomplete", sa.Boolean(), server_default=sa.false(), nullable=False)
    for column in (incomplete, towns, sa.Column("address", sa.LargeBinary(), nullable=True)):
        op.add_column("live_answers", column)
    op.execute("DELETE FROM live_answers")  # of what addresses they were said is not known
