"""The moment before which nothing can be posted any more is read before it is looked for"""

from alembic import op

revision = "0072"
down_revision = "0071"
branch_labels = None
depends_on = None

# A transaction's moment is when its first statement came in; others see it shortly after that.
QUIET = """
CREATE OR REPLACE FUNCTION quiet_until() RETURNS timestamptz
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    before timestamptz := clock_timestamp();
BEGIN
    PERFORM pg_sleep(0.05);
    PERFORM pg_stat_clear_snapshot();
    RETURN (
        SELECT least(before, min(xact_start)) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
          AND backend_type = 'client backend');
END
$$
"""


def upgrade() -> None:
    op.execute(QUIET)
