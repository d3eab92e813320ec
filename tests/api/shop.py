"""The API as its callers meet it: a small market behind it, and a client for each role."""

import asyncio
import contextlib
import itertools
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import redis
import uvicorn
from fastapi import FastAPI
from sqlalchemy.orm import Session

import api
from catalog.search import open_indexer
from catalog.sequencer import number_changes
from huopan.serving import KEPT_SECONDS
from kit import clock
from kit.crypto import new_key
from kit.db import Database
from kit.ids import outside
from kit.settings import ApiSettings, DataSettings, SecuritySettings, Settings
from tests.trade.market import Goods, Market, submitted
from trade import desk as desks
from trade import parties, tokens, wallets

SOURCE = "teahouse-secret"
"""The source's code: no answer to a leader may hold it."""

SELLER = "隐名茶行"
"""The seller behind it: no answer to a leader may hold that either."""

COST = "7.7777"
"""What the source asks; leaders pay ten percent more."""

HOME = {
    "name": "张三",
    "mobile": "13800138000",
    "region": "440305007",
    "address": "粤海街道科技园 1 号",
}
"""With its town told, so that it is kept as it is given, with the table of towns and without."""

_numbers = itertools.count(1)


@dataclass
class Shop:
    """What a test of the API stands on."""

    market: Market
    app: FastAPI
    settings: Settings
    client: httpx.Client
    tokens: dict[str, str] = field(default_factory=dict)
    parties: dict[str, int] = field(default_factory=dict)

    @property
    def db(self) -> Database:
        return self.market.db

    def join(self, name: str, role: str, *, money: int = 0, source: str | None = None) -> str:
        """A party with a token that is called `name` in this test; returns its id."""
        with self.db.as_system() as session:
            return self.joined(session, name, role, money=money, source=source)

    def joined(
        self, session: Session, name: str, role: str, *, money: int = 0, source: str | None = None
    ) -> str:
        """As `join`, in a transaction that is open."""
        party = parties.create(session, role, f"{name}-{next(_numbers)}", source=source)
        if money:
            wallets.deposit(session, party, money, f"first-{party}")
        self.tokens[name] = tokens.issue(session, party).text
        self.parties[name] = party
        return outside("pty", party)

    def headers(self, who: str | None, **more: str) -> dict[str, str]:
        token = {} if who is None else {"Authorization": f"Bearer {self.tokens[who]}"}
        return token | more

    def ask(
        self, who: str | None, method: str, path: str, *, key: str | None = None, **fields: Any
    ) -> httpx.Response:
        """One request by the party that this test calls `who`."""
        more = {} if key is None else {"Idempotency-Key": key}
        return self.client.request(method, path, headers=self.headers(who, **more), **fields)

    def got(self, who: str, path: str, status: int = 200) -> Any:
        """What a GET answers."""
        answer = self.ask(who, "GET", path)
        assert answer.status_code == status, answer.text
        return answer.json()

    def said(self, who: str, path: str, body: Any = None, status: int = 201, **more: Any) -> Any:
        """What a POST answers."""
        answer = self.ask(who, "POST", path, json=body, **more)
        assert answer.status_code == status, answer.text
        return answer.json()

    def offer(self, *, stock: int | str | None = "in_stock", **fields: Any) -> Goods:
        """Goods of the secret source, indexed."""
        return self.market.offer(source=SOURCE, cost=COST, stock=stock, seller=SELLER, **fields)

    def order(self, goods: Goods, quantity: int = 1, who: str = "leader", **fields: Any) -> Any:
        """An order as the API answers it."""
        return self.said(who, "/v1/orders", ordering(goods, quantity, **fields))

    def submitted(self) -> None:
        """The worker hands due purchases to the supplier's door."""
        submitted(self.market, SOURCE)

    def purchase(self) -> Any:
        """The newest purchase at the supplier's door."""
        return self.got("brand", "/v1/purchases")["items"][-1]

    def shipped(self, goods: Goods, quantity: int = 1) -> Any:
        """An order whose goods have left; as its leader sees it."""
        order = self.order(goods, quantity)
        self.submitted()
        parcel = {"carrier": "顺丰", "tracking_number": f"SF{next(_numbers):010d}"}
        self.said("brand", f"/v1/purchases/{self.purchase()['id']}/ship", parcel, 200)
        return self.got("leader", f"/v1/orders/{order['id']}")

    def index(self) -> None:
        """Bring the search index up to date."""
        with self.db.as_system() as session:
            number_changes(session)
        readers = self.app.state.office.terms.readership.per_list(clock.now())
        with open_indexer(self.db, self.settings.data.dir, readers) as indexer:
            while indexer.step():
                continue


def ordering(goods: Goods, quantity: int = 1, **fields: Any) -> dict[str, Any]:
    """The body of an order."""
    return {
        "reference": f"T-{next(_numbers)}",
        "max_total": "100000.00",
        "lines": [{"sku": goods.sku, "quantity": quantity}],
        "ship_to": HOME,
    } | fields


@contextlib.contextmanager
def opened(
    database: Database,
    redis_url: str,
    folder: Path,
    sources: Mapping[str, Any] | None = None,
    former: Sequence[Path] = (),
    before: Shop | None = None,
    **fields: Any,
) -> Iterator[Shop]:
    """A shop under a key of its own, with the `former` ones; the parties are those of `before`.
    `fields` are settings of [api]."""
    key = folder / "secret.key"
    key.write_text(new_key())
    previous = [f"file:{path}" for path in former]
    settings = Settings(
        api=ApiSettings(**fields),
        data=DataSettings(dir=folder),
        security=SecuritySettings(key=f"file:{key}", previous_keys=previous),
        pricing={"markup_percent": 10},
        sources=sources or {},
    )
    with redis.Redis.from_url(redis_url) as client:
        app = api.create(settings, database, client)
        with (
            served(app) as address,
            httpx.Client(base_url=address, trust_env=False, timeout=60, verify=False) as caller,  # noqa: S501 - loopback, without TLS
        ):
            shop = Shop(Market(database, desks.from_settings(settings)), app, settings, caller)
            if before is None:
                _everybody(shop)
            else:
                shop.tokens, shop.parties = before.tokens, before.parties
            yield shop
            app.state.office.sources.close()


def _everybody(shop: Shop) -> None:
    with shop.db.as_system() as session:
        shop.joined(session, "leader", "leader", money=1_000_000)
        shop.joined(session, "other", "leader", money=1_000_000)
        shop.joined(session, "buyer", "buyer", money=1_000_000)
        shop.joined(session, "brand", "brand", source=SOURCE)
        shop.joined(session, "rival", "brand", source="rival")
        shop.joined(session, "operator", "operator")


@contextlib.contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The app behind a real server on loopback; its address."""
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=0,
        log_config=None,
        lifespan="off",
        timeout_keep_alive=KEPT_SECONDS,
    )
    server = _Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert server.listens.wait(60)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.end()
        thread.join()


class _Server(uvicorn.Server):
    """Says when it listens, and ends when it is told to: uvicorn looks for that ten times a second,
    and then waits as long again, which hundreds of tests would wait for."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = threading.Event()

    def end(self) -> None:
        self._loop.call_soon_threadsafe(self._told.set)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop, self._told = asyncio.get_running_loop(), asyncio.Event()
        await super().startup(sockets)
        self.listens.set()

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self._told.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for listening in self.servers:
            listening.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        while self.server_state.connections or self.server_state.tasks:
            await asyncio.sleep(0.001)
