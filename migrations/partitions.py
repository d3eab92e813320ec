"""Tables that grow by time, in partitions of a month; see docs/decisions on which, and why.

A partition is made as a table of its own and attached, which waits for no writer; whatever else
would have to wait gives up at once and is tried again by the chore that asked.
"""

from alembic import op

MADE = """
CREATE FUNCTION partition_ahead(parent text, months int) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public SET timezone = 'UTC'
SET lock_timeout = '200ms' AS $$
DECLARE
    month timestamptz; name text; made int := 0;
BEGIN
    IF parent NOT IN ('changes', 'events', 'price_points') THEN
        RAISE EXCEPTION '% is not divided', parent;
    END IF;
    FOR n IN 1..months LOOP
        month := date_trunc('month', clock_timestamp()) + make_interval(months => n);
        name := parent || to_char(month, '_YYYY_MM');
        CONTINUE WHEN to_regclass(name) IS NOT NULL;
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS)', name, parent);
        -- Rows of a month that nobody had made yet wait in the default partition.
        EXECUTE format('WITH moved AS (DELETE FROM %I WHERE at >= %L AND at < %L RETURNING *)'
            ' INSERT INTO %I SELECT * FROM moved',
            parent || '_default', month, month + interval '1 month', name);
        EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
            parent, name, month, month + interval '1 month');
        made := made + 1;
    END LOOP;
    RETURN made;
EXCEPTION WHEN lock_not_available THEN RETURN 0; -- somebody reads; the chore comes again
END $$
"""
ENDS = """
CREATE FUNCTION partition_ends(parent text) RETURNS TABLE (name name, ends timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    SELECT c.relname,
        substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO \\(''([^'']+)''\\)')::timestamptz
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = to_regclass(parent)
$$
"""
DROPPED = """
CREATE FUNCTION partition_drop(parent text, before timestamptz) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public SET lock_timeout = '200ms' AS $$
DECLARE
    name name; dropped int := 0;
BEGIN
    IF parent NOT IN ('changes', 'events') THEN
        RAISE EXCEPTION 'nothing of % is ever dropped', parent;
    END IF;
    FOR name IN SELECT p.name FROM partition_ends(parent) p WHERE p.ends <= before LOOP
        EXECUTE format('DROP TABLE %I', name);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
EXCEPTION WHEN lock_not_available THEN RETURN 0; -- somebody reads; the chore comes again
END $$
"""


def functions() -> None:
    """What the role that serves may do with partitions, whose owner it is not."""
    for function in (MADE, ENDS, DROPPED):
        op.execute(function)
    signatures = (
        "partition_ahead(text, int)",
        "partition_ends(text)",
        "partition_drop(text, timestamptz)",
    )
    for signature in signatures:
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO huopan_app")


def divide(table: str, key: str, indexes: dict[str, str]) -> None:
    """Make `table` one of partitions by `at`: what it holds is the first, up to this month's end.

    `key` are the columns of its primary key, `at` among them; `indexes` what follows ON table, by
    name. The rows stay where they are: only their indexes are built again.
    """
    op.execute(f"ALTER TABLE {table} RENAME TO {table}_first")
    op.execute(f"ALTER TABLE {table}_first DROP CONSTRAINT {table}_pkey")
    for name in indexes:
        op.execute(f"DROP INDEX {name}")
    op.execute(
        f"CREATE TABLE {table} (LIKE {table}_first INCLUDING DEFAULTS) PARTITION BY RANGE (at)"
    )
    op.execute(f"ALTER TABLE {table} ADD PRIMARY KEY ({key})")
    for name, what in indexes.items():
        op.execute(f"CREATE INDEX {name} ON {table} {what}")
    op.execute(f"""
        DO $$ DECLARE newest timestamptz; BEGIN
            PERFORM set_config('timezone', 'UTC', true);
            SELECT greatest(max(at), clock_timestamp()) INTO newest FROM {table}_first;
            EXECUTE format('ALTER TABLE {table} ATTACH PARTITION {table}_first'
                ' FOR VALUES FROM (MINVALUE) TO (%L)',
                date_trunc('month', newest) + interval '1 month');
        END $$
    """)  # noqa: S608 - tables of ours
    op.execute(f"CREATE TABLE {table}_default PARTITION OF {table} DEFAULT")
