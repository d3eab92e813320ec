"""The forms of a Redis URL, and a failover that needs no restart."""

import pytest
import redis

from kit.redis import connect


def test_an_embedded_redis_answers(redis_url: str) -> None:
    with connect(redis_url) as client:
        client.set("word", "said")
        assert client.get("word") == b"said"


def test_tls_is_asked_for_by_the_scheme() -> None:
    pool = connect("rediss://:word@cache.example:6380/2").connection_pool
    assert pool.connection_class is redis.SSLConnection
    assert pool.connection_kwargs["db"] == 2


def test_sentinels_are_asked_for_the_master_by_its_name() -> None:
    client = connect("redis+sentinel://app:p%40ss@one:26380,two/huopan/3")
    pool = client.connection_pool
    sentinels = [
        sentinel.connection_pool.connection_kwargs
        for sentinel in pool.sentinel_manager.sentinels  # type: ignore[attr-defined]
    ]
    assert [(each["host"], each["port"]) for each in sentinels] == [("one", 26380), ("two", 26379)]
    assert pool.service_name == "huopan"  # type: ignore[attr-defined]
    assert pool.connection_kwargs["db"] == 3
    assert pool.connection_kwargs["password"] == "p@ss"


@pytest.mark.parametrize(
    "url", ["redis+sentinel:///name/0", "redis+sentinel://host:1", "redis+sentinel://host:1/name/x"]
)
def test_a_malformed_sentinel_url_says_its_form(url: str) -> None:
    with pytest.raises(ValueError, match="host:port,host:port/name/0"):
        connect(url)


def test_an_unknown_scheme_is_refused() -> None:
    with pytest.raises(ValueError, match="redis://"):
        connect("http://cache")
