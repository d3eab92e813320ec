"""Every kind of source at once, and the warm process that forks workers which may die."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.db import Database
from kit.redis import connect
from sandbox.jd.gate import APPS, PASSWORD, USER
from tests import ali_stage
from tests.far_servers import Post, mail_server
from tests.stage import Stage
from tests.worker.conftest import make_settings
from worker.workshop import Workshop

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


JD_KEYS = {
    "kind": "jd_vop",
    "client_id": "env:VOP_CLIENT",
    "client_secret": "env:VOP_SECRET",
    "username": "env:VOP_USER",
    "password": "env:VOP_PASSWORD",
    "calls_per_second": 5000,
}


def sources(url: str) -> dict[str, dict[str, object]]:
    """Every kind of source that sells, the platforms at the sandbox."""
    ali = {**ali_stage.KEYS, "base_url": f"{url}/ali1688/openapi"}
    return {
        "jd-vop": {**JD_KEYS, "base_url": f"{url}/jd"},
        "ali": ali,
        "ali-unpaid": {**ali, "pay": "person"},
        "manual": {"kind": "feed", "accept": "manual"},
        "outlet": {"kind": "feed", "accept": "manual"},
        "mailed": {"kind": "feed", "accept": "on_export", "send_to": "mailto:cang@tea.example"},
    }


@pytest.fixture
def post() -> Iterator[Post]:
    """The mail server of who is mailed sheets."""
    with mail_server() as running:
        yield running


@pytest.fixture
def bazaar(
    database: Database,
    database_url: str,
    redis_url: str,
    stage: Stage,
    post: Post,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Workshop]:
    """A workshop with every kind of source that sells."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    more = {"sources": sources(stage.url), "mail": {"smtp": post.url}}
    settings = make_settings(database_url, redis_url, tmp_path, **more)
    shop = Workshop(settings, database, connect(redis_url))
    yield shop
    shop._sources.close()
    shop.redis.close()
