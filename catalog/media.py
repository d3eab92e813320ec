"""Pictures of goods under names of ours: `/media/{name}` tells nobody where a picture came from.

A name is a keyed hash of the picture's address, and the product that shows it, so that the address
is found again without a table of all addresses. Only pictures that somebody asked for are kept: as
rows, drawn anew, and for as long as they are looked at.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Any

from sqlalchemy import Index, Integer, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from catalog import wording
from kit.crypto import Keyring
from kit.db import Base, OutsideId, Utc
from kit.errors import Problem
from kit.ids import inside, outside

ROAD = "/media/"
CHUNK = 128 * 1024
"""Bytes in one row."""
TRIES = 5
"""So often a picture is fetched in vain before it counts as failed."""
PAUSES = (60, 600, 3600, 6 * 3600)
"""Seconds before each further try."""
FORGET_FAILURE = timedelta(days=1)
"""After so long a picture that failed is tried anew for whoever asks."""
LEASE = timedelta(seconds=120)

_PURPOSE = "media"
_NAME = re.compile(r"([0-9a-f]{32})-(prd_[0-9A-Za-z]{1,20})")
_ADDRESS = re.compile(r"(https?:)?//[^\s/]+/\S*", re.IGNORECASE)


class Media(Base):
    """One picture that was asked for."""

    __tablename__ = "media"
    __table_args__ = (
        Index("media_due", "due_at", postgresql_where=text("state <> 'ready'")),
        Index("media_used", "used_at"),
    )

    hash: Mapped[bytes] = mapped_column(primary_key=True)
    address: Mapped[OutsideId]
    state: Mapped[str] = mapped_column(server_default="wanted")
    """wanted (to be fetched when `due_at`) | ready | failed (until `due_at`)."""
    kind: Mapped[str | None]
    """image/jpeg or image/webp; never what the far end said."""
    size: Mapped[int | None] = mapped_column(Integer)
    digest: Mapped[bytes | None]
    tries: Mapped[int] = mapped_column(Integer, server_default="0")
    why: Mapped[str | None]
    """Why the last try failed, for operators."""
    due_at: Mapped[Utc]
    used_at: Mapped[Utc]
    """When somebody looked at it, to the day."""


class MediaChunk(Base):
    """A part of a picture's bytes."""

    __tablename__ = "media_chunks"

    hash: Mapped[bytes] = mapped_column(primary_key=True)
    place: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    content: Mapped[bytes]


@dataclass(frozen=True)
class Claimed:
    """A picture that a worker fetches now; `tries` counts this one."""

    hash: bytes
    address: str
    tries: int


@dataclass(frozen=True)
class Named:
    """What a name in `/media/{name}` says."""

    hash: bytes
    product_id: int


@dataclass(frozen=True)
class Album:
    """Gives pictures their names, and finds their addresses again."""

    keyring: Keyring

    def road(self, address: str, product_id: int) -> str:
        """Where readers find the picture that lies at `address`."""
        name = _fingerprint(self.keyring, address).hex()
        return f"{ROAD}{name}-{outside('prd', product_id)}"

    def roads(self, addresses: Iterable[str], product_id: int) -> list[str]:
        """The same for several, in order."""
        return [self.road(one, product_id) for one in addresses]

    def address(self, session: Session, named: Named) -> str | None:
        """Where the picture with this name lies; None: the product does not show it (any more)."""
        row = session.execute(_PRODUCT, {"id": named.product_id}).one_or_none()
        if row is None:
            return None
        told = wording.pictures(row.description) if row.description else []
        for one in dict.fromkeys(addresses([*(row.images or ()), *(row.materials or ()), *told])):
            if named.hash in self.keyring.fingerprints(one, _PURPOSE):
                return one
        return None


def described(told: str, product_id: int, album: Album | None, said: wording.Said) -> str:
    """A product's description, its words as `said`, without any address but ours; without an
    album, no picture."""

    def shown(address: str) -> str | None:
        found = addresses([address])
        return album.road(found[0], product_id) if found and album else None

    return wording.cleaned(told, shown, said)


def addresses(told: Iterable[Any] | None) -> list[str]:
    """The web addresses among what a source calls pictures."""
    found = [one.strip() for one in told or () if isinstance(one, str)]
    return [one for one in found if len(one) <= 2000 and _ADDRESS.fullmatch(one)]


def named(name: str) -> Named | None:
    """What a name says; None for what is none of ours."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    try:
        return Named(bytes.fromhex(found[1]), inside("prd", found[2]))
    except Problem:  # no product can have this id
        return None


def find(session: Session, hash_: bytes) -> Media | None:
    """The picture's row, if anybody asked for it before."""
    return session.get(Media, hash_, populate_existing=True)


def want(session: Session, hash_: bytes, address: str) -> None:
    """Have it fetched; asking again changes nothing."""
    session.execute(_WANT, {"hash": hash_, "address": address})


def looked_at(session: Session, hash_: bytes) -> None:
    """Somebody looked at it, so it is kept."""
    session.execute(_LOOKED_AT, {"hash": hash_})


def chunk(session: Session, hash_: bytes, place: int) -> bytes | None:
    """One part of the bytes; None behind the last."""
    row = session.get(MediaChunk, (hash_, place))
    return row.content if row else None


def claim(session: Session, now: datetime, limit: int) -> list[Claimed]:
    """Pictures to fetch now, ours for `LEASE`. A try counts when it begins: a picture that ends
    its worker is not tried for ever."""
    asked = {"now": now, "until": now + LEASE, "tries": TRIES, "limit": limit}
    return [Claimed(*row) for row in session.execute(_CLAIM, asked)]


def due(session: Session, now: datetime) -> bool:
    """Whether there are pictures to fetch."""
    return bool(session.scalar(_DUE, {"now": now, "tries": TRIES}))


def keep(session: Session, hash_: bytes, kind: str, content: bytes) -> None:
    """The picture as it is shown from now on; if two fetched it, the first one's stays."""
    values = {
        "hash": hash_,
        "kind": kind,
        "size": len(content),
        "digest": sha256(content).digest()[:16],
    }
    if session.execute(_READY, values).one_or_none() is None:
        return
    session.add_all(
        MediaChunk(hash=hash_, place=place, content=part)
        for place, part in enumerate(_parts(content))
    )
    session.flush()


def failed(
    session: Session, claimed: Claimed, why: str, now: datetime, wait: float | None = None
) -> None:
    """It could not be had. `wait` (seconds) says that a further try may help; None: none would."""
    last = wait is None or claimed.tries >= TRIES
    pause = timedelta(seconds=max(wait or 0, PAUSES[min(claimed.tries, len(PAUSES)) - 1]))
    session.execute(
        _FAILED,
        {
            "hash": claimed.hash,
            "state": "failed" if last else "wanted",
            "why": why[:500],
            "due": now + (FORGET_FAILURE if last else pause),
        },
    )


def prune(session: Session, now: datetime, kept: timedelta, limit: int) -> int:
    """Forget at most `limit` pictures that nobody looked at for `kept`, failures whose time is
    over, and what nobody could fetch; returns how many."""
    asked = {"before": now - kept, "now": now, "tries": TRIES, "limit": limit}
    gone = [row.hash for row in session.execute(_PRUNE, asked)]
    session.execute(text("DELETE FROM media_chunks WHERE hash = ANY(:gone)"), {"gone": gone})
    return len(gone)


@lru_cache(maxsize=2**16)
def _fingerprint(keyring: Keyring, address: str) -> bytes:
    """A page names some hundred pictures, and the same ones again and again."""
    return keyring.fingerprint(address, _PURPOSE)


def _parts(content: bytes) -> Iterator[bytes]:
    for start in range(0, len(content), CHUNK):
        yield content[start : start + CHUNK]


_PRODUCT = text("SELECT images, materials, description FROM products WHERE id = :id")
_WANT = text("""
    INSERT INTO media (hash, address, state, due_at, used_at)
    VALUES (:hash, :address, 'wanted', clock_timestamp(), clock_timestamp())
    ON CONFLICT (hash) DO NOTHING
""")
_LOOKED_AT = text("""
    UPDATE media SET used_at = clock_timestamp()
    WHERE hash = :hash AND used_at < clock_timestamp() - interval '1 day'
""")
_CLAIM = text("""
    UPDATE media m SET due_at = :until, tries = m.tries + 1
    FROM (SELECT hash FROM media WHERE state = 'wanted' AND due_at <= :now AND tries < :tries
          ORDER BY due_at LIMIT :limit FOR UPDATE SKIP LOCKED) f
    WHERE m.hash = f.hash RETURNING m.hash, m.address, m.tries
""")
_DUE = text("""
    SELECT EXISTS (SELECT FROM media WHERE state = 'wanted' AND due_at <= :now AND tries < :tries)
""")
_READY = text("""
    UPDATE media SET state = 'ready', kind = :kind, size = :size, digest = :digest, why = NULL
    WHERE hash = :hash AND state <> 'ready' RETURNING hash
""")
_FAILED = text("""
    UPDATE media SET state = :state, why = :why, due_at = :due
    WHERE hash = :hash AND state = 'wanted'
""")
_PRUNE = text("""
    DELETE FROM media WHERE hash IN (
      SELECT hash FROM media
      WHERE used_at < :before OR (state = 'failed' AND due_at <= :now)
        OR (state = 'wanted' AND tries >= :tries AND due_at <= :now)
      LIMIT :limit FOR UPDATE SKIP LOCKED)
    RETURNING hash
""")
