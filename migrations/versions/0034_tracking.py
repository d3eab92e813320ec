"""Parcels by what their carriers tell, units that arrived, orders that are completed"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import wall

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

MOMENT = postgresql.TIMESTAMP(timezone=True)


def upgrade() -> None:
    op.add_column(
        "parcels", sa.Column("state", sa.String(), server_default="shipped", nullable=False)
    )
    for name in ("last_event_at", "stuck_at"):
        op.add_column("parcels", sa.Column(name, MOMENT, nullable=True))
    op.create_index(
        "parcels_on_their_way",
        "parcels",
        ["shipped_at"],
        postgresql_where=sa.text("delivered_at IS NULL"),
    )
    op.add_column(
        "order_lines", sa.Column("delivered", sa.BigInteger(), server_default="0", nullable=False)
    )
    op.create_check_constraint(
        "delivered", "order_lines", "delivered >= 0 AND delivered <= shipped"
    )
    for name in ("delivered_at", "completed_at"):
        op.add_column("orders", sa.Column(name, MOMENT, nullable=True))
    op.create_index(
        "orders_to_complete",
        "orders",
        ["delivered_at"],
        postgresql_where=sa.text("delivered_at IS NOT NULL AND completed_at IS NULL"),
    )
    _events()


def _events() -> None:
    op.create_table(
        "parcel_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), primary_key=True),
        sa.Column("parcel_id", sa.BigInteger(), nullable=False),
        sa.Column("party_id", sa.BigInteger(), nullable=False),
        sa.Column("supplier_id", sa.BigInteger(), nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.UniqueConstraint("parcel_id", "at", "text"),
    )
    op.execute("GRANT SELECT, INSERT ON parcel_events TO huopan_app")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO huopan_app")
    wall.protect("parcel_events")
