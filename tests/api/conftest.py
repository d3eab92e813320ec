from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.db import Database
from tests.api.shop import Shop, opened


@pytest.fixture
def shop(database: Database, redis_url: str, tmp_path: Path) -> Iterator[Shop]:
    """The API over a small market, with a token for each role."""
    with opened(database, redis_url, tmp_path) as made:
        yield made
