"""Time and queues in: jobs, the outbox relay, cron."""
