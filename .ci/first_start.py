"""`huopan up` in a fresh clone, twice: healthy each time, and nothing left running after Ctrl-C."""

import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil

CLONE = Path(sys.argv[1])
sys.path.insert(0, str(CLONE))

from huopan.servers.layout import ROOT_HOME, layout  # noqa: E402 - the clone is the code to try

START_SECONDS = 120.0


def main() -> None:
    home = layout(CLONE / "var").home
    for turn in ("first", "second"):
        _up_and_down(home)
        sys.stdout.write(f"{turn} start: healthy, and nothing is left running\n")
    if ROOT_HOME in home.parents:
        shutil.rmtree(home)


def _up_and_down(home: Path) -> None:
    port = _free_port()
    process = subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-m", "huopan", "up", "--port", str(port)], cwd=CLONE
    )
    try:
        _await(process, f"http://127.0.0.1:{port}/healthz")
    finally:
        process.send_signal(signal.SIGINT)
        code = process.wait(timeout=90)
    if code:
        sys.exit(f"huopan up ended with exit code {code}")
    if left := _running(home):
        sys.exit(f"still running after Ctrl-C: {left}")


def _await(process: "subprocess.Popen[bytes]", url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            sys.exit(f"huopan up ended by itself with exit code {process.returncode}")
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - our own loopback address
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.2)
    sys.exit(f"{url} did not answer within {START_SECONDS:.0f} seconds")


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
