"""What the roles stand on: the database and Redis, embedded or of one's own."""

import contextlib
from collections.abc import Iterator

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from huopan.servers import Endpoints, hold
from kit.settings import Settings, SettingsError

EMBEDDED = "embedded"


def is_embedded(settings: Settings) -> bool:
    """Whether at least one of the two servers is ours to run."""
    return EMBEDDED in (settings.database.url, settings.redis.url)


@contextlib.contextmanager
def backing(settings: Settings) -> Iterator[Endpoints]:
    """Where database and Redis are; embedded ones run while the block runs.

    Raises ServersError when they cannot run, SettingsError for a URL that is none.
    """
    with contextlib.ExitStack() as held:
        own = held.enter_context(hold(settings.data.dir)) if is_embedded(settings) else None
        database, redis = settings.database.url, settings.redis.url
        yield Endpoints(
            database_url=own.database_url if own and database == EMBEDDED else _driver(database),
            redis_url=own.redis_url if own and redis == EMBEDDED else redis,
        )


def _driver(url: str) -> str:
    """`postgresql://…` or `postgres://…` with the one driver that we use."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = None
    if parsed is None or parsed.drivername not in ("postgresql", "postgres", "postgresql+psycopg"):
        raise SettingsError(
            '[database] url is "embedded" or postgresql://user@host/name; other databases'
            " cannot be used"
        )
    return parsed.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
