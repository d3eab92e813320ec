import pytest

from kit.db import Database
from tests.trade.market import Market, make_desk


@pytest.fixture
def market(database: Database) -> Market:
    return Market(database, make_desk())
