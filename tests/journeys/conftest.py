"""The warm process that forks workers which may die."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.jd.gate import APPS, PASSWORD, USER
from tests import ali_stage

ROOT = Path(__file__).parents[2]
SECRETS = {
    **ali_stage.ENVIRONMENT,
    "VOP_CLIENT": "VOPCLIENT8",
    "VOP_SECRET": APPS["VOPCLIENT8"],
    "VOP_USER": USER,
    "VOP_PASSWORD": PASSWORD,
}
"""What opens the sandbox's platforms, as settings name it."""


@pytest.fixture(scope="session")
def forge() -> Iterator["subprocess.Popen[str]"]:
    """The warm process that forks workers; it holds no connection itself."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.journeys.mortal"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **SECRETS},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    yield process
    assert process.stdin
    assert process.stdout
    process.stdin.close()
    assert process.wait(30) == 0
    process.stdout.close()
