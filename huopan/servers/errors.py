"""Why embedded servers cannot run, told so that a person knows what to do."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class ServersError(Exception):
    """The embedded servers cannot run; the message says why and what to do next."""


NO_SPACE = "No space left on device"


def no_space(folder: Path) -> ServersError:
    """The disk under `folder` is full."""
    return ServersError(
        f"The disk that holds {folder} is full: free some space (a fresh database needs about"
        " 200 MB) and start again, or name a folder on another disk with --data."
    )


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Turn what the operating system refuses in `folder` into a ServersError."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise no_space(folder) from error
        raise ServersError(
            f"The data folder {folder} cannot be used"
            f" ({error.strerror}: {error.filename or folder}): make it writable for this user,"
            " or name another folder with --data."
        ) from error
