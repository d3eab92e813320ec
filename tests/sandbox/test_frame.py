"""The controls of the sandbox, over real HTTP."""

import httpx
import pytest

from sandbox.frame import Clock
from sandbox.server import Sandbox
from tests.stage import Stage


def test_an_unknown_platform_or_control_says_so(stage: Stage) -> None:
    assert httpx.get(f"{stage.url}/nowhere/x", trust_env=False).status_code == 404
    assert httpx.get(f"{stage.url}/_control/x", trust_env=False).status_code == 404
    with pytest.raises(httpx.HTTPStatusError):
        stage.orders("nowhere")
    with pytest.raises(httpx.HTTPStatusError):
        stage.fault("jd", "html", wrong=1)


def test_numbers_of_an_earlier_start_do_not_come_again() -> None:
    """Whoever starts the demo once more goes on with purchases that carry them."""
    first, second = (Sandbox(size=3, clock=Clock(begun=begun)) for begun in (0, 1000))
    shops = [sandbox.platforms["jd"].shop for sandbox in (first, second)]  # type: ignore[attr-defined]
    given = [{shop.new_id() for _ in range(900)} for shop in shops]
    assert given[0].isdisjoint(given[1])
    for shop in shops:
        shop.tell(1, {})
        shop.book(100, 1, "订单支付")
    assert shops[0].messages.keys().isdisjoint(shops[1].messages)
    assert shops[0].bookings[0]["id"] != shops[1].bookings[0]["id"]
