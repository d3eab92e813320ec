"""The roles of one `huopan up`: child processes that are started again when they end."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from huopan.processes import PARENT

LOG_LIMIT = 20 * 2**20
"""Bytes after which a role's log is moved aside; two files a role are kept."""

SETTLED = 60.0
"""Seconds after which an end counts as a first one again."""

LONGEST_PAUSE = 30.0
STOP_SECONDS = 15.0
"""A role has this long to finish what it is doing."""


@dataclass
class Child:
    """One role, running or about to run again."""

    name: str
    command: Sequence[str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    ends: int = 0
    again_at: float = 0.0

    def start(self, environment: dict[str, str]) -> None:
        with self._opened_log() as output:
            self.process = subprocess.Popen(  # noqa: S603 - our own command
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**environment, PARENT: str(os.getpid())},
                start_new_session=True,  # a terminal's Ctrl-C is for `up`, which stops us in order
            )
        self.started = time.monotonic()

    def last_words(self) -> str:
        """The last line of its log that has a word in it: a box's lower edge says nothing."""
        lines = self.log.read_text(errors="replace")[-4000:].splitlines()
        told = [line.strip(" │") for line in lines if any(char.isalnum() for char in line)]
        return told[-1] if told else "it said nothing"

    def turn_log(self) -> None:
        """Move a long log aside; the child writes on to the same file."""
        if self.log.stat().st_size > LOG_LIMIT:
            shutil.copyfile(self.log, self.log.with_suffix(".log.1"))
            os.truncate(self.log, 0)

    def _opened_log(self) -> IO[bytes]:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        return self.log.open("ab")  # append: after a truncation writing goes on at the start


@dataclass
class Children:
    """All roles together. `say` tells a person what happens to them."""

    commands: dict[str, Sequence[str]]
    logs: Path
    say: Callable[[str], None]
    environment: dict[str, str] = field(default_factory=lambda: dict(os.environ))
    _children: list[Child] = field(default_factory=list, init=False)

    def start(self) -> None:
        """Start every role, in the order given."""
        for name, command in self.commands.items():
            child = Child(name, command, self.logs / f"{name}.log")
            self._children.append(child)
            child.start(self.environment)

    def tend(self) -> None:
        """One look at every role: start again what has ended and has waited long enough."""
        now = time.monotonic()
        for child in self._children:
            if child.process is None:
                if now >= child.again_at:
                    child.start(self.environment)
            elif (code := child.process.poll()) is not None:
                self._ended(child, code, now)
            else:
                child.turn_log()

    def failing(self, times: int) -> Child | None:
        """A role that has ended `times` times in a row."""
        return next((child for child in self._children if child.ends >= times), None)

    def stop(self) -> None:
        """End every role: in order within `STOP_SECONDS`, by force after it."""
        living = [child.process for child in self._children if child.process]
        for process in living:
            process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        for process in living:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._children.clear()

    def _ended(self, child: Child, code: int, now: float) -> None:
        child.ends = 1 if now - child.started > SETTLED else child.ends + 1
        pause = min(LONGEST_PAUSE, 2.0 ** (child.ends - 1))
        child.process = None
        child.again_at = now + pause
        why = f"signal {-code}" if code < 0 else f"exit code {code}"
        self.say(
            f"{child.name} ended ({why}) and starts again in {pause:.0f} s;"
            f" its last words: {child.last_words()} ({child.log})"
        )
