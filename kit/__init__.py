"""Tools with no business meaning: settings, database, money, outbox, inbox, errors, logs."""

__version__ = "0.1.0"
