"""A worker process ends in order, and waits for a Redis that is away."""

import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from rq.exceptions import StopRequested

from connectors.model import Placed, PurchaseOrder
from kit.redis import connect
from tests.worker.conftest import Works
from trade.buying import SUBMIT
from worker import relay, serve
from worker.jobs import JOBS
from worker.queues import QUEUES


@dataclass
class Acting:
    """A supplier at the door, in whose call something happens."""

    act: Callable[[], None]

    def place(self, order: PurchaseOrder) -> Placed:
        self.act()
        return Placed((order.our_ref,), awaits_supplier=True)

    def find(self, our_ref: str) -> Placed | None:
        return None

    def cancel(self, our_ref: str, reason: str) -> None:
        return None


def serving(works: Works, act: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Serve in this thread, with a supplier in whose call `act` is done."""
    monkeypatch.setattr(works.shop, "seller", lambda _: Acting(act))
    url = works.shop.given.redis.url
    serve.serve(works.shop, connect(url, timeout=None), QUEUES)


def tell_to_end() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def test_a_worker_looks_into_the_queue_of_every_job() -> None:
    assert {job.queue for job in JOBS.values()} == set(QUEUES)


def test_a_worker_told_to_end_finishes_the_batch(
    works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    leader = works.market.party(money=1_000_000)
    goods = works.market.offer(source="manual")
    orders = [works.market.place(leader, (goods.sku, 1)) for _ in range(20)]
    works.relay()
    handlers = [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)]
    serving(works, tell_to_end, monkeypatch)
    assert "submitting" not in [works.state(one)[0] for one in orders]
    assert works.state(orders[0]) == ["submitted"]
    assert handlers == [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)]
    threads = [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]
    assert not [thread for thread in threads if not thread.finished.is_set()]


def test_an_idle_worker_ends_at_once(works: Works, monkeypatch: pytest.MonkeyPatch) -> None:
    threading.Timer(0.3, tell_to_end).start()
    serving(works, lambda: None, monkeypatch)
    assert works.shop.stopping.is_set()


def test_a_worker_whose_redis_drops_it_begins_again(
    works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every connection is cut while it waits; what comes afterwards is worked."""
    monkeypatch.setattr(serve, "AWAY_SECONDS", 0.05)
    leader = works.market.party(money=10_000)
    order_id = works.market.place(leader, (works.market.offer().sku, 1))

    def cut_and_wake() -> None:
        db = str(works.shop.redis.get_connection_kwargs()["db"])
        for client in works.shop.redis.client_list():
            if client["db"] == db and client["cmd"].startswith(("blpop", "blmove", "lmove")):
                works.shop.redis.client_kill_filter(_id=client["id"])
        relay.wake(works.shop.redis, [(SUBMIT, "teahouse")])

    threading.Timer(0.5, cut_and_wake).start()
    serving(works, tell_to_end, monkeypatch)
    assert works.state(order_id) == ["submitted"]


def test_a_busy_worker_is_not_torn_out_of_its_job(works: Works) -> None:
    worker = serve.Worker(list(QUEUES), connection=works.shop.redis, serializer="json")
    worker.busy = True
    worker.end()
    worker.busy = False
    with pytest.raises(StopRequested):
        worker.end()
