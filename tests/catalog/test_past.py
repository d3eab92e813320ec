"""A SKU at a moment is what was displayed at that moment."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, text
from sqlalchemy.orm import Session

from catalog import pricebook, reads
from catalog.grants import ALWAYS_OPEN, Given, Grant, PastGrants
from catalog.matching import joining, redirects
from catalog.pricebook import PricingVersion
from catalog.pricing import Buyer, price_lists
from catalog.readers import Readership
from catalog.reads import hindsight
from catalog.reads.hindsight import Hindsight, Whose
from catalog.reads.memberships import BEGINNING
from catalog.scopes import Scope
from catalog.shelf import Reader, Stock
from kit import clock
from kit.db import Database
from tests.catalog.goods import NOW, Made, Supply, event, product

STEP = timedelta(hours=1)
_names = itertools.count(1)


READERS = Readership(price_lists(Decimal(10)))


def eyes(session: Session, role: str, granted: PastGrants = ALWAYS_OPEN) -> Hindsight:
    books = pricebook.between(session, BEGINNING, NOW + timedelta(days=3650), 1)
    return hindsight.of(READERS, books, Whose(role, lambda _: Buyer(1), (), granted))


def reader(session: Session, role: str, moment: datetime) -> Reader:
    return eyes(session, role).at(moment)


@dataclass
class History:
    """A SKU with two offers that live through what a test tells, one thing an hour."""

    session: Session
    made: Made
    moment: datetime = NOW
    versions: dict[int, int] = field(default_factory=dict)

    def live(self, offer: int) -> bool:
        return bool(
            self.session.scalar(
                text("SELECT state = 'live' FROM offers WHERE id = :id"), {"id": offer}
            )
        )

    def price(self, offer: int, cents: int) -> None:
        price = f"{cents / 100:.4f}"
        if self.live(offer):
            self._tell(offer, "price", {"dropship": price})
        self._do("UPDATE prices SET price = CAST(:price AS numeric)", offer, price=price)

    def stock(self, offer: int, quantity: int) -> None:
        quantity = quantity // 10 - 1
        said = {
            "state": "out" if quantity == 0 else "in_stock",
            "quantity": quantity if quantity >= 0 else None,
        }
        if self.live(offer):
            self._tell(offer, "stock", said)
        self._do("UPDATE stocks SET state = :state, quantity = :quantity", offer, **said)

    def turn(self, offer: int, _: int) -> None:
        """A listed offer goes, one that went comes back as it is."""
        if self.live(offer):
            self._tell(offer, "gone", None)
            self._do("UPDATE offers SET state = 'gone'", offer, key="id")
            return
        self._tell(offer, "listed", self._now(offer))
        self._do("UPDATE offers SET state = 'live'", offer, key="id")

    def rules(self, _: int, percent: int) -> None:
        rules = [{"markup_percent": str(percent)}]
        self.session.execute(
            insert(PricingVersion).values(rules=rules, actor="test", at=self.moment)
        )

    def reserve(self, offer: int, units: int) -> None:
        self.session.execute(
            text("""INSERT INTO reservations (offer_id, region, reference, units, reserved_at)
                VALUES (:offer, '', :name, :units, :at)"""),
            {"offer": offer, "name": f"r{next(_names)}", "units": units // 20, "at": self.moment},
        )

    def release(self, offer: int, _: int) -> None:
        self.session.execute(
            text("""UPDATE reservations SET released_at = :at
                WHERE offer_id = :offer AND released_at IS NULL"""),
            {"offer": offer, "at": self.moment},
        )

    def displayed(self, role: str) -> tuple[Any, ...]:
        seen = reads.product(
            self.session, self.made.product_id, reader(self.session, role, self.moment), self.moment
        )
        assert seen is not None
        (one,) = seen.skus
        return one.price, one.stock, one.modes

    def then(self, role: str, moment: datetime) -> reads.Then:
        whose = reader(self.session, role, moment)
        return reads.as_it_was(self.session, self.made.sku_id, whose, moment, self.moment)

    def _tell(self, offer: int, kind: str, now: dict[str, Any] | None) -> None:
        self.versions[offer] = self.versions.get(offer, 1) + 1
        version, sku = self.versions[offer], self.made.sku_id
        was = None if kind == "listed" else self._now(offer)
        if kind in ("price", "stock"):
            was = was and was[kind]
        event(self.session, offer, sku, version, kind, was, now, at=self.moment)

    def _now(self, offer: int) -> Any:
        return self.session.execute(
            text("""SELECT jsonb_build_object('price', jsonb_build_object('dropship', price::text),
                'stock', jsonb_build_object('state', state, 'quantity', quantity))
              FROM prices JOIN stocks USING (offer_id) WHERE offer_id = :offer"""),
            {"offer": offer},
        ).scalar_one()

    def _do(self, what: str, offer: int, *, key: str = "offer_id", **values: Any) -> None:
        self.session.execute(text(f"{what} WHERE {key} = :offer"), {"offer": offer, **values})


DEEDS: list[Callable[[History, int, int], None]] = [
    History.price,
    History.stock,
    History.turn,
    History.rules,
    History.reserve,
    History.release,
]


def begun(session: Session) -> History:
    made = product(session, "绿茶", Supply("a", "10", quantity=5), Supply("b", "9", "out", 0))
    session.execute(
        text("UPDATE changes SET at = :at WHERE sku_id = :sku"), {"at": NOW, "sku": made.sku_id}
    )
    return History(session, made)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.tuples(st.sampled_from(DEEDS), st.integers(0, 1), st.integers(1, 99)), max_size=12)
)
def test_a_moment_is_read_as_it_was_displayed(
    database: Database, deeds: list[tuple[Callable[[History, int, int], None], int, int]]
) -> None:
    with database.as_system() as session:
        history = begun(session)
        displayed = [(NOW, {role: history.displayed(role) for role in ("leader", "buyer")})]
        for deed, offer, number in deeds:
            history.moment += STEP
            deed(history, history.made.offer_ids[offer], number)
            seen = {role: history.displayed(role) for role in ("leader", "buyer")}
            displayed.append((history.moment, seen))
        for moment, seen in displayed:
            for role, was in seen.items():
                for later in (moment, moment + STEP / 2):
                    then = history.then(role, min(later, history.moment))
                    assert (then.price, then.stock, then.modes) == was
        session.rollback()


def test_before_a_sku_was_listed_it_was_not_for_sale(database: Database) -> None:
    with database.as_system() as session:
        history = begun(session)
        then = history.then("leader", NOW - STEP)
        assert (then.listed, then.price, then.stock) == (False, None, Stock("out", 0))


def test_only_who_may_know_the_sources_sees_every_offer(database: Database) -> None:
    with database.as_system() as session:
        history = begun(session)
        history.moment += STEP
        history.price(history.made.offer_ids[1], 700)
        history.moment += STEP
        history.turn(history.made.offer_ids[0], 0)
        assert history.then("leader", history.moment).offers is None
        offers = history.then("operator", history.moment).offers
        assert offers is not None
        assert [(one.source, one.listed, one.costs, one.stock) for one in offers] == [
            ("a", False, {}, Stock("in_stock", 5)),
            ("b", True, {"dropship": Decimal("7.0000")}, Stock("out", 0)),
        ]


def test_of_what_events_no_longer_tell_only_the_price_is_known(database: Database) -> None:
    with database.as_system() as session:
        history = begun(session)
        history.moment += timedelta(days=40)
        then = history.then("buyer", NOW)
        assert (then.listed, then.price, then.stock) == (None, Decimal("9.9000"), None)
        assert then.offers is not None
        assert {(one.source, one.listed, one.stock) for one in then.offers} == {
            ("a", None, None),
            ("b", None, None),
        }


def test_a_merged_sku_is_what_it_was_before_and_leads_on_after(database: Database) -> None:
    with database.as_system() as session:
        own = product(session, "绿茶", Supply("a", "10"))
        other = product(session, "绿茶 250g", Supply("b", "20"))
        between = clock.now()
        joining.merge(session, own.sku_id, other.sku_id, "test")
        after = clock.now() + STEP
        prices = [
            reads.as_it_was(session, own.sku_id, reader(session, "leader", at), at, after).price
            for at in (between, after)
        ]
        assert prices == [Decimal("11.0000"), Decimal("11.0000")]
        later = reads.as_it_was(
            session, other.sku_id, reader(session, "leader", after), after, after
        )
        assert later.price == Decimal("11.0000")
        before = reads.as_it_was(
            session, other.sku_id, reader(session, "leader", between), between, after
        )
        assert before.price == Decimal("22.0000")


LATER = timedelta(days=40)
"""From then on only prices are known of now."""


def _prices(session: Session, sku: int, *moments: datetime) -> list[Decimal | None]:
    """What a leader paid at these moments, asked soon after them; as it is when asked much later,
    and at the end of what its history says up to each."""
    soon = [
        reads.as_it_was(session, sku, whose(session, at), at, moments[-1]).price for at in moments
    ]
    late = [
        reads.as_it_was(session, sku, whose(session, at), at, moments[-1] + LATER).price
        for at in moments
    ]
    told = reads.price_history(session, sku, NOW - STEP, moments[-1], eyes(session, "leader"))
    ends = [[point.price for point in told if point.at <= at] for at in moments]
    assert soon == late == [end[-1] if end else None for end in ends]
    return soon


def whose(session: Session, moment: datetime) -> Reader:
    return reader(session, "leader", moment)


def test_a_split_counts_from_its_moment_on(database: Database) -> None:
    with database.as_system() as session:
        made = product(session, "绿茶", Supply("a", "10"), Supply("b", "20"))
        before = clock.now()
        moved = joining.split(session, made.sku_id, made.offer_ids[:1], "test")
        after = clock.now()
        assert _prices(session, made.sku_id, before, after) == [Decimal(11), Decimal(22)]
        assert _prices(session, moved.to_sku, before, after) == [None, Decimal(11)]


def test_a_merge_that_was_taken_back_counts_for_its_time(database: Database) -> None:
    with database.as_system() as session:
        own = product(session, "绿茶", Supply("a", "10"))
        other = product(session, "绿茶 250g", Supply("b", "20"))
        moments = [clock.now()]
        joining.merge(session, own.sku_id, other.sku_id, "test")
        moments.append(clock.now())
        back = joining.split(session, other.sku_id, own.offer_ids, "test")
        assert back.to_sku == own.sku_id
        moments.append(clock.now())
        assert _prices(session, own.sku_id, *moments) == [Decimal(11)] * 3
        assert _prices(session, other.sku_id, *moments) == [Decimal(22), Decimal(11), Decimal(22)]
        buyer = eyes(session, "buyer")
        told = reads.price_history(session, other.sku_id, NOW - STEP, moments[-1], buyer)
        assert [(one.source, one.price) for one in told] == [("b", 20), ("a", 10)]
        assert moments[0] < told[1].at < moments[1]


def test_a_grant_for_a_sku_counted_where_that_led_at_the_moment(database: Database) -> None:
    with database.as_system() as session:
        own = product(session, "绿茶", Supply("a", "10"))
        other = product(session, "绿茶 250g", Supply("b", "20"))
        joining.merge(session, own.sku_id, other.sku_id, "test")
        merged = clock.now()
        joining.split(session, other.sku_id, own.offer_ids, "test")
        now = clock.now()
        grant = Given(Grant(1, Scope("a", own.sku_id), sku_id=own.sku_id), NOW, None)
        closed = tuple((source, NOW, None) for source in "ab")
        led = redirects.ever(session, [own.sku_id])
        asking = eyes(session, "leader", PastGrants(closed, (grant,), led))
        for later in (now, now + LATER):
            for moment in (merged, now):
                then = reads.as_it_was(session, own.sku_id, asking.at(moment), moment, later)
                assert then.price == Decimal(11)
        (point,) = reads.price_history(session, own.sku_id, NOW - STEP, merged, asking)
        assert point.price == Decimal(11)
