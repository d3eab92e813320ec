"""Leaders read which units a sender is asked to cancel"""

from alembic import op

revision = "0069"
down_revision = "0068"
branch_labels = None
depends_on = None

# A leader sees no purchases: how many units of a line wait for an answer is all that is told.
CANCELLING = """
CREATE FUNCTION units_cancelling(wanted bigint[]) RETURNS TABLE (line bigint, units bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    SELECT l.order_line_id, sum(l.quantity - l.shipped - l.cancelled)
    FROM orders o JOIN purchases p ON p.order_id = o.id
    JOIN purchase_lines l ON l.purchase_id = p.id
    WHERE o.id = ANY(wanted) AND (in_system() OR in_party(o.party_id))
      AND p.cancel_reason IS NOT NULL
      AND p.state IN ('ready', 'submitting', 'submitted', 'accepted', 'partly_shipped')
      AND l.quantity > l.shipped + l.cancelled
    GROUP BY l.order_line_id
$$
"""


def upgrade() -> None:
    op.execute(CANCELLING)
