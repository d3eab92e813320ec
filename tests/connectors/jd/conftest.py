"""A VOP source at the sandbox, in both protocols."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connectors.jd_vop.source import VopSource
from connectors.registry import open_source
from connectors.surroundings import Surroundings
from tests.stage import Stage


def calm() -> Surroundings:
    """What a source that shares with nobody needs; it waits without waiting."""
    return Surroundings(sleep=lambda _: None)


def config(stage: Stage, protocol: str, **given: Any) -> dict[str, Any]:
    """The settings of a contract at the sandbox; its secrets are in the environment."""
    address = f"{stage.url}/jd"
    return {
        "kind": "jd_vop",
        "protocol": protocol,
        "base_url": address if protocol == "classic" else f"{address}/routerjson",
        "oauth_url": address,
        "redirect_uri": "https://example.com/back",
        "client_id": "env:T_JD_ID",
        "client_secret": "env:T_JD_SECRET",
        "username": "env:T_JD_USER",
        "password": "env:T_JD_PASSWORD",
        "calls_per_second": 5000,
        "invoice_title": "示例公司",
        **given,
    }


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("T_JD_ID", "VOPCLIENT8")
    monkeypatch.setenv("T_JD_SECRET", "VOPSECRET9")
    monkeypatch.setenv("T_JD_USER", "测试企业VOP")
    monkeypatch.setenv("T_JD_PASSWORD", "Passw0rd!")


@pytest.fixture(params=["classic", "router"])
def protocol(request: pytest.FixtureRequest) -> str:
    return str(request.param)


Open = Callable[..., VopSource]


@pytest.fixture
def opened(stage: Stage, protocol: str) -> Iterator[Open]:
    """Opens the contract; closed after the test."""
    sources: list[VopSource] = []

    def make(around: Surroundings | None = None, **given: Any) -> VopSource:
        source = open_source("jd", config(stage, protocol, **given), around or Surroundings())
        assert isinstance(source, VopSource)
        sources.append(source)
        return source

    yield make
    for source in sources:
        source.close()


@pytest.fixture
def vop(opened: Open) -> VopSource:
    return opened()
