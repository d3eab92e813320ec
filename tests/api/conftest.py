from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from kit.db import Database
from tests.api.platforms import Trade
from tests.api.shop import Shop, opened
from tests.journeys.conftest import SECRETS, sources
from tests.stage import Stage


@pytest.fixture(autouse=True)
def _plain_logs() -> Iterator[None]:
    """Log lines as short text: drawing tracebacks with every local would take seconds."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(),
        ]
    )
    yield
    structlog.reset_defaults()


@pytest.fixture
def trade(
    database: Database,
    redis_url: str,
    stage: Stage,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Trade]:
    """The API over platforms of the sandbox."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    with opened(database, redis_url, tmp_path, sources(stage.url)) as shop:
        yield Trade(shop, stage)
        shop.app.state.office.talks.close()


@pytest.fixture
def shop(database: Database, redis_url: str, tmp_path: Path) -> Iterator[Shop]:
    """The API over a small market, with a token for each role."""
    with opened(database, redis_url, tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def refusing(
    shared_database: Database, shared_redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    """A shop that the tests of one module share, as all that they ask is refused."""
    with opened(shared_database, shared_redis_url, tmp_path_factory.mktemp("shop")) as made:
        yield made
