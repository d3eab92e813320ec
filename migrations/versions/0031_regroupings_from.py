"""Which SKU another one led on to at some moment"""

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # catalog.reads.past: the merges of one SKU
    op.create_index("regroupings_from", "regroupings", ["from_sku"])
