"""The sandbox as tests drive it: over its own HTTP controls."""

from typing import Any

import httpx


class Stage:
    """A running sandbox. `url` is its address; a platform is at `{url}/{name}`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = httpx.Client(
            base_url=f"{url}/_control/",
            trust_env=False,
            limits=httpx.Limits(max_keepalive_connections=0),  # one kept may be closed over there
        )

    def close(self) -> None:
        """Let go of the controls."""
        self._client.close()

    def reset(self, **given: Any) -> None:
        """Everything anew; `size` listings."""
        self._post("reset", given)

    def fault(self, platform: str, mode: str, call: str = "*", **given: Any) -> None:
        """Let the next call that matches go wrong; see sandbox.faults."""
        self._post("faults", {"platform": platform, "mode": mode, "call": call, **given})

    def calm(self) -> None:
        """No faults and bans any more."""
        self._client.delete("faults").raise_for_status()

    def act(self, platform: str, deed: str, **given: Any) -> Any:
        """Something happens over there."""
        return self._post("act", {"platform": platform, "deed": deed, **given})

    def post(self, control: str, **given: Any) -> Any:
        """Any other control: limits, latency, clock, drift, goods."""
        return self._post(control, given)

    def orders(self, platform: str) -> list[dict[str, Any]]:
        """What the platform holds."""
        return self._get("orders", platform)

    def calls(self, platform: str) -> list[dict[str, Any]]:
        """Every call it got since the reset, in order."""
        return self._get("calls", platform)

    def _post(self, path: str, given: dict[str, Any]) -> Any:
        return self._client.post(path, json=given).raise_for_status().json()

    def _get(self, path: str, platform: str) -> list[dict[str, Any]]:
        answer = self._client.get(path, params={"platform": platform}).raise_for_status().json()
        items: list[dict[str, Any]] = answer["items"]
        return items
