"""What the README tells people to type is typed here, as it stands."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def test_every_make_target_is_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"make (up|test|help|check|soak|bench|install)\b", README)) <= targets
    assert BLOCKS[0].splitlines() == ["make up", "make test"]


def test_every_linked_page_is_there() -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_command_of_the_table_is_there(capfd: pytest.CaptureFixture[str]) -> None:
    told = re.findall(r"^\| `huopan (.*?) \|", README, re.MULTILINE)
    names = {part.split()[0] for row in told for part in re.findall(r"[a-z][a-z -]+", row)[:1]}
    subprocess.run([sys.executable, "-m", "huopan", "--help"], cwd=ROOT, check=True)
    listed = capfd.readouterr().out
    assert len(names) > 8
    assert [name for name in names if name not in listed] == []


def test_the_first_price_list_and_accounts_work_as_they_are_told(
    tmp_path: Path, database_url: str, redis_url: str
) -> None:
    beside = tmp_path / ".venv" / "bin"
    beside.mkdir(parents=True)
    (beside / "huopan").write_text(f'#!/bin/sh\nexec {sys.executable} -m huopan "$@"\n')
    (beside / "huopan").chmod(0o755)
    (beside / "python").symlink_to(sys.executable)
    done = subprocess.run(
        ["sh", "-eu", "-c", "\n".join(BLOCKS[1:])],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "HUOPAN_DATABASE__URL": database_url,
            "HUOPAN_REDIS__URL": redis_url,
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "2 good rows, 0 rejected, 2 changed" in done.stdout
    assert "the balance is 500.00" in done.stdout
    assert "rules hold" in done.stdout


def _make(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--no-print-directory", *arguments], cwd=ROOT, capture_output=True, text=True
    )


def test_a_machine_without_python_is_told_what_to_install(tmp_path: Path) -> None:
    done = _make("up", "PYTHON=", f"VENV={tmp_path / 'none'}")
    assert done.returncode == 2
    assert "Huopan needs Python 3.11 to 3.14" in done.stdout
    assert "apt-get install python3 python3-venv" in done.stdout
    assert not (tmp_path / "none").exists()


def test_make_without_a_target_says_what_there_is() -> None:
    said = _make().stdout
    for target in ("up", "test", "check", "soak", "bench", "install"):
        assert f"make {target} " in said
