"""Secrets and keys by where they are: settings name them, and never hold one."""

import os
import shlex
import subprocess
from functools import cache
from pathlib import Path

KEY_SECONDS = 20.0
"""How long the program may take that gives a key."""


class SettingsError(Exception):
    """A setting that is missing, unknown or malformed; the message names it and says what to do."""


def secret(reference: str) -> str:
    """What `env:NAME` or `file:PATH` stands for. Raises SettingsError."""
    kind, _, name = reference.partition(":")
    if kind == "env":
        if name not in os.environ:
            raise SettingsError(f"the environment variable {name} is not set")
        return os.environ[name]
    if kind == "file":
        try:
            return Path(name).read_text().strip()
        except OSError as error:
            raise SettingsError(f"cannot read {name}: {error.strerror}") from error
    raise SettingsError(
        'a secret is written as "env:NAME" or "file:PATH", never in the file itself'
    )


def key_text(reference: str) -> str:
    """What `env:NAME`, `file:PATH` or `command:PROGRAM …` stands for: a key may also be given by
    whoever guards keys here. Raises SettingsError."""
    kind, _, said = reference.partition(":")
    return guarded_key(said) if kind == "command" else secret(reference)


@cache
def guarded_key(command: str) -> str:
    """What the program says, asked once a process; nothing that it says is shown anywhere.

    Raises SettingsError.
    """
    try:
        program = shlex.split(command)
    except ValueError as error:
        raise SettingsError(f"the key's command cannot be read: {error}") from error
    if not program:
        raise SettingsError("the key's command names no program")
    try:
        ended = subprocess.run(  # noqa: S603 - named by whoever owns the settings
            program,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=KEY_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        why = error.strerror if isinstance(error, OSError) else f"no answer in {KEY_SECONDS:.0f} s"
        raise SettingsError(f"the key's command cannot be run: {why}") from None
    if ended.returncode:
        raise SettingsError(
            f"the key's command ended with {ended.returncode}: run it by hand to see why"
        )
    return ended.stdout.decode(errors="replace").strip()
