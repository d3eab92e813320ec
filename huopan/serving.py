"""One process of the API: its socket, its pool, its application, until it is told to end."""

import contextlib
import gc
import socket
from collections.abc import Iterator

import uvicorn

from api.app import create
from catalog import search
from huopan.pool import inherited
from huopan.servers import Endpoints
from huopan.up import UpError
from kit.db import Database
from kit.redis import connect
from kit.settings import Settings

FINISH_SECONDS = 10
"""Requests under way have so long when the process is told to end."""
KEPT_SECONDS = 75
"""An idle connection is kept so long: longer than clients and the proxies before us keep theirs
(httpx 5 s, nginx 60 s), so that it is never we who close one on which a request is being sent."""
BACKLOG = 2048
ALLOCATIONS = 50_000
"""So many more objects than were freed, and the youngest are looked through for cycles."""


def serve(settings: Settings, servers: Endpoints) -> None:
    """Answer requests until SIGTERM or SIGINT; those under way are finished.

    Raises UpError when somebody else listens there, SettingsError.
    """
    database = Database(servers.database_url, connections=settings.database.connections)
    with contextlib.closing(database), connect(servers.redis_url) as client:
        application = create(settings, database, client)
        config = uvicorn.Config(
            application,
            log_config=None,  # ours is set already
            access_log=False,  # the application writes one line a request
            server_header=False,
            timeout_graceful_shutdown=FINISH_SECONDS,
            timeout_keep_alive=KEPT_SECONDS,
            loop="uvloop",
            http="httptools",
        )
        settle()
        with inherited() or listening(settings.api.host, settings.api.port) as found:
            uvicorn.Server(config).run(sockets=[found])


def settle() -> None:
    """Do once, before requests wait, what some of them would wait for."""
    search.warm()
    gc.collect()
    gc.freeze()  # what stays for good is not looked through again
    gc.set_threshold(ALLOCATIONS)  # a page makes thousands, and nearly all are gone after it


@contextlib.contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A listening socket. Raises UpError when it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as found:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind((host, port))
        except OSError as error:
            raise UpError(
                f"The API cannot listen on {host}, port {port} ({error.strerror}): stop the program"
                " that does, or choose another with --port."
            ) from error
        found.listen(BACKLOG)
        yield found
