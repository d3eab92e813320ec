"""What tests of connectors share."""

from collections.abc import Iterator

import pytest

from tests import top_stage


@pytest.fixture(scope="session")
def _top_server() -> Iterator[top_stage.Stage]:
    with top_stage.served() as running:
        yield running


@pytest.fixture
def top(_top_server: top_stage.Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[top_stage.Stage]:
    """The simulated Taobao Open Platform, as it was in the beginning, and its controls."""
    for name, value in top_stage.ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with top_stage.staged(_top_server) as stage:
        yield stage
