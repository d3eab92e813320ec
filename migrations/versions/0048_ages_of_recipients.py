"""Recipients by age: from when it counts, sealed since when, held for what"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None

MOMENT = postgresql.TIMESTAMP(timezone=True)
AGING = {
    "recipients_to_seal": "sealed_at IS NULL AND envelope <> '' AND kept_for <> 'quote'",
    "recipients_to_shred": "sealed_at IS NOT NULL AND envelope <> '' AND hold IS NULL",
    "recipients_quoted": "kept_for = 'quote' AND envelope <> ''",
}


def upgrade() -> None:
    op.add_column(
        "recipients", sa.Column("kept_for", sa.String(), server_default="order", nullable=False)
    )
    op.add_column("recipients", sa.Column("aged_from", MOMENT, nullable=True))
    op.add_column("recipients", sa.Column("sealed_at", MOMENT, nullable=True))
    op.add_column("recipients", sa.Column("hold", sa.String(), nullable=True))
    op.execute("""
        UPDATE recipients r SET aged_from = created_at, kept_for = CASE
            WHEN EXISTS (SELECT FROM quotes q WHERE q.recipient_id = r.id) THEN 'quote'
            WHEN EXISTS (SELECT FROM signups s WHERE s.recipient_id = r.id) THEN 'signup'
            ELSE 'order' END
    """)
    now = sa.text("clock_timestamp()")
    op.alter_column("recipients", "aged_from", nullable=False, server_default=now)
    for name, where in AGING.items():
        op.create_index(name, "recipients", ["aged_from"], postgresql_where=sa.text(where))
    op.create_index("orders_recipient", "orders", ["recipient_id"])
