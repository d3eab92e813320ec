"""Alembic's entry: one transaction, one migrator at a time."""

from importlib import import_module

from alembic import context
from sqlalchemy import create_engine, pool, text

from kit.db import Base

for models in (
    "kit.outbox",
    "kit.inbox",
    "kit.idempotency",
    "kit.chores",
    "catalog.models",
    "catalog.media",
    "catalog.freight_templates",
    "catalog.bundles",
    "catalog.matching.categories",
    "catalog.stock_records",
    "catalog.matching.models",
    "catalog.pricebook",
    "catalog.rule_changes",
    "catalog.marks",
    "catalog.synonyms",
    "catalog.titles",
    "connectors.tokens",
    "connectors.site.usual",
    "connectors.taobao_fenxiao.register",
    "connectors.taobao_shop.lowering",
    "sync.models",
    "trade.models",
):
    import_module(models)  # models register themselves

MIGRATION_LOCK = 0x48554F50
"""Any number that only we use; every migrator of this database queues on it."""


def run() -> None:
    url = context.config.attributes["url"]
    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        context.configure(connection=connection, target_metadata=Base.metadata)
        with context.begin_transaction():
            connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": MIGRATION_LOCK})
            context.run_migrations()


run()
