"""What is asked of a supplier for a claim, of its own price"""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "claim_lines", sa.Column("asked_cost", sa.BigInteger(), server_default="0", nullable=False)
    )
    op.add_column("claims", sa.Column("approved_cost", sa.BigInteger(), nullable=True))
    op.execute("""
        UPDATE claim_lines x SET asked_cost = CASE
            WHEN c.state IN ('open', 'approved', 'returning', 'received')
            THEN least(l.owed * x.asked / greatest(l.captured, 1), l.owed - l.credited)
            ELSE greatest(l.owed * x.asked / greatest(l.captured, 1), x.credited) END
        FROM claims c, purchase_lines l
        WHERE c.id = x.claim_id AND l.id = x.purchase_line_id
    """)
    op.execute("""
        UPDATE claims c SET approved_cost = CASE
            WHEN c.state = 'refunded' THEN s.credited
            WHEN s.asked = 0 THEN 0 ELSE s.cost * c.approved / s.asked END
        FROM (SELECT claim_id, sum(asked) AS asked, sum(asked_cost) AS cost,
                     sum(credited) AS credited FROM claim_lines GROUP BY claim_id) s
        WHERE s.claim_id = c.id AND c.approved IS NOT NULL
    """)
