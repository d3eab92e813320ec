"""What leaders notice while one key takes another's place, and afterwards: nothing."""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from kit import clock
from kit.crypto import Keyring
from kit.db import Database
from tests.api.shop import Shop, opened, ordering
from trade import rerouting
from worker import rekeying

Under = Callable[..., AbstractContextManager[Shop]]


@pytest.fixture
def under(database: Database, redis_url: str, tmp_path: Path) -> Under:
    """The shop under the key of this name; `former` ones are in its ring, and `before` is itself
    under another key."""

    @contextlib.contextmanager
    def shop(name: str, *former: str, before: Shop | None = None) -> Iterator[Shop]:
        folder = tmp_path / name
        folder.mkdir()
        keys = [tmp_path / one / "secret.key" for one in former]
        with opened(database, redis_url, folder, former=keys, before=before) as made:
            yield made

    return shop


def test_a_held_order_is_looked_at_without_opening_its_recipient(under: Under) -> None:
    with under("first") as first:
        goods = first.offer()
        first.market.offer(sku_id=goods.sku_id, source="rival", cost="12.00")
        order = first.order(goods, 2)
        first.submitted()
        refusal = {"code": "out_of_stock", "message": "没货了"}
        first.said("brand", f"/v1/purchases/{first.purchase()['id']}/refuse", refusal, 200)
    with under("next", "first", before=first) as shop:
        rerouting.drain(shop.db, shop.market.desk, clock.now() + timedelta(seconds=20))
        door = f"/v1/orders/{order['id']}"
        assert shop.got("leader", door)["status"] == "held"
        shop.said("leader", f"{door}/proposal", {"take": "new_price", "max_total": "26.40"}, 200)
        with shop.db.as_system() as session:
            purposes = session.scalars(text("SELECT DISTINCT purpose FROM recipient_openings"))
            assert sorted(purposes) == ["ship", "submit"]


def test_an_order_sent_again_is_the_same_one_when_the_key_of_its_time_is_gone(under: Under) -> None:
    with under("first") as first:
        goods = first.offer()
        single, batch = ordering(goods, 1), ordering(goods, 2)
        made = [first.said("leader", "/v1/orders", body)["id"] for body in (single, batch)]
        old = first.market.desk.keyring
    with under("next", before=first) as shop:
        told = shop.said("leader", "/v1/orders", single, 409)
        assert told["code"] == "reference_conflict"  # the key went too early: refused, not doubled
        ring = Keyring(shop.market.desk.keyring.current, (old.current,))
        rekeying.rotate(shop.db, ring, lambda _: None)
        assert shop.said("leader", "/v1/orders", single, 200)["id"] == made[0]
        [one] = shop.said("leader", "/v1/orders/batch", {"items": [batch]}, 200)["items"]
        assert (one["status"], one["result"]["id"]) == (200, made[1])
        other = single | {"lines": [{"sku": goods.sku, "quantity": 3}]}
        assert shop.said("leader", "/v1/orders", other, 409)["code"] == "reference_conflict"
        assert len(shop.got("leader", "/v1/orders")["items"]) == 2
