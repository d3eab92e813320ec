"""Claims of every kind as a state machine, parcels in the place of others"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import wall

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

MOMENT = postgresql.TIMESTAMP(timezone=True)
NOW = sa.text("clock_timestamp()")


def upgrade() -> None:
    _claims()
    _units()
    _story()
    op.execute("GRANT SELECT, INSERT ON claim_moves TO huopan_app")  # written once
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO huopan_app")
    wall.protect("claim_moves")


def _claims() -> None:
    op.add_column("claims", sa.Column("cause", sa.String(), server_default="other", nullable=False))
    op.add_column("claims", sa.Column("approved", sa.BigInteger(), nullable=True))
    op.add_column(
        "claims", sa.Column("advanced", sa.BigInteger(), server_default="0", nullable=False)
    )
    op.add_column("claims", sa.Column("bearer", sa.String(), nullable=True))
    op.add_column("claims", sa.Column("return_to", postgresql.BYTEA(), nullable=True))
    op.add_column("claims", sa.Column("back_carrier", sa.String(), nullable=True))
    op.add_column("claims", sa.Column("back_number", sa.String(collation="C"), nullable=True))
    op.add_column("claims", sa.Column("due_at", MOMENT, nullable=True))
    op.add_column("claims", sa.Column("escalated_at", MOMENT, nullable=True))
    op.create_check_constraint("claims_advanced", "claims", "advanced >= 0")
    op.create_index("claims_purchase", "claims", ["purchase_id"])
    op.create_index(
        "claims_due", "claims", ["due_at"], postgresql_where=sa.text("due_at IS NOT NULL")
    )
    op.execute("""
        UPDATE claims c SET state = 'refunded', bearer = 'supplier', approved = (
            SELECT sum(refunded) FROM claim_lines l WHERE l.claim_id = c.id)
        WHERE state = 'approved'""")
    op.execute(
        "UPDATE claims SET due_at = updated_at + interval '2 days' WHERE state = 'open'"
    )  # as long as suppliers were given until now


def _units() -> None:
    op.add_column(
        "claim_lines", sa.Column("charged", sa.BigInteger(), server_default="0", nullable=False)
    )
    for name in ("charged", "returned"):
        op.add_column(
            "purchase_lines", sa.Column(name, sa.BigInteger(), server_default="0", nullable=False)
        )
    op.execute("UPDATE claim_lines SET charged = refunded WHERE refunded > 0")
    op.execute("UPDATE purchase_lines SET charged = refunded WHERE refunded > 0")
    checks = {
        "charged": "charged >= 0 AND charged <= refunded",
        "returned": "returned >= 0 AND returned <= shipped",
    }
    for name, rule in checks.items():
        op.create_check_constraint(name, "purchase_lines", rule)
    op.add_column("parcels", sa.Column("claim_id", sa.BigInteger(), nullable=True))
    op.add_column("parcels", sa.Column("delivered_at", MOMENT, nullable=True))


def _story() -> None:
    op.create_table(
        "claim_moves",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), primary_key=True),
        sa.Column("claim_id", sa.BigInteger(), nullable=False),
        sa.Column("supplier_id", sa.BigInteger(), nullable=True),
        sa.Column("was", sa.String(), nullable=False),
        sa.Column("now", sa.String(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("detail", postgresql.JSONB(), nullable=True),
        sa.Column("at", MOMENT, server_default=NOW, nullable=False),
    )
    op.create_index("claim_moves_claim", "claim_moves", ["claim_id", "id"])
    op.execute("""
        INSERT INTO claim_moves (claim_id, supplier_id, was, now, event, at)
        SELECT id, supplier_id, '', state, 'open', updated_at FROM claims ORDER BY id""")
