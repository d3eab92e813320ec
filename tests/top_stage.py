"""A TOP source in front of the sandbox over real HTTP, and the sandbox's controls."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from connectors.budgets import Budgets
from connectors.registry import open_source
from connectors.surroundings import Surroundings
from connectors.tokens import Tokens
from sandbox.server import Sandbox, running
from sandbox.top.platform import APP_KEY, SECRET, SESSION

KEYS = {
    "app_key": APP_KEY,
    "app_secret": "env:TOP_SECRET",
    "session": "env:TOP_SESSION",
    "calls_per_second": 1000,
}
ENVIRONMENT = {"TOP_SECRET": SECRET, "TOP_SESSION": SESSION, "TOP_REFRESH": "refresh-1"}


@dataclass
class Stage:
    """The sandbox's address, and what sources waited for instead of sleeping."""

    url: str
    sandbox: Sandbox
    slept: list[float] = field(default_factory=list)
    budgets: Budgets = field(default_factory=Budgets)
    tokens: Tokens = field(default_factory=Tokens)
    opened: list[Any] = field(default_factory=list)

    def source(self, kind: str, **config: Any) -> Any:
        """A source of a kind, pointed at the sandbox."""
        around = Surroundings(self.budgets, self.tokens, 10.0, sleep=self.slept.append)
        whole = {"kind": kind, "base_url": f"{self.url}/top/router/rest", **KEYS, **config}
        self.opened.append(open_source(kind.replace("_", "-"), whole, around))
        return self.opened[-1]

    def act(self, deed: str, **args: Any) -> Any:
        """Something happens over there."""
        return self._post("act", {"platform": "top", "deed": deed, **args})

    def fault(self, mode: str, call: str = "*", **args: Any) -> None:
        """Something will go wrong."""
        self._post("faults", {"platform": "top", "mode": mode, "call": call, **args})

    def calls(self, name: str = "") -> list[dict[str, Any]]:
        """What the platform was asked since the beginning."""
        found = httpx.get(f"{self.url}/_control/calls?platform=top").json()["items"]
        return [one for one in found if one["call"].endswith(name)]

    def drift(self, ticks: int = 1) -> None:
        """Prices and stock move."""
        self._post("drift", {"platform": "top", "ticks": ticks})

    def ahead(self, seconds: float) -> None:
        """The platform's clock moves."""
        self._post("clock", {"ahead": seconds})

    @property
    def top(self) -> Any:
        """The platform itself, to look into."""
        return self.sandbox.platforms["top"]

    def _post(self, door: str, what: dict[str, Any]) -> Any:
        answer = httpx.post(f"{self.url}/_control/{door}", json=what)
        assert answer.status_code == 200, answer.text
        return answer.json()


@contextmanager
def served(size: int = 60) -> Iterator[Stage]:
    """A sandbox of its own that runs while the block does."""
    sandbox = Sandbox(size=size)
    with running(sandbox) as url:
        yield Stage(url, sandbox)


@contextmanager
def staged(server: Stage) -> Iterator[Stage]:
    """The sandbox as it was in the beginning; its sources are closed at the end."""
    server.sandbox.reset({})
    stage = Stage(server.url, server.sandbox)
    try:
        yield stage
    finally:
        for source in stage.opened:
            source.close()
