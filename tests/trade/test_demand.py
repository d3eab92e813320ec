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


def test_demand_of_a_merged_sku_is_for_the_one_that_it_leads_to(database: Database) -> None:
    with database.as_system() as session:
        session.execute(text("INSERT INTO selections (party_id, sku_id) VALUES (1, 7), (2, 8)"))
        session.execute(text("INSERT INTO sku_redirects (from_sku, to_sku) VALUES (7, 8)"))
        tell(session)
        found = session.execute(text("SELECT sku_id, picked FROM demand")).all()
        assert [tuple(one) for one in found] == [(8, 2)]
