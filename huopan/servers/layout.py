"""Where everything of one pair of servers lies, and which user owns it.

Below the data folder, for an ordinary user:

    servers/lock       held (flock) by the one supervisor
    servers/ready      held by it too once its servers have answered
    servers/holders    held shared by everybody who needs the servers
    servers/postgres   the database; servers/redis: Redis's working folder and log
    servers/run        the sockets, or a link to a short folder that holds them

PostgreSQL refuses to run as root, so under root both servers run as an unprivileged user
(`server_user`), and `servers/` moves to /var/lib/huopan unless that user can reach the data folder.
"""

import hashlib
import os
import pwd
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huopan.servers.errors import ServersError, explained

ROOT_HOME = Path("/var/lib/huopan")
"""Where root's servers live: reachable by everybody, written by root only."""

SERVER_USERS = ("huopan", "postgres", "nobody")
"""Who runs root's servers: a user made for it, or the system's own database user, or nobody."""

PORT = 5432
"""Names PostgreSQL's socket file; nothing listens on TCP."""

SOCKET_PATH_LIMIT = 107
"""Bytes that fit into a socket's address on Linux; macOS takes 103, see `_fits`."""


@dataclass(frozen=True)
class Owner:
    """The user that the server processes run as; `switch` when that is not us."""

    uid: int
    gid: int
    switch: bool

    def popen(self) -> dict[str, Any]:
        """What `subprocess` needs in order to run a program as this user."""
        if not self.switch:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Make `path` this user's."""
        if self.switch:
            os.chown(path, self.uid, self.gid)

    def folder(self, path: Path) -> None:
        """A folder that only this user enters. Raises ServersError if it is somebody else's."""
        try:
            path.mkdir(mode=0o700)
        except FileExistsError:
            refuse_foreign(path, self.uid)
            path.chmod(0o700)
        else:
            self.own(path)


@dataclass(frozen=True)
class Layout:
    """The folders of one pair of servers."""

    home: Path
    owner: Owner

    @property
    def lock(self) -> Path:
        return self.home / "lock"

    @property
    def ready(self) -> Path:
        return self.home / "ready"

    @property
    def holders(self) -> Path:
        return self.home / "holders"

    @property
    def log(self) -> Path:
        return self.home / "supervisor.log"

    @property
    def postgres(self) -> Path:
        return self.home / "postgres"

    @property
    def redis(self) -> Path:
        return self.home / "redis"

    @property
    def sockets(self) -> Path:
        """The folder of the sockets, short enough for a socket's address."""
        run = self.home / "run"
        return run.readlink() if run.is_symlink() else run

    def make_sockets(self) -> None:
        """Make the private folder of the sockets; a leftover of ours is used again.

        Where the path is too long it is a fresh folder with an unguessable name, and `run` points
        to it. Only the supervisor calls this, under its lock.
        """
        run = self.home / "run"
        if _fits(run):
            self.owner.folder(run)
            return
        if run.is_symlink():
            if _is_private(run.readlink(), self.owner.uid):
                return
            run.unlink()
        short = Path(tempfile.mkdtemp(prefix="huopan-", dir=_short_parent(self.owner)))
        self.owner.own(short)
        run.symlink_to(short)

    def remove_sockets(self) -> None:
        """Remove a folder that `make_sockets` made outside the data folder."""
        run = self.home / "run"
        if run.is_symlink() and _is_private(run.readlink(), self.owner.uid):
            short = run.readlink()
            for leftover in short.iterdir():
                leftover.unlink()
            short.rmdir()
            run.unlink()


def layout(data: Path) -> Layout:
    """The layout of the pair of `data`; makes its folder. Raises ServersError."""
    data = data.expanduser().absolute()
    owner = server_user()
    with explained(data):
        data.mkdir(parents=True, exist_ok=True)
        data = data.resolve()
        home = data / "servers"
        if owner.switch:
            _refuse_other_users_data(home, owner)
            home = home if _reachable(data, owner) else _root_home(data)
        make_folder(home, 0o711 if owner.switch else 0o700)
        refuse_foreign(home, os.geteuid())
    return Layout(home, owner)


def server_user() -> Owner:
    """Who the servers run as. Raises ServersError when there is nobody."""
    uid = os.geteuid()
    if uid != 0:
        _require_passwd_entry(uid)
        return Owner(uid, os.getegid(), switch=False)
    for name in SERVER_USERS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Owner(entry.pw_uid, entry.pw_gid, switch=True)
    raise ServersError(
        "PostgreSQL does not run as root, and there is no user `huopan`, `postgres` or `nobody`"
        " to run it: make one (useradd --system huopan), or run huopan as an ordinary user."
    )


def make_folder(path: Path, mode: int) -> None:
    """Make a folder of ours with exactly this mode; one that is there stays as it is."""
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        return
    path.chmod(mode)  # whatever the umask is


def refuse_foreign(path: Path, uid: int) -> None:
    """Raises ServersError unless `path` is a real folder of the user `uid`."""
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise ServersError(f"{path} is not a folder: move it away, or name another with --data.")
    if found.st_uid == uid:
        return
    raise ServersError(
        f"{path} belongs to the user {_name(found.st_uid)}, but {_name(uid)} must own it:"
        " run huopan as the user who made it, or name another folder with --data."
    )


def _refuse_other_users_data(home: Path, owner: Owner) -> None:
    """Root never starts a second, empty database beside the one of an ordinary user."""
    if home.exists() and home.stat().st_uid not in (0, owner.uid):
        refuse_foreign(home, 0)


def _require_passwd_entry(uid: int) -> None:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        raise ServersError(
            f"User id {uid} has no entry in /etc/passwd, which PostgreSQL insists on: add one, or"
            " set [database] url to a PostgreSQL of your own."
        ) from None


def _root_home(data: Path) -> Path:
    make_folder(ROOT_HOME, 0o755)
    digest = hashlib.sha256(os.fsencode(data)).hexdigest()[:12]
    return ROOT_HOME / f"{data.name}-{digest}"


def _reachable(folder: Path, owner: Owner) -> bool:
    """Whether `owner` may pass through every folder on the way, by the plain mode bits."""
    for step in (folder, *folder.parents):
        found = step.stat()
        if found.st_uid == owner.uid:
            bit = stat.S_IXUSR
        elif found.st_gid == owner.gid:
            bit = stat.S_IXGRP
        else:
            bit = stat.S_IXOTH
        if not found.st_mode & bit:
            return False
    return True


def _fits(folder: Path) -> bool:
    limit = SOCKET_PATH_LIMIT if os.uname().sysname == "Linux" else SOCKET_PATH_LIMIT - 4
    longest = os.fsencode(folder / f".s.PGSQL.{PORT}.lock")
    return len(longest) <= limit and b"," not in longest  # PostgreSQL reads a list with commas


def _short_parent(owner: Owner) -> str:
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if runtime and not owner.switch and len(runtime) < 60 and os.access(runtime, os.W_OK):
        return runtime
    return "/tmp"  # noqa: S108 - mkdtemp makes the name unguessable and the folder 0700


def _is_private(folder: Path, uid: int) -> bool:
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return False
    return (
        stat.S_ISDIR(found.st_mode) and found.st_uid == uid and stat.S_IMODE(found.st_mode) == 0o700
    )


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
