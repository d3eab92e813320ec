"""`make up` in a fresh clone, twice: healthy each time, and nothing left running after Ctrl-C.

At the first start the story that it prints is walked, line by line as it stands.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil

CLONE = Path(sys.argv[1])
sys.path.insert(0, str(CLONE))

from huopan.servers.layout import ROOT_HOME, layout  # noqa: E402 - the clone is the code to try

START_SECONDS = 180.0
STOP_SECONDS = 90.0
LAST_LINE = "Other commands:"


def main() -> None:
    home = layout(CLONE / "var").home
    for turn in ("first", "second"):
        _up_and_down(home, turn)
        sys.stdout.write(f"{turn} start: healthy, and nothing is left running\n")
    if ROOT_HOME in home.parents:
        shutil.rmtree(home)


def _up_and_down(home: Path, turn: str) -> None:
    said = CLONE / f"{turn}.log"
    with said.open("wb") as output:
        process = subprocess.Popen(
            ["make", "--no-print-directory", "up"],  # noqa: S607 - make is what people type
            cwd=CLONE,
            env={**os.environ, "HUOPAN_API__PORT": str(_free_port())},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        _await(process, said)
        _walk(said.read_text())
    finally:
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        process.wait(STOP_SECONDS)
    if "Everything has stopped." not in said.read_text():
        sys.exit(f"make up did not stop in order:\n{said.read_text()}")
    if left := _running(home):
        sys.exit(f"still running after Ctrl-C: {left}")


def _walk(said: str) -> None:
    """Run every command of the story; the last ones say that the money adds up."""
    commands = re.findall(r"^    (.*)$", said, re.MULTILINE)
    done = subprocess.run(  # noqa: S603 - our own story
        ["sh", "-eu", "-c", "\n".join(commands)],  # noqa: S607 - any POSIX shell
        capture_output=True,
        text=True,
        cwd="/",
    )
    answered = all(word in done.stdout for word in ('"shipped"', '"approved"', "rules hold"))
    if done.returncode or not answered or "about:blank" in done.stdout:
        sys.exit(f"the story does not work:\n{done.stdout}\n{done.stderr}")


def _await(process: "subprocess.Popen[bytes]", said: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while LAST_LINE not in said.read_text():
        if process.poll() is not None:
            sys.exit(f"make up ended by itself:\n{said.read_text()}")
        if time.monotonic() > deadline:
            sys.exit(f"make up was not ready in {START_SECONDS:.0f} s:\n{said.read_text()}")
        time.sleep(0.2)


def _running(home: Path) -> list[str]:
    """What works in the clone or in its servers' folder, this process and its callers apart."""
    ours = {psutil.Process().pid, *(parent.pid for parent in psutil.Process().parents())}
    found = []
    for process in psutil.process_iter(["cmdline", "cwd", "status"]):
        about = " ".join([*(process.info["cmdline"] or []), process.info["cwd"] or ""])
        if process.pid in ours or process.info["status"] == psutil.STATUS_ZOMBIE:
            continue
        if str(CLONE) in about or str(home) in about:
            found.append(about)
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
