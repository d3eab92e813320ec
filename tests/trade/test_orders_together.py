"""Orders accepted together are accepted as each would be by itself, one after the other."""

import random
import time
from collections.abc import Sequence
from contextlib import closing
from decimal import Decimal
from typing import Any

from sqlalchemy import text

from catalog.grants import put
from catalog.scopes import Scope
from connectors.model import ShipTo, Source
from kit.errors import Problem
from tests.trade.market import HOME, NOW, Market, ordered
from trade import orders
from trade.asking import Platforms, Talks
from trade.hearing import Hearing
from trade.invariants import violations
from trade.order_batches import place_many
from trade.orders import OrderRequest
from trade.orders_together import place_together
from trade.planning import LineRequest

FAR = ShipTo("李四", "13900139000", "650102", "天山路 1 号")


def market_of(market: Market) -> list[Any]:
    """Goods that run out, cost more by another source, go not everywhere, or cost freight."""
    flat = {"kind": "flat", "fee": "6.00", "free_from": "50.00"}
    few = market.offer(stock=4, freight=flat)
    market.offer(sku_id=few.sku_id, source="outlet", cost="11.00", stock=3)
    plenty = market.offer(cost="3.5000", freight=flat)
    near = market.offer(stock=5, not_delivered_to=["65"])
    gone = market.offer(stock=0)
    return [few, plenty, near, gone]


def wanted(goods: list[Any], number: int) -> OrderRequest:
    dice = random.Random(number)  # noqa: S311 - the same orders in every run
    some = dice.sample(goods, dice.randint(1, 2))
    lines = [(one.sku, dice.randint(1, 3)) for one in some]
    limit = {"max_total": dice.choice([10**6, 10**6, 900])}
    return ordered(*lines, reference=f"X{number}", ship_to=dice.choice([HOME, FAR]), **limit)


def alone(market: Market, party: int, request: OrderRequest) -> Any:
    try:
        with market.db.as_system() as session:
            return orders.place(session, market.desk, party, request, NOW)[1]
    except Problem as problem:
        return problem.code


def bought(market: Market, party: int) -> list[Any]:
    """What the orders of a party became, without ids."""
    with market.db.as_system() as session:
        found = text("""
            SELECT o.reference, o.total, o.freight, p.source, l.quantity, l.unit_cost,
                   r.units, r.region
            FROM orders o JOIN purchases p ON p.order_id = o.id
            JOIN purchase_lines l ON l.purchase_id = p.id
            JOIN reservations r ON r.reference = 'purchase_line:' || l.id
            WHERE o.party_id = :party ORDER BY 1, 4, 5, 6
        """)
        return [tuple(row) for row in session.execute(found, {"party": party})]


def test_together_and_one_by_one_come_to_the_same(market: Market) -> None:
    first, second = market.party(money=6_000), market.party(money=6_000)
    goods = market_of(market)
    requests = [wanted(goods, number) for number in range(24)]
    one_by_one = [alone(market, first, request) for request in requests]
    bought_alone = bought(market, first)
    with market.db.as_system() as session:  # the same shelves, as they were before
        session.execute(text("DELETE FROM reservations"))
    with market.db.as_system() as session:
        outcomes = place_together(session, market.desk, second, requests, NOW)
    told = [one.code if isinstance(one, Problem) else one and one[1] for one in outcomes]
    assert told == one_by_one
    assert {True, "not_orderable", "price_changed", "balance_short"} <= set(told)
    assert bought(market, second) == bought_alone
    assert market.balance(f"wallet:{first}") == market.balance(f"wallet:{second}")
    with market.db.as_system() as session:
        again = place_together(session, market.desk, second, requests[:3], NOW)
        assert [one and one[1] for one in again if not isinstance(one, Problem)].count(True) == 0


def told(results: Any) -> list[Any]:
    """What a batch answers, without what differs from party to party and moment to moment."""

    def plain(view: dict[str, Any]) -> dict[str, Any]:
        return {k: view[k] for k in ("reference", "status", "lines", "freight", "total", "held")}

    return [
        (one.status, one.code, one.detail, [vars(error) for error in one.errors])
        if isinstance(one, Problem)
        else (plain(one[0]), one[1])
        for one in results
    ]


def placed(market: Market, party: int, requests: Sequence[OrderRequest | Problem]) -> list[Any]:
    """As a batch answers where no source can be asked."""

    def unknown(source: str) -> Source:
        raise AssertionError(f"{source} was asked")

    with closing(Talks(0)) as talks:
        platforms = Platforms(market.db, market.desk, talks, unknown)
        hearing = Hearing(platforms, party, time.monotonic())
        return list(place_many(market.db, market.desk, party, requests, NOW, hearing))


def test_a_batch_answers_as_its_orders_would_one_by_one(market: Market) -> None:
    first, second = market.party(money=6_000), market.party(money=6_000)
    goods = market_of(market)
    limited = market.offer(source="manual", stock=9)
    more = {"to_party": None, "to_level": None, "max_per_order": None, "max_per_day": 3}
    with market.db.as_system() as session:
        put(session, Scope(source="manual"), "all", first, more | {"max_per_recipient": None})
        for party in (first, second):
            session.execute(
                text("INSERT INTO selections (party_id, sku_id, code) VALUES (:p, :s, 'TEA')"),
                {"p": party, "s": goods[0].sku_id},
            )
    requests: list[OrderRequest | Problem] = [wanted(goods, number) for number in range(20)]
    coded = LineRequest(1, code="TEA")
    requests[3:3] = [OrderRequest("C1", (coded,), HOME, max_total=10**6), requests[0]]
    requests[7:7] = [ordered((limited.sku, 2), reference=f"L{n}") for n in range(3)]
    requests[12:12] = [Problem(422, "invalid", "ship_to"), OrderRequest("M", (coded,), HOME)]
    requests += [ordered(("nothing", 1), reference="N"), requests[1]]
    one_by_one: list[Any] = []
    for request in requests:
        one_by_one += placed(market, first, [request])
    with market.db.as_system() as session:  # the same shelves, as they were before
        session.execute(text("DELETE FROM reservations"))
    batch = placed(market, second, requests)
    assert told(batch) == told(one_by_one)
    assert {one.code for one in batch if isinstance(one, Problem)} >= {
        "not_orderable",
        "price_changed",
        "balance_short",
        "invalid",
    }
    again = placed(market, second, requests)
    assert not any(one[1] for one in again if isinstance(one, tuple))


def test_what_counts_former_orders_or_names_codes_is_left_to_be_placed_alone(
    market: Market,
) -> None:
    party = market.party(money=100_000)
    goods, limited = market.offer(), market.offer(source="outlet")
    more = {"to_party": None, "to_level": None, "max_per_order": None, "max_per_day": 2}
    with market.db.as_system() as session:
        put(session, Scope(source="outlet"), "all", party, more | {"max_per_recipient": None})
    coded = OrderRequest("C", (LineRequest(1, code="TEA"),), HOME, max_total=10**6)
    cheap = OrderRequest("L", (LineRequest(1, goods.sku, retail_price=Decimal(1)),), HOME)
    requests = [ordered((goods.sku, 1)), ordered((limited.sku, 1)), coded, cheap]
    with market.db.as_system() as session:
        outcomes = place_together(session, market.desk, party, requests, NOW)
    assert outcomes[1:3] == [None, None]
    assert isinstance(outcomes[3], Problem)
    assert isinstance(outcomes[0], tuple)
    with market.db.as_system() as session:
        assert violations(session) == []
