"""Counts of jobs, kept in Redis so that many processes on many hosts add to the same ones.

They begin again at nought when Redis is wiped, as Prometheus expects of counters.
"""

from collections.abc import Mapping

import redis

_KEY = "huopan:tally:"


def add(client: redis.Redis, name: str, amounts: Mapping[str, float]) -> None:
    """Add to the counter `name`, by label. Raises RedisError."""
    with client.pipeline(transaction=False) as pipeline:
        for label, amount in amounts.items():
            pipeline.hincrbyfloat(_KEY + name, label, amount)
        pipeline.execute()


def read(client: redis.Redis, name: str) -> dict[str, float]:
    """The counter `name` by label. Raises RedisError."""
    found: dict[bytes, bytes] = client.hgetall(_KEY + name)  # type: ignore[assignment]
    return {label.decode(): float(amount) for label, amount in sorted(found.items())}
