"""Changes, events and price points in partitions of a month"""

from alembic import op

from migrations import partitions, wall

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    partitions.functions()
    partitions.divide(
        "changes",
        "offer_id, version, kind, at",  # catalog.sequencer: an offer's former version
        {
            "changes_seq": "(seq) WHERE seq IS NOT NULL",  # a page of the feed; the search index
            "changes_sku": "(sku_id, seq)",  # catalog.reads.told; a selection's page of the feed
            "changes_unnumbered": "(at) WHERE seq IS NULL",  # catalog.sequencer
        },
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON changes TO huopan_app")
    partitions.divide("price_points", "offer_id, mode, version, at", {})  # history of one offer
    op.execute("GRANT SELECT, INSERT ON price_points TO huopan_app")
    _events()


def _events() -> None:
    # A partitioned table has no identity before PostgreSQL 17.
    op.execute("ALTER TABLE events ALTER id DROP IDENTITY")
    op.execute("CREATE SEQUENCE events_ids")
    op.execute("SELECT setval('events_ids', (SELECT coalesce(max(id), 0) + 1 FROM events), false)")
    op.execute("ALTER TABLE events ALTER id SET DEFAULT nextval('events_ids')")
    partitions.divide(
        "events",
        "id, at",  # trade.events: numbering
        {
            "events_unnumbered": "(id) WHERE seq IS NULL",  # trade.events: what waits
            "events_seq": "(seq) WHERE seq IS NOT NULL",  # an operator's page of events
            "events_party": "(party_id, seq)",  # a leader's page of events
            "events_supplier": "(supplier_id, seq)",  # a supplier's page of events
        },
    )
    op.execute("ALTER SEQUENCE events_ids OWNED BY events.id")
    op.execute("GRANT USAGE ON SEQUENCE events_ids TO huopan_app")
    op.execute("GRANT SELECT, INSERT ON events TO huopan_app")
    op.execute("GRANT UPDATE (seq) ON events TO huopan_app")
    wall.protect("events")
