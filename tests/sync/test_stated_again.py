"""A listing that states the same number again counts in what was bought, as a new number does."""

from datetime import timedelta

from catalog import stock
from catalog.stock import Want
from connectors.model import Listing, page
from kit import clock
from kit.db import Database
from kit.statements import send
from sync import listings
from sync.guard import GuardLimits
from sync.importer import run_listing
from tests.sync.shops import count, good, shelf
from tests.sync.test_guard import LOOSE, read
from tests.sync.test_guard_meanwhile import FEED, ids, left


def bought(database: Database, offer: int, units: int, *, known: bool = True) -> None:
    reference = f"line-{units}"
    with database.as_system() as session:
        send(session, stock.taking([Want(reference, offer, units)], "440305"))
        if known:
            stock.known(session, [reference], clock.now())


def test_a_number_that_is_stated_again_is_there_again(database: Database) -> None:
    read(database, shelf(10))
    [offer] = ids(database, "SELECT id FROM offers WHERE external_id = 's9'")
    [other] = ids(database, "SELECT id FROM offers WHERE external_id = 's8'")
    bought(database, offer, 4)
    bought(database, offer, 3, known=False)
    bought(database, other, 5)
    assert (left(database, offer), left(database, other)) == (7, 8)
    goods = shelf(10)
    del goods["s8"]
    assert read(database, goods, LOOSE).changed == 0
    assert left(database, offer) == 11, "what its source knows of is counted in, the rest is not"
    assert left(database, other) == 8, "of what is absent nothing is said"
    with database.as_system() as session:
        assert stock.settle(session) == 1


def test_a_listing_of_some_goods_says_nothing_of_the_age_of_others(database: Database) -> None:
    read(database, shelf(10))
    full = "SELECT full_at FROM source_states WHERE source = 'shop'"
    before = count(database, full)
    some = iter([page([good(3, "8")])])
    listing = Listing(as_of=clock.now(), complete=False, notes={}, pages=some)
    run_listing(database, "shop", listing, guard=GuardLimits())
    assert count(database, full) == before


def test_an_older_listing_states_nothing_again(database: Database) -> None:
    read(database, shelf(10))
    [offer] = ids(database, "SELECT id FROM offers WHERE external_id = 's9'")
    with database.as_system() as session:
        send(session, stock.taking([Want("line", offer, 4)], "440305"))
        stock.known(session, ["line"], clock.now() + timedelta(minutes=5))
    read(database, shelf(10))
    assert left(database, offer) == 10


def test_a_supplier_who_puts_the_same_again_states_it_again(database: Database) -> None:
    said = {"title": "茶 一号", "price": "9", "stock": "14"}
    with database.as_system() as session:
        listings.put(session, "shop", FEED, "s1", said, clock.now())
    [offer] = ids(database, "SELECT id FROM offers WHERE external_id = 's1'")
    bought(database, offer, 4)
    assert left(database, offer) == 10
    with database.as_system() as session:
        listings.put(session, "shop", FEED, "s1", said, clock.now())
    assert left(database, offer) == 14
