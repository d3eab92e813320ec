"""One process of the API: its socket, its pool, its application, until it is told to end."""

import contextlib
import gc

import uvicorn

from api.app import create
from catalog import search
from huopan.pool import inherited, listening
from huopan.servers import Endpoints
from kit.db import Database
from kit.memory import seek_cycles_seldom
from kit.redis import connect
from kit.settings import Settings

FINISH_SECONDS = 10
"""Requests under way have so long when the process is told to end."""
KEPT_SECONDS = 75
"""An idle connection is kept so long: longer than clients and the proxies before us keep theirs
(httpx 5 s, nginx 60 s), so that it is never we who close one on which a request is being sent."""


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
    seek_cycles_seldom()
