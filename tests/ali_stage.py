"""A 1688 source in front of the sandbox over real HTTP, and the sandbox's truth."""

from decimal import Decimal
from typing import Any

from connectors.ali1688.source import Ali1688
from connectors.budgets import Budgets
from connectors.model import OrderLine, PurchaseOrder, ShipTo
from connectors.registry import open_source
from connectors.surroundings import Surroundings
from connectors.tokens import Tokens
from sandbox.ali1688.platform import APP_KEY, APP_SECRET, REFRESH, TOKEN
from tests.stage import Stage

NAME = "ali1688"
ENVIRONMENT = {"ALI_SECRET": APP_SECRET, "ALI_TOKEN": TOKEN, "ALI_REFRESH": REFRESH}
KEYS = {
    "kind": NAME,
    "app_key": APP_KEY,
    "app_secret": "env:ALI_SECRET",
    "access_token": "env:ALI_TOKEN",
    "refresh_token": "env:ALI_REFRESH",
    "calls_per_second": 1000,
}
SHIP_TO = ShipTo("周小某", "13900000000", "440305", "科苑路 15 号")
DEAR = Decimal(100_000)


_OPENED: list[Ali1688] = []


def close_all() -> None:
    """Let go of the connections of every source that was opened."""
    while _OPENED:
        _OPENED.pop().close()


def opened(stage: Stage, tokens: Tokens | None = None, **config: Any) -> Ali1688:
    """A source pointed at the sandbox; it waits without waiting."""
    around = Surroundings(Budgets(), tokens or Tokens(), 10.0, sleep=lambda _: None)
    whole = {**KEYS, "base_url": f"{stage.url}/ali1688/openapi", **config}
    source = open_source("ali", {k: v for k, v in whole.items() if v is not None}, around)
    assert isinstance(source, Ali1688)
    _OPENED.append(source)
    return source


def offers(stage: Stage, limit: int = 30) -> list[dict[str, Any]]:
    """The truth about the first offers."""
    found: list[dict[str, Any]] = stage.act(NAME, "offers", limit=limit)
    return found


def an_offer(stage: Stage, **wanted: Any) -> dict[str, Any]:
    """The first offer with enough stock, at least `skus` SKUs and such facts."""
    least = wanted.pop("skus", 1)
    for offer in offers(stage, 60):
        stocked = [sku for sku in offer["skus"] if sku["stock"] > 20]
        if len(stocked) >= least and all(offer[key] == value for key, value in wanted.items()):
            return {**offer, "skus": stocked}
    raise AssertionError(f"no offer with {wanted}")


def order(our_ref: str, *lines: tuple[str, int], cost: Decimal = DEAR) -> PurchaseOrder:
    """A purchase to the usual recipient."""
    return PurchaseOrder(
        our_ref,
        tuple(OrderLine(name, pieces, cost) for name, pieces in lines),
        SHIP_TO,
        "请尽快发货",
    )


def count(stage: Stage, api: str) -> int:
    """How often an API was called since the reset."""
    return sum(one["call"].endswith(api) for one in stage.calls(NAME))
