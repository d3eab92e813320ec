"""A platform's own list of a day's orders, held against ours; our account there, posted."""

from contextlib import closing
from dataclasses import replace
from datetime import date

from connectors.budgets import Budgets
from connectors.surroundings import Surroundings
from connectors.tokens import Tokens
from connectors.trading import Reconciles
from huopan.house import House
from kit import clock
from kit.errors import Problem
from kit.redis import connect
from sync.opening import OpenSources
from sync.sources import config_of
from trade.order_lists import reconcile_orders
from trade.settling import payables, reconciliations
from trade.settling.reconciling import Reconciliation


def platform_orders(house: House, code: str, day: date) -> Reconciliation:
    """Our orders of a day against the platform's, recorded. Raises Problem 409 where it keeps no
    such list, SupplierError."""
    with connect(house.servers.redis_url) as redis:
        around = Surroundings(Budgets(redis), Tokens(house.db, house.desk.keyring))
        with closing(OpenSources(around)) as opened:
            source = opened.get(code, config_of(house.settings, code))
            if not isinstance(source, Reconciles):
                raise Problem(
                    409,
                    "keeps_no_list",
                    f"{code} keeps no list of a day's orders; give its statement with --sheet",
                )
            listed = source.checklist(day, "new")
            moved = source.bookings(day, day)
    with house.db.as_system() as session:
        reconciliations.alone(session, code)
        booked = payables.book(session, code, moved)
        found = replace(reconcile_orders(session, code, day, listed), booked=booked)
        reconciliations.record(session, found, clock.now())
        return found
