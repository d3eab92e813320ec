"""The simulated platforms of the demo: one more role of `up`, and a source for each of them."""

import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.ali1688 import platform as ali
from sandbox.jd.gate import APPS, PASSWORD, USER
from sandbox.top import platform as top

PORT = 8090
"""Where the sandbox listens, if nobody else does."""

FOLLOWED = {"ali1688": ("炒锅", "收纳", "纸尿裤")}
"""What platforms without a full listing are asked to follow: searches, by the source's code."""

Secret = Callable[[str, str], str]
"""Keeps a secret (name, value) where settings may name it; returns how they do."""


@dataclass(frozen=True)
class Platforms:
    """The sandbox on a free port; its accounts' secrets lie in `folder`, readable by us only."""

    folder: Path
    port: int = field(default_factory=lambda: _free(PORT) or _free(0))

    def roles(self) -> dict[str, Sequence[str]]:
        """The command that runs beside the others."""
        return {"sandbox": (sys.executable, "-m", "huopan", "sandbox", "--port", str(self.port))}

    @property
    def host(self) -> str:
        """Where the pictures lie: inside, which only this one may."""
        return f"127.0.0.1:{self.port}"

    def configs(self) -> dict[str, dict[str, Any]]:
        """Code → settings of each platform's source. Writes the secrets that they name."""
        self.folder.mkdir(parents=True, exist_ok=True)
        address = f"http://{self.host}"
        return {
            "jd-vop": _jd(address, self._secret),
            "tmall": _tmall(address, self._secret),
            "ali1688": _ali(address, self._secret),
        }

    def _secret(self, name: str, value: str) -> str:
        path = self.folder.absolute() / name
        path.touch(mode=0o600)
        path.write_text(value)
        return f"file:{path}"


def _jd(address: str, secret: Secret) -> dict[str, Any]:
    client, password = next(iter(APPS.items()))
    return {
        "kind": "jd_vop",
        "base_url": f"{address}/jd",
        "oauth_url": f"{address}/jd",
        "client_id": secret("jd-client", client),
        "client_secret": secret("jd-client-secret", password),
        "username": secret("jd-user", USER),
        "password": secret("jd-password", PASSWORD),
        "image_base": f"{address}/pictures/jd/",
        "every": "5m",
    }


def _tmall(address: str, secret: Secret) -> dict[str, Any]:
    return {
        "kind": "taobao_shop",
        "base_url": f"{address}/top/router/rest",
        "app_key": top.APP_KEY,
        "app_secret": secret("top-secret", top.SECRET),
        "session": secret("top-session", top.SESSION),
        "every": "5m",
    }


def _ali(address: str, secret: Secret) -> dict[str, Any]:
    return {
        "kind": "ali1688",
        "base_url": f"{address}/ali1688/openapi",
        "app_key": ali.APP_KEY,
        "app_secret": secret("ali-secret", ali.APP_SECRET),
        "access_token": secret("ali-token", ali.TOKEN),
        "refresh_token": secret("ali-refresh", ali.REFRESH),
        "image_url": f"{address}/pictures/1688/",
        "every": "5m",
    }


def _free(port: int) -> int:
    """The port if nobody listens there (0: any that is free), else 0."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return 0
        return int(probe.getsockname()[1])
