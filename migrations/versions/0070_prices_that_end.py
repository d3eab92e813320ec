"""That an offer has no price any more in a mode is a point of its history"""

from alembic import op

revision = "0070"
down_revision = "0069"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE price_points ALTER price DROP NOT NULL")
    # Prices that ended before: known is that there is none now, and when that was told last.
    op.execute("""
        INSERT INTO price_points (offer_id, mode, version, at)
        SELECT p.offer_id, p.mode, o.version, coalesce(
          (SELECT max(c.at) FROM changes c WHERE c.offer_id = o.id AND c.kind = 'price'
            AND c.was ? p.mode AND NOT c.now ? p.mode AND c.at > p.at), clock_timestamp())
        FROM (SELECT DISTINCT ON (offer_id, mode) offer_id, mode, version, at FROM price_points
          ORDER BY offer_id, mode, version DESC) p JOIN offers o ON o.id = p.offer_id
        WHERE NOT EXISTS (SELECT FROM prices x WHERE x.offer_id = p.offer_id AND x.mode = p.mode)
          AND o.version > p.version
    """)
