"""The test bench itself: every test has an empty, migrated database and an empty Redis."""

import psycopg
import pytest
import redis

from kit.db import dsn


@pytest.mark.parametrize("_round", [1, 2])
def test_a_database_is_migrated_and_nobody_elses(database_url: str, _round: int) -> None:
    with psycopg.connect(dsn(database_url)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall()
        connection.execute("CREATE TABLE left_behind ()")


@pytest.mark.parametrize("_round", [1, 2])
def test_a_redis_is_empty(redis_url: str, _round: int) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        client.set("left", "behind")
