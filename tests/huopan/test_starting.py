"""What commands and roles import: a start takes as long as that."""

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.huopan.conftest import Cli

ROOT = Path(__file__).parents[2]
HEAVY = {"alembic", "fastapi", "fontTools", "fpdf", "polars", "pypinyin", "rjieba", "scrapy"}
TRADE = {"api", "catalog", "connectors", "redis", "sync", "trade"}


def _started(huopan: Cli, *command: str, **settings: str) -> "subprocess.Popen[str]":
    """Python tells each import on its standard error."""
    return subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", "huopan", *command],
        cwd=huopan.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **settings},
        stderr=subprocess.PIPE,
        text=True,
    )


def _imported(told: str) -> set[str]:
    """The packages of the modules that were imported."""
    found = {module.partition(".")[0] for module in re.findall(r"(?m)\| +([\w.]+)$", told)}
    assert {"huopan", "kit", "sqlalchemy"} <= found
    return found


def test_a_command_imports_only_what_it_needs(huopan: Cli) -> None:
    process = _started(huopan, "party", "add", "--role", "leader", "--name", "小鹿")
    told = process.communicate(timeout=60)[1]
    assert process.returncode == 0
    assert not _imported(told) & HEAVY


@pytest.mark.parametrize("role", ["api", "worker"])
def test_who_keeps_a_pool_knows_nothing_of_the_trade(huopan: Cli, role: str) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        away = f"postgresql://huopan@127.0.0.1:{nobody.getsockname()[1]}/huopan"
        process = _started(huopan, role, "--processes", "2", HUOPAN_DATABASE__URL=away)
        assert process.stderr is not None
        told = ""
        while "The database does not answer" not in told:  # it has imported all that it will
            line = process.stderr.readline()
            assert line, told[-2000:]
            told += line
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert process.returncode == 0
    assert not _imported(told) & (HEAVY | TRADE)


def test_up_itself_knows_nothing_of_the_trade() -> None:
    told = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "import huopan.cli, huopan.up"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    ).stderr
    assert not _imported(told) & (HEAVY | TRADE)
