"""Where the index lies: `<data.dir>/search/`, one folder per build, and `current` naming one.

A new build is written beside the old one and takes its place by one rename, so that searches go on.
"""

import contextlib
import os
import secrets
import shutil
from pathlib import Path

CURRENT = "current"
LOCK = "lock"
WISH = "rebuild"
_BUILD = "build-"


def root(data_dir: Path) -> Path:
    """The folder of the index under the data directory."""
    return data_dir / "search"


def current(folder: Path) -> Path | None:
    """The build that counts, or None when there is none yet."""
    try:
        name = (folder / CURRENT).read_text().strip()
    except FileNotFoundError:
        return None
    return folder / name if name.startswith(_BUILD) and "/" not in name else None


def identity(build: Path) -> str:
    """What a build holds, by name: another schema or other prices have another identity."""
    return build.name.rpartition("-")[0].removeprefix(_BUILD)


def new_build(folder: Path, identity: str) -> Path:
    """An empty folder for a build of this identity.

    Its name is no former one's: who still holds that would take the new one, empty as it is, for
    the next state of it.
    """
    build = folder / f"{_BUILD}{identity}-{secrets.token_hex(8)}"
    build.mkdir()
    return build


def wish(folder: Path) -> None:
    """Ask whoever writes the index, now or later, to build it anew."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / WISH).touch()


def take_wish(folder: Path) -> bool:
    """Whether a new build was asked for; from now on it is not."""
    try:
        (folder / WISH).unlink()
    except FileNotFoundError:
        return False
    return True


def switch(folder: Path, build: Path) -> None:
    """Let `build` count from now on."""
    fresh = folder / f".{CURRENT}"
    fresh.write_text(build.name)
    os.replace(fresh, folder / CURRENT)


def sweep(folder: Path) -> None:
    """Remove builds that do not count: former ones, and one that was never finished."""
    kept = current(folder)
    for build in folder.glob(f"{_BUILD}*"):
        if build != kept:
            with contextlib.suppress(FileNotFoundError):  # a reader's own files went meanwhile
                shutil.rmtree(build)
