"""`huopan doctor` finds what is wrong with what is really there."""

import json
import os
import subprocess
import sys
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

import kit
from connectors.tokens import SourceToken
from huopan.checkup import CONNECTIONS, examine
from huopan.credentials import credentials, platform_clock
from huopan.servers import Endpoints
from kit import clock, settings
from kit.db import dsn
from kit.settings import Settings
from tests.far_servers import web_server

ROOT = Path(__file__).parents[2]


@pytest.fixture
def chosen(tmp_path: Path, database_url: str, redis_url: str) -> Settings:
    found = settings.load(
        database={"url": database_url}, redis={"url": redis_url}, data={"dir": tmp_path}
    )
    found.ensure_key()
    return found


def _advice(chosen: Settings, database_url: str | None = None) -> dict[str, str]:
    servers = Endpoints(database_url or chosen.database.url, chosen.redis.url)
    return {check.name: check.advice for check in examine(chosen, servers) if check.advice}


def test_a_healthy_house_has_no_findings(chosen: Settings) -> None:
    assert _advice(chosen) == {}


def test_a_source_whose_settings_cannot_be_read_is_a_finding(
    chosen: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUOPAN_SOURCES__TEA__KIND", "feed")
    monkeypatch.setenv("HUOPAN_SOURCES__TEA__PASSWORD", "env:NOT_SET_ANYWHERE")
    told = settings.load(
        database={"url": chosen.database.url},
        redis={"url": chosen.redis.url},
        data={"dir": chosen.data.dir},
    )
    assert "NOT_SET_ANYWHERE is not set" in _advice(told)["source tea"]


@pytest.mark.parametrize(
    ("token", "found", "advised"),
    [
        (None, "jd_vop", ""),
        ({}, "does not expire", ""),
        ({"expires_at": 1, "refresh_expires_at": 60}, "2026-05-01", ""),
        ({"expires_at": 1, "refresh_expires_at": 6}, "2026-03-08", "before then"),
        ({"expires_at": -1}, "2026-03-01", "authorise again: GET"),
        ({"expires_at": 6, "age": 20}, "2026-03-08", "before then"),
        ({"expires_at": 1, "age": 0, "envelope": b"x"}, "2026-03-03", ""),
        ({"failure": "bad secret", "refused": True}, "bad secret", "correct its credentials"),
        ({"failure": "timeout", "refused": False}, "timeout", "by itself"),
    ],
)
def test_credentials_that_run_out_are_findings_in_time(
    token: dict[str, Any] | None, found: str, advised: str
) -> None:
    now = datetime(2026, 3, 2, 2, tzinfo=UTC)
    row = None
    if token is not None:
        given = dict(token)
        given["updated_at"] = now - timedelta(days=given.pop("age", 30))
        for name in ("expires_at", "refresh_expires_at"):
            if name in given:
                given[name] = now + timedelta(days=given[name])
        row = SourceToken(source="jd", **given)
    check = credentials("jd", "jd_vop", row, now)
    assert found in check.found
    assert advised in check.advice
    assert bool(advised) == bool(check.advice)


@pytest.mark.parametrize(
    ("ahead", "found", "advised"), [(0, "0 s from ours", ""), (-400, "s from ours", "by NTP")]
)
def test_a_platforms_clock_is_compared_with_ours(
    monkeypatch: pytest.MonkeyPatch, ahead: int, found: str, advised: str
) -> None:
    with web_server() as web:
        now = datetime.now(UTC) + timedelta(seconds=ahead)
        monkeypatch.setattr(clock, "now", lambda: now)
        check = platform_clock("127.0.0.1", web.url)
    assert found in check.found
    assert advised in check.advice
    assert bool(advised) == bool(check.advice)


def test_a_platform_that_is_not_reached_is_a_finding() -> None:
    assert "reaches it" in platform_clock("127.0.0.1:1", "http://127.0.0.1:1").advice


def test_a_superuser_is_a_finding(chosen: Settings) -> None:
    above = make_url(chosen.database.url).set(username="postgres")
    found = _advice(chosen, above.render_as_string(hide_password=False))
    assert "tenant wall" in found["login role"]


def test_a_schema_behind_is_a_finding(chosen: Settings) -> None:
    with psycopg.connect(dsn(chosen.database.url)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0000'")
    assert "huopan migrate" in _advice(chosen)["schema"]


def test_an_empty_database_is_a_finding(chosen: Settings) -> None:
    with psycopg.connect(dsn(chosen.database.url)) as connection:
        connection.execute("DROP TABLE alembic_version")
    assert "huopan migrate" in _advice(chosen)["schema"]


def test_more_pools_than_connections_is_a_finding(
    chosen: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CONNECTIONS, "worker", 200)
    assert "max_connections" in _advice(chosen)["connections"]


def test_a_missing_key_and_folder_are_findings(database_url: str, redis_url: str) -> None:
    nowhere = settings.load(
        database={"url": database_url}, redis={"url": redis_url}, data={"dir": "/nowhere"}
    )
    assert set(_advice(nowhere)) == {"data", "key"}


def _doctor(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "huopan", "doctor", *arguments],
        cwd=Path(__file__).parent,  # no settings.toml here
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
    )


def test_findings_make_the_exit_code_and_programs_read_json(chosen: Settings) -> None:
    environment = {
        "HUOPAN_DATABASE__URL": chosen.database.url,
        "HUOPAN_REDIS__URL": chosen.redis.url,
        "HUOPAN_DATA__DIR": str(chosen.data.dir),
    }
    well = _doctor("--json", **environment)
    assert (well.returncode, well.stderr) == (0, "")
    assert {check["advice"] for check in json.loads(well.stdout)} == {""}
    ill = _doctor(**environment | {"HUOPAN_DATA__DIR": "/nowhere"})
    assert ill.returncode == 1
    assert "→ it is made by `huopan up`" in ill.stdout


def test_a_server_that_does_not_answer_is_a_sentence_without_its_password() -> None:
    done = _doctor(
        HUOPAN_DATABASE__URL="postgresql://app:hidden@127.0.0.1:1/none",
        HUOPAN_REDIS__URL="redis://127.0.0.1:1",
    )
    assert done.returncode == 3
    assert done.stderr.startswith("huopan: The database does not answer")
    assert "hidden" not in done.stderr
    assert "Traceback" not in done.stderr


def test_the_version_is_the_packages() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert kit.__version__ == project["version"]
