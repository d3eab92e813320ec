"""What readers see: the right price and stock, and for leaders never a trace of sources."""

from dataclasses import asdict, replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, text

from catalog import reads
from catalog.models import Price, PricePoint
from catalog.pricing import PriceList, Rule, margin_percent
from catalog.sequencer import number_changes
from catalog.shelf import Reader, SourcePolicy, Stock
from kit import clock
from kit.db import Database
from kit.errors import Problem
from tests.catalog.goods import EARLIER, NOW, Made, Supply, event, product, reprice, sku, steady

FREE = {"kind": "free"}
LEADER = Reader("leader", PriceList("resale", Decimal(20)))
OPERATOR = Reader("operator", PriceList("resale", Decimal(20)))


def card(database: Database, made: Made, reader: Reader = LEADER) -> reads.Card | None:
    with database.as_nobody() as session:
        return next(iter(reads.product_cards(session, [made.product_id], reader, NOW)), None)


def make(database: Database, *supplies: Supply, **given: object) -> Made:
    with database.as_system() as session:
        return product(session, "山野绿茶", *supplies, **given)  # type: ignore[arg-type]


def test_the_cheapest_deal_that_can_be_sold_decides(database: Database) -> None:
    made = make(
        database,
        Supply("a", "8", "out", 0),
        Supply("b", "10", "low", 3, freight={"kind": "flat", "fee": "5.00"}),
        Supply("c", "11", "in_stock", 900),
        msrp="20",
    )
    seen = card(database, made)
    assert seen is not None
    assert (seen.price_from, seen.stock) == (Decimal("12.0000"), Stock("low", 3))
    assert seen.margin_percent == Decimal("40.00")
    assert seen.as_of == EARLIER


@pytest.mark.parametrize(
    "supply",
    [
        Supply(offer_state="off"),
        Supply(offer_state="gone"),
        Supply(valid_until=NOW),
        Supply(price=None),
    ],
    ids=["off", "gone", "price expired", "no price"],
)
def test_what_cannot_be_sold_is_not_listed(database: Database, supply: Supply) -> None:
    made = make(database, supply)
    assert card(database, made) is None
    with database.as_nobody() as session:
        shown = reads.product(session, made.product_id, LEADER, NOW)
        answer = reads.sellable(session, made.sku_id, "", 1, LEADER, NOW)
    assert shown is not None
    assert shown.skus[0].price is None
    assert answer is not None
    assert [reason.code for reason in answer.reasons] == ["not_sold"]


def test_unknown_stock_is_not_zero(database: Database) -> None:
    stated = card(database, make(database, Supply(state="in_stock", quantity=None)))
    silent = card(database, make(database, Supply(state=None)))
    assert stated is not None
    assert stated.stock == Stock("in_stock", None)
    assert silent is not None
    assert silent.stock == Stock("unknown", None)


@pytest.mark.parametrize(("policy", "codes"), [("sell", []), ("ask", ["stock_unknown"])])
def test_the_source_decides_what_silence_about_stock_means(
    database: Database, policy: str, codes: list[str]
) -> None:
    made = make(database, Supply(state=None, freight=FREE))
    reader = Reader("leader", PriceList(), {"teahouse": SourcePolicy(policy)})  # type: ignore[arg-type]
    with database.as_nobody() as session:
        answer = reads.sellable(session, made.sku_id, "440305", 1, reader, NOW)
    assert answer is not None
    assert [reason.code for reason in answer.reasons] == codes
    hidden = Reader("leader", PriceList(), {"teahouse": SourcePolicy("hide")})
    assert card(database, made, hidden) is None


def test_a_source_for_own_use_is_not_resold(database: Database) -> None:
    made = make(database, Supply("own-use", "1"), Supply("open", "9"))
    policies = {"own-use": SourcePolicy(serves=frozenset({"procure"}))}
    leader = card(database, made, Reader("leader", PriceList(), policies))
    buyer = card(database, made, Reader("buyer", PriceList("procure", serves="procure"), policies))
    assert leader is not None
    assert leader.price_from == 9
    assert buyer is not None
    assert buyer.price_from == 1


def test_units_in_our_own_purchases_are_not_shown_as_stock(database: Database) -> None:
    made = make(database, Supply(quantity=5, freight=FREE))
    with database.as_system() as session:
        session.execute(
            text("INSERT INTO reservations (offer_id, reference, units) VALUES (:offer, 'l1', 5)"),
            {"offer": made.offer_ids[0]},
        )
        answer = reads.sellable(session, made.sku_id, "", 1, LEADER, NOW)
    seen = card(database, made)
    assert seen is not None
    assert seen.stock == Stock("out", 0)
    assert answer is not None
    assert [reason.code for reason in answer.reasons] == ["out_of_stock"]


@pytest.mark.parametrize(
    ("supply", "quantity", "codes"),
    [
        (Supply(quantity=2), 2, []),
        (Supply(quantity=2), 3, ["stock_short"]),
        (Supply(refuses=["65", "54"]), 1, ["not_deliverable"]),
        (Supply(moq=3), 2, ["moq"]),
        (Supply(multiple=6), 8, ["multiple"]),
    ],
)
def test_why_a_sku_cannot_be_sold_is_said(
    database: Database, supply: Supply, quantity: int, codes: list[str]
) -> None:
    made = make(database, replace(supply, freight=FREE))
    with database.as_nobody() as session:
        answer = reads.sellable(session, made.sku_id, "650102", quantity, LEADER, NOW)
    assert answer is not None
    assert [reason.code for reason in answer.reasons] == codes
    assert answer.sellable is (not codes)


def test_details_show_tiers_corridor_and_freight_as_the_reader_pays(database: Database) -> None:
    made = make(
        database,
        Supply("a", "10", bulk="8", tiers=[[10, "8"], [100, "7.5"]], floor="12", ceiling="30"),
        Supply("b", "11", floor="15"),
        gtin="06901234567892",
        attributes={"规格": "250g"},
    )
    with database.as_nobody() as session:
        shown = reads.product(session, made.product_id, LEADER, NOW)
    assert shown is not None
    view = shown.skus[0]
    assert view.price == 12
    assert view.tiers == [(10, Decimal("9.6000")), (100, Decimal("9.0000"))]
    assert view.corridor == (15, 30)
    assert view.modes == ("bulk", "dropship")
    assert view.attributes == {"规格": "250g"}
    assert view.freight is None
    assert view.offers is None


def test_more_pieces_never_cost_more_each_than_fewer_whoever_sells_them(database: Database) -> None:
    """The cheapest by the piece is another offer than the one in bulk, and a rule is dearer for
    what costs less."""
    dearer = (Rule(1, Decimal(50), cost_below=Decimal(8)),)
    made = make(database, Supply("a", None, bulk="8", tiers=[[10, "8"], [99, "7"]]))
    beside = make(
        database, Supply("a", "20", bulk="18", tiers=[[10, "18"], [99, "9"]]), Supply("b", "10")
    )
    with database.as_nobody() as session:
        own = Reader("leader", PriceList("resale", Decimal(20), "resell", dearer))
        [view] = reads.product(session, made.product_id, own, NOW).skus  # type: ignore[union-attr]
        [other] = reads.product(session, beside.product_id, own, NOW).skus  # type: ignore[union-attr]
    assert (view.price, view.tiers) == (
        Decimal("9.6"),
        [(10, Decimal("9.6")), (99, Decimal("9.6"))],
    )
    assert (other.price, other.tiers) == (12, [(10, 12), (99, Decimal("10.8"))])


def test_operators_and_buyers_see_every_offer(database: Database) -> None:
    made = make(database, Supply("a", "10", bulk="8"), Supply("b", "9", "out", 0, seller="茶农"))
    for role in ("operator", "buyer"):
        with database.as_nobody() as session:
            shown = reads.product(session, made.product_id, Reader(role), NOW)
        assert shown is not None
        offers = shown.skus[0].offers
        assert offers is not None
        assert [(one.source, one.seller, len(one.terms)) for one in offers] == [
            ("a", None, 2),
            ("b", "茶农", 1),
        ]


def test_a_product_is_had_from_its_cheapest_sku_and_counts_all(database: Database) -> None:
    with database.as_system() as session:
        made = product(session, "山野绿茶", Supply(price="10", quantity=4))
        sku(session, made.product_id, Supply(price="6", quantity=5))
        sku(session, made.product_id, Supply(price="3", state="out", quantity=0))
    seen = card(database, made, Reader("leader"))
    assert seen is not None
    assert (seen.price_from, seen.stock) == (6, Stock("in_stock", 9))


def test_lookup_answers_every_item_in_order(database: Database) -> None:
    first = make(database, gtin="06901234567892")
    second = make(database, gtin="06901234567892")
    with database.as_nobody() as session:
        found = reads.lookup(
            session,
            LEADER,
            NOW,
            sku_ids=[second.sku_id, 999_999],
            gtins=["6901234567892", "1"],
            codes={"我的茶": first.sku_id, "没有": None},
        )
        with pytest.raises(Problem, match="at most 500"):
            reads.lookup(session, LEADER, NOW, sku_ids=range(501))
    assert [(one.asked, [sku.id for sku in one.skus]) for one in found] == [
        (second.sku_id, [second.sku_id]),
        (999_999, []),
        ("6901234567892", [first.sku_id, second.sku_id]),
        ("1", []),
        ("我的茶", [first.sku_id]),
        ("没有", []),
    ]


def test_price_history_is_what_the_reader_paid(database: Database) -> None:
    made = make(database, Supply("a", "10"), Supply("b", "12"))
    with database.as_system() as session:
        for day, offer, price in [(1, 1, "11"), (2, 0, "14"), (3, 1, "9")]:
            session.execute(
                insert(PricePoint).values(
                    offer_id=made.offer_ids[offer],
                    mode="dropship",
                    version=day + 1,
                    price=price,
                    at=EARLIER + timedelta(days=day),
                )
            )
    until = EARLIER + timedelta(days=9)
    with database.as_nobody() as session:
        since = EARLIER + timedelta(days=1)
        leader = reads.price_history(session, made.sku_id, since, until, steady(LEADER))
        operator = reads.price_history(session, made.sku_id, since, until, steady(OPERATOR))
    assert [(point.at - EARLIER, point.price) for point in leader] == [
        (timedelta(0), Decimal("12")),
        (timedelta(days=2), Decimal("13.2")),
        (timedelta(days=3), Decimal("10.8")),
    ]
    assert {point.source for point in leader} == {None}
    assert [point.price for point in operator] == [10, 12, 11, 14, 9]


def test_a_price_that_is_not_offered_any_more_is_history(database: Database) -> None:
    made = make(database, Supply("a", "10"), Supply("b", "12"), Supply("c", "5"))
    day = [EARLIER + timedelta(days=count) for count in range(6)]
    first, second, never_told = made.offer_ids
    with database.as_system() as session:
        for version, (kind, offer, at) in enumerate(
            [("gone", first, day[1]), ("listed", first, day[3]), ("gone", second, day[4])], start=2
        ):
            event(session, offer, made.sku_id, version, kind, None, None, at=at)
        session.execute(
            text("UPDATE offers SET state = 'gone', seen_at = :at WHERE id = :id"),
            {"at": EARLIER, "id": never_told},
        )
    with database.as_nobody() as session:
        leader = reads.price_history(session, made.sku_id, EARLIER, day[5], steady(LEADER))
        operator = reads.price_history(session, made.sku_id, EARLIER, day[5], steady(OPERATOR))
    assert [(point.at, point.price) for point in leader if point.at > EARLIER] == [
        (day[1], Decimal("14.4")),
        (day[3], Decimal("12")),
    ]
    assert sorted(point.price for point in operator) == [5, 10, 12]


def test_what_a_platform_sells_itself_is_never_marked_up(database: Database) -> None:
    made = make(database, Supply("a", price=None), msrp="20")
    own = {"offer_id": made.offer_ids[0], "mode": "affiliate", "price": "9"}
    with database.as_system() as session:
        session.execute(insert(Price).values(**own, as_of=EARLIER))
        session.execute(insert(PricePoint).values(**own, version=1, at=EARLIER))
    seen = card(database, made)
    assert seen is not None
    assert (seen.price_from, seen.modes, seen.margin_percent) == (9, ("affiliate",), None)
    with database.as_nobody() as session:
        [point] = reads.price_history(session, made.sku_id, EARLIER, NOW, steady(LEADER))
        [change] = reads.snapshot(session, LEADER, NOW, 10).items
    assert point.price == 9
    assert change.now is not None
    assert change.now["price"] == 9


def test_margin_is_against_the_recommended_price() -> None:
    assert margin_percent(Decimal("7.5"), Decimal(10)) == Decimal("25.00")
    assert margin_percent(Decimal("12"), Decimal(10)) == Decimal("-20.00")
    assert margin_percent(Decimal(1), None) is None
    assert margin_percent(Decimal(1), Decimal(0)) is None


SOURCES = st.sampled_from(["zebra-src", "quokka-src", "lynx-src"])
PRICES = st.decimals("0.01", "99.99", places=2).map(str)
SUPPLIES = st.lists(
    st.builds(
        Supply,
        source=SOURCES,
        price=PRICES,
        state=st.sampled_from(["in_stock", "low", "out", "unknown", None]),
        quantity=st.none() | st.integers(0, 50),
        seller=st.sampled_from(["SELLER-ONE", "SELLER-TWO", None]),
        bulk=st.none() | PRICES,
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda supply: supply.source,
)


@settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(supplies=SUPPLIES, again=PRICES)
def test_no_answer_to_a_leader_names_or_counts_sources(
    database: Database, supplies: list[Supply], again: str
) -> None:
    with database.as_system() as session:
        before = session.execute(text("SELECT coalesce(max(version), 0) FROM changes")).scalar_one()
        made = product(
            session, "山野绿茶", *supplies, images=["https://img.zebra-src.example/1.jpg"]
        )
        reprice(session, made, before + 2, again)
        session.execute(text("UPDATE changes SET seq = NULL"))
        session.execute(text("UPDATE feed_head SET seq = 0"))

    with database.as_system() as session:
        number_changes(session)
    with database.as_nobody() as session:
        leader = [
            reads.product_cards(session, [made.product_id], LEADER, NOW),
            reads.product(session, made.product_id, LEADER, NOW),
            reads.lookup(session, LEADER, NOW, sku_ids=[made.sku_id]),
            reads.price_history(session, made.sku_id, EARLIER, NOW, steady(LEADER)),
            reads.sellable(session, made.sku_id, "", 1, LEADER, NOW),
            reads.changes(session, 0, 500, LEADER, NOW),
        ]
        operator = reads.product(session, made.product_id, OPERATOR, NOW)
    said = repr(leader)
    assert not [word for word in ("-src", "SELLER", "cost=") if word in said]
    assert "-src" in repr(asdict(operator))  # type: ignore[arg-type]


def test_a_leaders_feed_tells_only_what_changes_for_the_leader(database: Database) -> None:

    made = make(database, Supply("a", "10", quantity=9), Supply("b", "12", quantity=4))
    with database.as_system() as session:
        reprice(session, made, 2, "11.5", offer=1)  # not the cheapest: nothing to see
        reprice(session, made, 2, "13", offer=0)  # now b is
        event(
            session,
            made.offer_ids[1],
            made.sku_id,
            3,
            "stock",
            {"state": "in_stock", "quantity": 4},
            {"state": "out", "quantity": 0},
        )
        last = {"price": {"dropship": "13"}, "stock": {"state": "in_stock", "quantity": 9}}
        event(session, made.offer_ids[0], made.sku_id, 3, "gone", last, None)
    with database.as_system() as session:
        number_changes(session)
    with database.as_nobody() as session:
        first = reads.changes(session, 0, 3, LEADER, NOW)
        rest = reads.changes(session, first.next, 100, LEADER, NOW)
        everything = reads.changes(session, 0, 100, OPERATOR, NOW)
    assert first.more
    assert not rest.more
    told = [(item.seq, item.kind, item.was, item.now) for item in first.items + rest.items]
    b, gone_a = Decimal("13.8000"), Decimal("15.6000")
    nine, four = {"state": "in_stock", "quantity": 9}, {"state": "in_stock", "quantity": 4}
    out = {"state": "out", "quantity": 0}
    assert told == [
        (1, "listed", None, {"price": Decimal("12.0000"), "stock": nine}),
        (4, "price", {"price": Decimal("12.0000"), "stock": nine}, {"price": b, "stock": four}),
        (5, "price", {"price": b, "stock": four}, {"price": gone_a, "stock": nine}),
        (6, "price", {"price": gone_a, "stock": nine}, {"price": b, "stock": out}),
    ]
    assert [item.seq for item in everything.items] == [1, 2, 3, 4, 5, 6]
    assert everything.items[0].source == "a"
    assert rest.next == 6


def test_an_expired_cursor_is_refused(database: Database) -> None:
    make(database)
    with database.as_system() as session:
        number_changes(session)
    with database.as_nobody() as session:
        assert reads.changes(session, 0, 10, LEADER, clock.now()).items
        with pytest.raises(Problem, match="older than 30 days"):
            reads.changes(session, 0, 10, LEADER, clock.now() + timedelta(days=31))
