"""The controls of the sandbox, over real HTTP."""

import httpx
import pytest

from tests.stage import Stage


def test_an_unknown_platform_or_control_says_so(stage: Stage) -> None:
    assert httpx.get(f"{stage.url}/nowhere/x", trust_env=False).status_code == 404
    assert httpx.get(f"{stage.url}/_control/x", trust_env=False).status_code == 404
    with pytest.raises(httpx.HTTPStatusError):
        stage.orders("nowhere")
    with pytest.raises(httpx.HTTPStatusError):
        stage.fault("jd", "html", wrong=1)
