"""The house as a command finds it: on servers that stand, with all its sources."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from catalog.pricebook import Pricebook
from catalog.readers import Readership
from huopan.servers import Endpoints
from huopan.standing import CONNECTIONS, standing
from kit.db import Database
from kit.settings import Settings
from sync.recorded import Recorded
from trade import desk
from trade.desk import Desk


@dataclass(frozen=True)
class House:
    """What commands work with. `settings` know the sources of the database too."""

    settings: Settings
    db: Database
    servers: Endpoints
    book: Pricebook

    @property
    def desk(self) -> Desk:
        """The terms of trade. Raises SettingsError."""
        return desk.from_settings(self.settings)

    @property
    def readership(self) -> Readership:
        """Who reads the catalogue, and at which prices. Raises SettingsError."""
        return desk.readership(self.settings, self.book)


@contextlib.contextmanager
def opened() -> Iterator[House]:
    """The house of the settings here, its embedded servers running while the block runs.

    An embedded database is brought to the newest schema and its key is made, so that the first
    command may be any; one of your own is left to `huopan migrate`. Raises HouseError,
    ServersError, SettingsError, OperationalError.
    """
    with standing() as (chosen, servers), entered(chosen, servers) as house:
        yield house


@contextlib.contextmanager
def entered(chosen: Settings, servers: Endpoints) -> Iterator[House]:
    """The house on servers that answer and have the newest schema."""
    database = Database(servers.database_url, connections=CONNECTIONS)
    try:
        recorded = Recorded(chosen)
        recorded.read(database)
        yield House(recorded.settings, database, servers, recorded.book)
    finally:
        database.close()
