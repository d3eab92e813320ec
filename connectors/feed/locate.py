"""Where a listing lies: a path or pattern on this machine, or an https, sftp or ftp address."""

import glob
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from posixpath import basename
from urllib.parse import SplitResult, unquote, urlsplit

from connectors.errors import Refused, Unreadable
from connectors.fetch import Fetched, Rules, download, patiently
from kit import clock

from . import far

_MOST_FILES = 1_000


@dataclass(frozen=True)
class Found:
    """A file on this machine: its name as people know it, and when its figures were true."""

    path: Path
    name: str
    as_of: datetime


def files(location: str, into: Path, rules: Rules, login: far.Login) -> list[Found]:
    """The files of a location, in order of name; far ones are copied to `into`.

    Raises SupplierError that says what is wrong and what to do.
    """
    scheme = location.partition("://")[0].lower() if "://" in location else ""
    if not scheme:
        return _near(location, rules.max_bytes)
    if scheme in ("https", "http"):
        return [_by_web(location, into, rules, login)]
    try:
        url = urlsplit(location)
        url.port  # noqa: B018  # raises for a malformed one
    except ValueError as error:
        raise Refused("bad-address", f"the location is no {scheme} address: {error}") from error
    if scheme not in ("sftp", "ftp"):
        raise Refused("scheme", f"{scheme}:// is not read; use a path, https, sftp or ftp")
    if url.username or url.password:
        raise Refused("bad-address", "name user and password in username and password instead")
    return _by_file_server(scheme, url, into, rules, login)


def _by_web(location: str, into: Path, rules: Rules, login: far.Login) -> Found:
    auth = (login.username, login.password) if login.password else None
    path = urlsplit(location).path
    fetched = download(location, into / "0", rules, auth)
    return _found_far(unquote(basename(path)) or "download", fetched)


def _by_file_server(
    scheme: str, url: SplitResult, into: Path, rules: Rules, login: far.Login
) -> list[Found]:
    copy = far.sftp if scheme == "sftp" else far.ftp
    got = patiently(lambda: copy(url, into, rules, login))
    return [_found_far(basename(name), fetched) for name, fetched in got]


def _found_far(name: str, fetched: Fetched) -> Found:
    return Found(fetched.path, name, fetched.modified or clock.now())


def _near(location: str, max_bytes: int) -> list[Found]:
    if "\0" in location:
        raise Unreadable("no-file", "the location has a NUL character in it")
    exact = Path(location)
    if exact.is_file():
        return [_found(exact, max_bytes)]
    paths = []
    for path in (Path(name) for name in sorted(glob.glob(location))):
        if path.is_file() and not path.name.startswith((".", "~$")):
            _refuse_leaving(path, _folder(exact))
            paths.append(path)
    if not paths:
        raise Unreadable("no-file", f"there is no file at {location}; nothing was read")
    if len(paths) > _MOST_FILES:
        raise Unreadable("too-many-files", f"{location} matches over {_MOST_FILES:,} files")
    return [_found(path, max_bytes) for path in paths]


def _found(path: Path, max_bytes: int) -> Found:
    state = path.stat()
    if state.st_size > max_bytes:
        raise Unreadable(
            "too-large",
            f"{path.name} has {state.st_size:,} bytes; at most {max_bytes:,} are read (max_bytes)",
        )
    return Found(path, path.name, datetime.fromtimestamp(state.st_mtime, UTC))


def _refuse_leaving(path: Path, folder: Path) -> None:
    if not path.resolve().is_relative_to(folder.resolve()):
        raise Unreadable("outside", f"{path} leads out of {folder}; it is not read")


def _folder(pattern: Path) -> Path:
    """The part of a pattern before its first wildcard: nothing may lead out of it."""
    folder = Path(pattern.anchor)
    for part in pattern.parts[1 if pattern.anchor else 0 : -1]:
        if glob.has_magic(part):
            break
        folder /= part
    return folder
