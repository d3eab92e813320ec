"""Pictures that are kept here, or on their way: for whoever shows one, or draws with it."""

import threading
import time
from collections.abc import Iterator

from api.office import PATIENCE, Office
from catalog import media
from catalog.media import Album, Media
from kit import outbox
from kit.errors import Problem
from sync.gallery import ALL, MEDIA

MOST_WAITING = 8
"""So many requests of one process wait for a picture at the same time."""
LOOK = 0.1
"""Seconds between two looks whether it is there."""
_waiting = threading.BoundedSemaphore(MOST_WAITING)


def ready(here: Office, name: str) -> Media:
    """The picture with this name, once it is there; the first look has it fetched.

    Raises Problem 404 `not_found` or `media_unavailable`, 503 `media_pending`.
    """
    named = media.named(name)
    if named is None:
        raise _unknown(name)
    with here.db.as_nobody() as session:
        here.refresh(session)
        row = media.find(session, named.hash)
        if row is None:
            address = Album(here.terms.desk.keyring).address(session, named)
            if address is None:
                raise _unknown(name)
            media.want(session, named.hash, address)
            outbox.say(session, MEDIA, ALL)
        else:
            media.looked_at(session, named.hash)
    return _ready(row) or _awaited(here, named.hash)


def parts(here: Office, hash_: bytes) -> Iterator[bytes]:
    """The bytes, each part in a transaction of its own: a slow reader holds none."""
    place = 0
    while True:
        with here.db.as_nobody() as session:
            part = media.chunk(session, hash_, place)
        if part is None:
            return
        yield part
        place += 1


def _awaited(here: Office, hash_: bytes) -> Media:
    """The picture that is on its way; nobody holds a connection while waiting for it."""
    if _waiting.acquire(blocking=False):
        try:
            until = time.monotonic() + PATIENCE
            while time.monotonic() < until:
                with here.db.as_nobody() as session:
                    row = media.find(session, hash_)
                if found := _ready(row):
                    return found
                time.sleep(LOOK)
        finally:
            _waiting.release()
    raise Problem(503, "media_pending", "this picture is being fetched; ask again", retry_after=2)


def _ready(row: Media | None) -> Media | None:
    """The row, if it can be shown. Raises Problem 404 for what could not be had."""
    if row is None or (row.state == "wanted" and row.why is None):
        return None
    if row.state != "ready":
        raise Problem(
            404, "media_unavailable", "this picture cannot be had at the moment; show another"
        )
    return row


def _unknown(name: str) -> Problem:
    return Problem(404, "not_found", f"there is no picture {name!r}")
