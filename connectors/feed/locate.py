"""Where a listing lies: a path or a pattern in a folder."""

import glob
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from connectors.errors import Unreadable


@dataclass(frozen=True)
class Found:
    """A file on this machine: its name as people know it, and when its figures were true."""

    path: Path
    name: str
    as_of: datetime


def local(location: str, max_bytes: int) -> list[Found]:
    """The files of a path or pattern, in order of name. Raises Unreadable."""
    pattern = Path(location)
    if pattern.is_file():
        paths = [pattern]
    else:
        paths = [Path(name) for name in sorted(glob.glob(location))]
        paths = [path for path in paths if path.is_file() and not path.name.startswith((".", "~$"))]
    if not paths:
        raise Unreadable("no-file", f"there is no file at {location}; nothing was read")
    return [_found(path, pattern, max_bytes) for path in paths]


def _found(path: Path, pattern: Path, max_bytes: int) -> Found:
    if path != pattern and not path.resolve().is_relative_to(_fixed(pattern).resolve()):
        raise Unreadable("outside", f"{path} leads out of {_fixed(pattern)}; it is not read")
    state = path.stat()
    if state.st_size > max_bytes:
        raise Unreadable(
            "too-large",
            f"{path.name} has {state.st_size:,} bytes; at most {max_bytes:,} are read (max_bytes)",
        )
    return Found(path, path.name, datetime.fromtimestamp(state.st_mtime, UTC))


def _fixed(pattern: Path) -> Path:
    """The part of a pattern before its first wildcard: the folder that nothing may lead out of."""
    fixed = Path(pattern.anchor)
    for part in (
        pattern.relative_to(pattern.anchor).parts[:-1] if pattern.anchor else pattern.parts[:-1]
    ):
        if glob.has_magic(part):
            break
        fixed /= part
    return fixed
