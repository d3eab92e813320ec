"""Other addresses that suppliers are asked to send to"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import wall

revision = "0057"
down_revision = "0056"
branch_labels = None
depends_on = None

MOMENT = postgresql.TIMESTAMP(timezone=True)


def upgrade() -> None:
    op.create_table(
        "address_requests",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), primary_key=True),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("purchase_id", sa.BigInteger(), nullable=False),
        sa.Column("party_id", sa.BigInteger(), nullable=False),
        sa.Column("supplier_id", sa.BigInteger(), nullable=True),
        sa.Column("recipient_id", sa.BigInteger(), nullable=False),
        sa.Column("former_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), server_default="asked", nullable=False),
        sa.Column("message", sa.String(), nullable=True),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("answer_by", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
    )
    is_open = sa.text("state = 'asked'")
    for name, columns, options in (
        ("open", ["purchase_id"], {"unique": True, "postgresql_where": is_open}),
        ("due", ["answer_by"], {"postgresql_where": is_open}),
        ("order", ["order_id", "id"], {}),
        ("purchase", ["purchase_id", "id"], {}),
        ("recipient", ["recipient_id"], {}),
        ("former", ["former_id"], {}),
    ):
        op.create_index(f"address_requests_{name}", "address_requests", columns, **options)
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON address_requests TO huopan_app")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO huopan_app")
    wall.protect("address_requests")
