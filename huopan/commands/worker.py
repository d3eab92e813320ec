"""`worker`."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import threading

app = typer.Typer()

PROCESSES = 2
"""Two, so that a long reading never keeps orders waiting."""
CONNECTIONS = 6
"""Of each: a drain talks in four threads and claims in the fifth; a lane of webhooks holds one only
between messages."""


@app.command()
def worker(
    queues: Annotated[
        str, typer.Option(metavar="a,b", help="Work these only, in this order: orders, sync.")
    ] = "",
    processes: Annotated[int, typer.Option(min=1, max=64, help="So many at once.")] = PROCESSES,
) -> None:
    """Work wake-ups from the queues. Orders have a process of their own where there are several."""
    from threading import Event

    from huopan.pool import run_pool
    from huopan.role import role
    from worker.queues import ORDERS, QUEUES

    chosen = _known(queues, QUEUES)
    stopping = Event()
    if processes == 1:
        _work(chosen, stopping)
        return
    with role(stopping):
        mine = [
            [ORDERS] if number == 0 and ORDERS in chosen else chosen for number in range(processes)
        ]
        run_pool(
            [("worker", "--processes", "1", "--queues", ",".join(each)) for each in mine], stopping
        )


def _work(queues: list[str], stopping: "threading.Event") -> None:
    from huopan.role import role
    from kit.redis import connect
    from worker.serve import serve
    from worker.workshop import open_workshop

    with role(stopping) as (settings, servers):
        shop = open_workshop(
            settings, servers.database_url, servers.redis_url, connections=CONNECTIONS
        )
        shop.stopping = stopping
        serve(shop, connect(servers.redis_url, timeout=None), queues)


def _known(text: str, known: tuple[str, ...]) -> list[str]:
    """The queues of `a,b`, or all of them. Raises Problem 422 that names them."""
    from kit.errors import Problem

    asked = [name.strip() for name in text.split(",") if name.strip()]
    if strange := [name for name in asked if name not in known]:
        raise Problem(
            422, "unknown_queue", f"there is no queue {strange[0]}; there are {', '.join(known)}"
        )
    return asked or list(known)
