"""The simulated platforms of the demo: one more role of `up`, and a source for each of them."""

import sys
from collections.abc import Sequence
from typing import Any

PORT = 8090

SOURCES: dict[str, dict[str, Any]] = {}
"""Code → settings of a source on the sandbox; `{sandbox}` stands for its address."""


def roles() -> dict[str, Sequence[str]]:
    """The commands that run beside the others; none while no platform is simulated."""
    command = (sys.executable, "-m", "huopan", "sandbox", "--port", str(PORT))
    return {"sandbox": command} if SOURCES else {}


def configs() -> dict[str, dict[str, Any]]:
    """The sources' settings, pointed at the sandbox."""
    address = f"http://127.0.0.1:{PORT}"
    return {
        code: {
            key: value.replace("{sandbox}", address) if isinstance(value, str) else value
            for key, value in config.items()
        }
        for code, config in SOURCES.items()
    }
