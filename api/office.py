"""What every request may use: settings, database, Redis, the desk, readers and the search index."""

from dataclasses import dataclass

import redis
from fastapi import Request

from api.limits import Limiter
from catalog.readers import Readership
from catalog.search import SearchIndex
from kit.db import Database
from kit.settings import Settings
from trade.desk import Desk


@dataclass(frozen=True)
class Office:
    """One API process; made once, shared by its threads."""

    settings: Settings
    db: Database
    redis: redis.Redis
    desk: Desk
    readership: Readership
    index: SearchIndex
    limiter: Limiter


def office(request: Request) -> Office:
    """The office of the application that serves this request."""
    found: Office = request.app.state.office
    return found
