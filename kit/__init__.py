"""Tools with no business meaning: settings, database, money, outbox, inbox, errors, logs."""
