"""One source after another, opened at its stand."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.budgets import Budgets
from connectors.registry import open_source
from connectors.surroundings import Surroundings
from tests.contract.stands import STANDS, Stand
from tests.stage import Stage

Open = Callable[..., Any]


@pytest.fixture(params=STANDS, ids=str)
def stand(request: pytest.FixtureRequest, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Stand:
    stage.reset(seed="huopan", size=30)
    found: Stand = request.param
    for name, value in found.secrets.items():
        monkeypatch.setenv(name, value)
    return found


@pytest.fixture
def opened(stand: Stand, stage: Stage, tmp_path: Path) -> Iterator[Open]:
    """Opens the stand's source with any surroundings; closed after the test."""
    sources: list[Any] = []

    def make(budgets: Budgets | None = None, **config: Any) -> Any:
        around = Surroundings(budgets or Budgets(), sleep=lambda _: None)
        sources.append(open_source(stand.kind, stand.config(stage, tmp_path) | config, around))
        return sources[-1]

    yield make
    for source in sources:
        if hasattr(source, "close"):
            source.close()


@pytest.fixture
def source(opened: Open) -> Any:
    return opened()
