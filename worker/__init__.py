"""Time and queues in: the outbox relay, drains, and chores that come due."""
