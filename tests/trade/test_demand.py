"""What trade tells the catalogue of how much its SKUs are wanted."""

from sqlalchemy import text

from kit.db import Database
from trade.demand import tell


def test_demand_is_told_once_and_forgotten_with_its_selection(database: Database) -> None:
    with database.as_system() as session:
        session.execute(text("INSERT INTO selections (party_id, sku_id) VALUES (1, 7), (2, 7)"))
        assert tell(session) == 1
        assert tell(session) == 0
        picked = session.execute(text("SELECT picked, sold FROM demand WHERE sku_id = 7")).one()
        assert tuple(picked) == (2, 0)
        session.execute(text("DELETE FROM selections"))
        assert tell(session) == 1
        assert session.execute(text("SELECT count(*) FROM demand")).scalar_one() == 0
