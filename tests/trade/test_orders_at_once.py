"""Many orders at once for little stock out of small wallets, from many threads and processes."""

import multiprocessing
import random
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog.matching import joining
from kit.db import Database
from kit.errors import Problem
from tests.soak import Soak
from tests.trade.market import NOW, Goods, Market, make_desk, ordered
from trade import orders
from trade.invariants import violations

THREADS = 8
PRICE = 1000
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.trade.test_orders_at_once"])

Ask = tuple[str, int, list[tuple[str, int]]]
"""Reference, party, and units by SKU."""


def at_once(url: str, asked: list[Ask], told: "Callable[[str, str], None]") -> None:
    """Place all of them, THREADS at a time, all beginning together; any order may be asked for by
    two clients, or again by one that heard nothing."""
    db = Database(url, connections=THREADS)
    desk = make_desk()
    begin = threading.Barrier(min(THREADS, len(asked)))

    def some(mine: list[Ask]) -> None:
        begin.wait()
        for reference, party, lines in mine:
            try:
                with db.as_system() as session:
                    request = ordered(*lines, reference=reference)
                    told(reference, str(orders.place(session, desk, party, request, NOW)[0]))
            except Problem as problem:
                told(reference, problem.code)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(some, [asked[n::THREADS] for n in range(min(THREADS, len(asked)))]))
    db.close()


def _process(url: str, asked: list[Ask], answers: "multiprocessing.SimpleQueue[object]") -> None:
    at_once(url, asked, lambda reference, outcome: answers.put((reference, outcome)))


@pytest.mark.soak
def test_orders_at_once_oversell_nothing_overdraw_nobody_and_never_lock_each_other_out(
    market: Market, database_url: str, soak: Soak
) -> None:
    many, skus, parties = (1000, 100, 20) if soak.whole else (120, 12, 4)
    dice = random.Random(soak.seed)  # noqa: S311 - the same in every run
    stock = {market.offer(stock=(n := dice.randint(2, 12))).sku: n for _ in range(skus)}
    money = {market.party(money=dice.randint(5, 40) * PRICE): 0 for _ in range(parties)}
    asked: list[Ask] = []
    for number in range(many):
        lines = [
            (sku, dice.randint(1, 3)) for sku in dice.sample(sorted(stock), dice.randint(1, 4))
        ]
        asked.append((f"A{number}", dice.choice(sorted(money)), lines))
    twice = [*asked, *dice.sample(asked, many // 10)]
    dice.shuffle(twice)
    outcomes: list[tuple[str, str]] = []
    if soak.whole:
        answers = _FORKS.SimpleQueue()
        halves = [twice[::2], twice[1::2]]
        children = [
            _FORKS.Process(target=_process, args=(database_url, half, answers)) for half in halves
        ]
        for child in children:
            child.start()
        outcomes = [answers.get() for _ in twice]
        for child in children:
            child.join(60)
            assert child.exitcode == 0
    else:
        at_once(database_url, twice, lambda *one: outcomes.append(one))
    _right(market, stock, asked, outcomes)


def _right(
    market: Market, stock: dict[str, int], asked: list[Ask], outcomes: list[tuple[str, str]]
) -> None:
    placed = {reference: told for reference, told in outcomes if told.isdigit()}
    refused = {told for _, told in outcomes if not told.isdigit()}
    assert refused <= {"not_orderable", "out_of_stock", "balance_short"}
    assert refused & {"not_orderable", "out_of_stock"}
    assert len(set(placed.values())) == len(placed)  # who asked twice got the same order
    sold: Counter[str] = Counter()
    for reference, _, lines in asked:
        if reference in placed:
            sold.update(dict(lines))
    assert all(sold[sku] <= units for sku, units in stock.items())
    with market.db.as_system() as session:
        assert violations(session) == []
        assert session.execute(text("SELECT min(amount) FROM balances")).scalar_one() >= 0
        assert session.execute(text("SELECT count(*) FROM orders")).scalar_one() == len(placed)
        reserved = text("SELECT coalesce(sum(units), 0) FROM reservations")
        assert session.execute(reserved).scalar_one() == sold.total()


def test_an_order_that_a_merge_brings_more_stock_to_holds_none_while_it_waits(
    market: Market,
) -> None:
    """Stock is locked in one order: else two orders may hold what the other waits for."""
    joined, goods = market.offer(stock=1), market.offer(stock=1)
    party = market.party(money=10 * PRICE)
    with ThreadPoolExecutor(1) as pool, market.db.as_system() as first:
        _lock(first, joined)
        with market.db.as_system() as second:
            _lock(second, goods)
            order = pool.submit(market.place, party, (goods.sku, 2))
            _await_waiting(second, order)
            with market.db.as_system() as session:
                joining.merge(session, joined.sku_id, goods.sku_id, "test")
        _await_waiting(first, order)  # it has seen what was merged
        _lock(first, goods)
    assert market.purchases(order.result())
    assert (market.left(joined), market.left(goods)) == (0, 0)


_LOCK = text("SELECT FROM stocks WHERE offer_id = :offer FOR UPDATE")
_AWAITED = text("""SELECT EXISTS (SELECT FROM pg_locks
    WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid)))""")


def _lock(session: Session, goods: Goods) -> None:
    session.execute(_LOCK, {"offer": goods.offer_id})


def _await_waiting(session: Session, order: "Future[int]") -> None:
    """Until the order waits for what this session has locked."""
    while not session.scalar(_AWAITED):
        assert not order.done(), order.result()
