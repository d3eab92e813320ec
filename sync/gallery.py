"""Fetching the pictures that somebody wants to see: claim (tx) → talk (no tx) → write down (tx).

Downloads share a few threads; drawing is done one at a time, because unpacked pictures are large.
"""

import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from catalog import media
from catalog.media import Claimed
from connectors import fetch, pictures
from connectors.errors import SupplierError, TryLater
from connectors.pictures import Limits, Picture
from kit import clock, log
from kit.db import Database
from kit.drains import drained
from kit.settings import MediaSettings

MEDIA = "sync.media"
"""The topic of the outbox that wakes this; its key is `all`."""
ALL = "all"
THREADS = 4
_BATCH = THREADS
_DEADLINE = 20.0
"""Seconds for one picture."""

_log = log.get(__name__)


@dataclass(frozen=True)
class Rules:
    """What is read, and what is made of it."""

    road: fetch.Rules
    limits: Limits


def rules(settings: MediaSettings) -> Rules:
    """The rules that an installation has set."""
    road = fetch.Rules(
        settings.max_bytes,
        deadline=_DEADLINE,
        allow_http=settings.allow_http,
        private_hosts=frozenset(settings.private_hosts),
        pictures=True,
    )
    return Rules(road, Limits(settings.max_megapixels * 1_000_000, settings.side))


def drain(db: Database, by: Rules, until: datetime) -> int:
    """Fetch what is wanted until there is nothing left or the time is up; returns how many."""
    drawing = threading.Lock()

    def take() -> Sequence[Claimed]:
        with db.as_system() as session:
            return media.claim(session, clock.now(), _BATCH)

    def work(one: Claimed) -> None:
        _one(db, by, one, drawing)

    return drained(take, work, until, threads=THREADS, name="pictures")


def _one(db: Database, by: Rules, claimed: Claimed, drawing: threading.Lock) -> None:
    try:
        picture = _picture(claimed, by, drawing)
    except SupplierError as error:
        wait = (error.wait or 0.0) if isinstance(error, TryLater) else None
        _log.info("A picture was not fetched", code=error.code, tries=claimed.tries)
        with db.as_system() as session:
            media.failed(session, claimed, str(error), clock.now(), wait)
        return
    with db.as_system() as session:
        media.keep(session, claimed.hash, picture.kind, picture.content)


def _picture(claimed: Claimed, by: Rules, drawing: threading.Lock) -> Picture:
    """Raises SupplierError."""
    address = claimed.address
    if address.startswith("//"):
        address = f"https:{address}"
    with tempfile.TemporaryDirectory(prefix="huopan-picture-") as folder:
        path = Path(folder) / "given"
        fetch.download(address, path, by.road)
        with drawing:
            return pictures.redrawn(path, by.limits)
