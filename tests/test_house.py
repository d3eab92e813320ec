"""House rules that no linter knows: who may commit, who may retry, how long a file may be."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("kit", "connectors", "catalog", "sync", "trade", "api", "worker", "huopan", "sandbox")
SOURCES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
OTHERS = sorted([*(ROOT / "tests").rglob("*.py"), *(ROOT / "bench").rglob("*.py")])


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _using(pattern: str) -> set[str]:
    return {_name(path) for path in SOURCES if re.search(pattern, path.read_text())}


def test_only_the_unit_of_work_commits() -> None:
    index_files = {"catalog/search/build.py", "catalog/search/indexer.py"}  # commit a Tantivy index
    assert _using(r"\.commit\(") <= {"kit/db.py"} | index_files


def test_only_the_unit_of_work_sets_the_scope() -> None:
    assert _using(r"huopan\.(system|party)'") == {"kit/db.py"}


def test_retries_live_on_the_road_to_the_network_only() -> None:
    assert _using(r"\btenacity\b") <= {"connectors/fetch.py", "connectors/http.py"}


def test_only_the_clock_module_reads_the_wall_clock() -> None:
    assert _using(r"datetime\.now\(|utcnow\(|date\.today\(") <= {"kit/clock.py"}


def test_nothing_is_pickled() -> None:
    assert _using(r"\bimport (pickle|marshal|shelve)\b") == set()


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_a_file_is_one_idea(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert len(path.read_text().splitlines()) <= 400
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= 60, f"{_name(path)}:{node.lineno} {node.name} has {length} lines"
        if isinstance(node, ast.ExceptHandler):
            assert not all(isinstance(line, ast.Pass) for line in node.body), (
                f"{_name(path)}:{node.lineno} swallows an error"
            )


@pytest.mark.parametrize("path", OTHERS, ids=_name)
def test_a_test_file_stays_readable(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 600


def test_every_module_says_what_it_is() -> None:
    silent = [
        _name(path)
        for path in SOURCES
        if path.read_text().strip() and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert silent == []


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_file_names_no_registry(lock: str) -> None:
    lines = (ROOT / lock).read_text().splitlines()
    assert not [line for line in lines if "://" in line or line.startswith("--")]
    pins = [line for line in lines if re.match(r"[A-Za-z0-9]", line)]
    assert len(pins) > 20
    assert all("==" in line for line in pins)


def test_npms_lock_names_no_registry_either() -> None:
    lock = (ROOT / "package-lock.json").read_text()
    assert "://" not in lock
    assert lock.count('"integrity": "sha512-') == lock.count('"node_modules/')
    assert "://" not in (ROOT / "requirements-node.lock").read_text()
