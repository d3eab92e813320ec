"""Files from SFTP and FTP servers, to hosts that were checked and proved who they are."""

import base64
import contextlib
import fnmatch
import ftplib
import hashlib
import io
import posixpath
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import SplitResult, unquote

import paramiko

from connectors import hosts
from connectors.errors import NotAuthorised, OutcomeUnknown, Refused, TryLater, Unreadable
from connectors.fetch import Fetched, Rules

_TIMEOUT = 30.0
_BLOCK = 1 << 16


@dataclass(frozen=True)
class Login:
    """Who we are at a server, and how we know that it is the right one.

    `host_key` is `SHA256:…` as ssh-keygen shows it; else `known_hosts` names a file.
    """

    username: str = "anonymous"
    password: str = ""
    host_key: str | None = None
    known_hosts: str | None = None


def sftp(url: SplitResult, into: Path, rules: Rules, login: Login) -> list[tuple[str, Fetched]]:
    """Every file that the path or pattern of an sftp:// address names. Raises SupplierError."""
    where = f"sftp://{url.hostname}{url.path}"
    try:
        with _ssh(url, rules, login) as files:
            names = _matching(unquote(url.path), files.listdir)
            return [(name, _by_sftp(files, name, into / str(at), rules)) for at, name in names]
    except paramiko.AuthenticationException as error:
        raise NotAuthorised("login", f"{where} refuses our user name or password") from error
    except FileNotFoundError as error:
        raise Unreadable("no-file", f"there is nothing at {where}") from error
    except (paramiko.SSHException, OSError, EOFError) as error:
        raise TryLater("network", f"{where}: {error or type(error).__name__}") from error


def put(url: SplitResult, name: str, content: bytes, rules: Rules, login: Login) -> None:
    """Write a file into the folder that an sftp:// address names; it is there whole or not at all.

    The same name again replaces the file. Raises TryLater, Refused or NotAuthorised (it is not
    there), or OutcomeUnknown: it may be.
    """
    where = f"sftp://{url.hostname}{url.path}"
    folder = unquote(url.path) or "."
    if any(ord(letter) < 32 for letter in folder):
        raise Refused("bad-address", "send_to has control characters in it")
    part, whole = (posixpath.join(folder, one) for one in (f".{name}.part", name))
    begun = False
    try:
        with _ssh(url, rules, login) as files:
            files.putfo(io.BytesIO(content), part, len(content))  # looks whether all of it came
            begun = True
            _renamed(files, part, whole)
    except paramiko.AuthenticationException as error:
        raise NotAuthorised("login", f"{where} refuses our user name or password") from error
    except (FileNotFoundError, PermissionError) as error:
        raise Refused("no-folder", f"{where} is no folder that we may write to") from error
    except (paramiko.SSHException, OSError, EOFError) as error:
        why = f"{where}: {error or type(error).__name__}"
        raise (OutcomeUnknown if begun else TryLater)("network", why) from error


def _renamed(files: paramiko.SFTPClient, part: str, whole: str) -> None:
    try:
        files.posix_rename(part, whole)
    except OSError:  # a server without that extension: its rename replaces nothing
        with contextlib.suppress(FileNotFoundError):
            files.remove(whole)
        files.rename(part, whole)


class _Pinned(paramiko.MissingHostKeyPolicy):
    """Accepts the one key that the settings name, and no other."""

    def __init__(self, fingerprint: str | None) -> None:
        self._fingerprint = fingerprint

    def missing_host_key(
        self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey
    ) -> None:
        digest = base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")
        if self._fingerprint is None or self._fingerprint.rstrip("=") != f"SHA256:{digest}":
            raise NotAuthorised(
                "host-key",
                f"{hostname} shows the key SHA256:{digest}, which we do not know; if it is right, "
                "set host_key for this source",
            )


@contextmanager
def _ssh(url: SplitResult, rules: Rules, login: Login) -> Iterator[paramiko.SFTPClient]:
    host, port = url.hostname or "", url.port or 22
    address = hosts.checked(host, port, allow_private=rules.allow_private_hosts)
    with paramiko.SSHClient() as client:
        if login.known_hosts and login.host_key is None:
            client.load_host_keys(login.known_hosts)
        client.set_missing_host_key_policy(_Pinned(login.host_key))
        try:
            client.connect(
                host,
                port,
                username=login.username,
                password=login.password,
                sock=socket.create_connection((address, port), timeout=_TIMEOUT),
                look_for_keys=False,
                allow_agent=False,
                timeout=_TIMEOUT,
                auth_timeout=_TIMEOUT,
                banner_timeout=_TIMEOUT,
            )
        except paramiko.BadHostKeyException as error:
            raise NotAuthorised(
                "host-key", f"{host} shows another key than the one in {login.known_hosts}"
            ) from error
        with client.open_sftp() as files:
            channel = files.get_channel()
            if channel is not None:
                channel.settimeout(_TIMEOUT)
            yield files


def _by_sftp(files: paramiko.SFTPClient, name: str, into: Path, rules: Rules) -> Fetched:
    state = files.stat(name)
    with files.open(name, "rb") as far, into.open("wb") as near:
        left = rules.max_bytes
        while block := far.read(_BLOCK):
            left -= len(block)
            if left < 0:
                raise _too_large(name, rules)
            near.write(block)
    return Fetched(into, datetime.fromtimestamp(state.st_mtime, UTC) if state.st_mtime else None)


def ftp(url: SplitResult, into: Path, rules: Rules, login: Login) -> list[tuple[str, Fetched]]:
    """Every file that the path or pattern of an ftp:// address names. Raises SupplierError.

    Data connections go to the address of the control connection, whatever PASV answers.
    """
    where = f"ftp://{url.hostname}{url.path}"
    port = url.port or 21
    address = hosts.checked(url.hostname or "", port, allow_private=rules.allow_private_hosts)
    try:
        with ftplib.FTP(timeout=_TIMEOUT, encoding="utf-8") as server:  # noqa: S321
            server.connect(address, port)
            server.login(login.username, login.password)
            names = _matching(unquote(url.path), lambda folder: _listed(server, folder))
            return [(name, _by_ftp(server, name, into / str(at), rules)) for at, name in names]
    except ftplib.error_perm as error:
        if str(error).startswith("530"):
            raise NotAuthorised("530", f"{where} refuses our user name or password") from error
        raise Unreadable("no-file", f"there is nothing to read at {where}: {error}") from error
    except (ftplib.Error, OSError, EOFError, UnicodeError) as error:
        raise TryLater("network", f"{where}: {error or type(error).__name__}") from error


def _listed(server: ftplib.FTP, folder: str) -> list[str]:
    return [posixpath.basename(name) for name in server.nlst(folder)]


def _by_ftp(server: ftplib.FTP, name: str, into: Path, rules: Rules) -> Fetched:
    left = rules.max_bytes
    with into.open("wb") as near:

        def keep(block: bytes) -> None:
            nonlocal left
            left -= len(block)
            if left < 0:
                raise _too_large(name, rules)
            near.write(block)

        server.voidcmd("TYPE I")
        size = server.size(name)
        server.retrbinary(f"RETR {name}", keep, _BLOCK)
    if size is not None and into.stat().st_size != size:
        raise TryLater("cut-off", f"{name} broke off before its end")
    return Fetched(into, _changed(server, name))


def _changed(server: ftplib.FTP, name: str) -> datetime | None:
    try:
        answer = server.voidcmd(f"MDTM {name}")
        return datetime.strptime(answer[4:18], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except (ftplib.error_perm, ValueError):  # an old server: the time of reading has to do
        return None


def _matching(path: str, listed: Callable[[str], list[str]]) -> list[tuple[int, str]]:
    """(number, path) of what matches; only the last part of a path may hold wildcards."""
    if any(ord(letter) < 32 for letter in path):
        raise Unreadable("bad-address", "the location has control characters in it")
    folder, pattern = posixpath.split(path)
    if not any(mark in pattern for mark in "*?["):
        return [(0, path)]
    there = (name for name in listed(folder or ".") if "/" not in name)
    names = sorted(n for n in fnmatch.filter(there, pattern) if not n.startswith((".", "~$")))
    if not names:
        raise Unreadable("no-file", f"no file matches {path}")
    return [(at, posixpath.join(folder, name)) for at, name in enumerate(names)]


def _too_large(name: str, rules: Rules) -> Unreadable:
    return Unreadable("too-large", f"{name} is larger than {rules.max_bytes:,} bytes (max_bytes)")
