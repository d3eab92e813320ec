"""What every role of Huopan has in common: servers that are waited for, and an orderly end."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from sqlalchemy.exc import OperationalError

from huopan.backing import backing
from huopan.processes import follow_parent
from huopan.servers import Endpoints
from huopan.standing import require_schema
from kit import log, settings
from kit.settings import Settings

AGAIN_SECONDS = 1.0

_log = log.get(__name__)


@contextlib.contextmanager
def role(stopping: threading.Event) -> Iterator[tuple[Settings, Endpoints]]:
    """The settings and servers of a long-running role, once the database has the newest schema.

    A database that does not answer is waited for. SIGTERM and SIGINT set `stopping`. Raises
    HouseError, SettingsError, ServersError; SystemExit 0 when told to stop while waiting.
    """
    log.configure()
    follow_parent()
    stop_on_signal(stopping)
    chosen = settings.load()
    with backing(chosen) as servers:
        _await_schema(servers.database_url, stopping)
        yield chosen, servers


def stop_on_signal(stopping: threading.Event) -> None:
    """SIGTERM and SIGINT set `stopping`; a second one changes nothing."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopping.set()

    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, stop)


def _await_schema(url: str, stopping: threading.Event) -> None:
    said = False
    while not stopping.is_set():
        try:
            return require_schema(url)
        except OperationalError as error:
            if not said:
                _log.warning("The database does not answer; waiting for it", error=str(error.orig))
            said = True
        stopping.wait(AGAIN_SECONDS)
    raise SystemExit(0)
