"""Help-selling: shares, earnings, sign-ups"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import wall

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

MOMENT = postgresql.TIMESTAMP(timezone=True)
NEW = ("shares", "share_skus", "earnings", "signups")


def upgrade() -> None:
    _shares()
    _earnings()
    _signups()
    op.add_column("orders", sa.Column("share_id", sa.BigInteger(), nullable=True))
    with_share = sa.text("share_id IS NOT NULL")
    op.create_index("orders_share", "orders", ["share_id"], postgresql_where=with_share)
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {', '.join(NEW)} TO huopan_app")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO huopan_app")
    for table in NEW:
        wall.protect(table)


def _shares() -> None:
    op.create_table(
        "shares",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        *_numbers("party_id"),
        sa.Column("code", sa.String(collation="C"), nullable=False, unique=True),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column("retail_price", sa.Numeric(14, 4), nullable=False),
        sa.Column("commission_ppm", sa.Integer(), nullable=False),
        sa.Column("to_parties", postgresql.ARRAY(sa.BIGINT()), server_default="{}", nullable=False),
        *(sa.Column(name, MOMENT, nullable=True) for name in ("valid_from", "valid_until")),
        sa.Column("closed_at", MOMENT, nullable=True),
        sa.Column("plan", sa.String(), nullable=False),
        _created(),
        sa.UniqueConstraint("parent_id", "party_id"),
        sa.CheckConstraint("commission_ppm BETWEEN 0 AND 1000000", name="shares_commission"),
    )
    op.create_index("shares_party", "shares", ["party_id", "id"])
    op.create_table(
        "share_skus",
        *_numbers("share_id", "sku_id", "party_id"),
        sa.PrimaryKeyConstraint("share_id", "sku_id"),
    )


def _earnings() -> None:
    op.create_table(
        "earnings",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        *_numbers("party_id", "share_id", "order_id"),
        sa.Column("order_line_id", sa.BigInteger(), nullable=False, unique=True),
        sa.Column("plan", sa.String(), nullable=False),
        *_numbers("amount"),
        *(
            sa.Column(name, sa.BigInteger(), server_default="0", nullable=False)
            for name in ("accrued", "clawed", "released")
        ),
        sa.Column("released_at", MOMENT, nullable=True),
        _created(),
        sa.CheckConstraint("amount > 0 AND accrued BETWEEN 0 AND amount", name="earnings_accrued"),
        sa.CheckConstraint("clawed >= 0 AND released >= 0", name="earnings_signs"),
        sa.CheckConstraint("clawed + released <= accrued", name="earnings_frozen"),
    )
    op.create_index("earnings_order", "earnings", ["order_id"])
    op.create_index("earnings_share", "earnings", ["share_id"])
    op.create_index("earnings_party", "earnings", ["party_id", "released_at", "id"])
    frozen = sa.text("clawed + released < accrued")
    op.create_index("earnings_open", "earnings", ["id"], postgresql_where=frozen)


def _signups() -> None:
    op.create_table(
        "signups",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        *_numbers("party_id", "share_id", "sku_id", "quantity", "recipient_id"),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("nonce", sa.String(collation="C"), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        _created(),
        sa.UniqueConstraint("share_id", "nonce"),
        sa.CheckConstraint("quantity > 0", name="signups_quantity"),
    )
    op.create_index("signups_party", "signups", ["party_id", "id"])
    op.create_index("signups_recipient", "signups", ["recipient_id"])


def _numbers(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger(), nullable=False) for name in names]


def _created() -> sa.Column[object]:
    return sa.Column(
        "created_at", MOMENT, server_default=sa.text("clock_timestamp()"), nullable=False
    )
