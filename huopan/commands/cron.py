"""`cron`."""

import typer

app = typer.Typer()

CONNECTIONS = 4
"""One a lane."""


@app.command()
def cron() -> None:
    """Everything that happens by itself: relay, change feed, index, chores. May run many times."""
    import threading

    from huopan.role import role
    from worker.cron import run
    from worker.workshop import open_workshop

    stopping = threading.Event()
    with role(stopping) as (settings, servers):
        shop = open_workshop(
            settings, servers.database_url, servers.redis_url, connections=CONNECTIONS
        )
        shop.stopping = stopping
        run(shop)
