from __future__ import annotations

import os

import psycopg
import pytest
import redis

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("run", [1, 2])
def test_every_test_has_a_migrated_database_of_its_own(store_dsn: str, run: int) -> None:
    with psycopg.connect(store_dsn) as connection:
        assert connection.execute("SELECT to_regclass('records') IS NOT NULL").fetchone() == (True,)
        connection.execute(f"CREATE TABLE left_by_{run} ()")
        found = connection.execute(
            "SELECT count(*) FROM pg_tables WHERE tablename LIKE 'left_by_%'"
        ).fetchone()
    assert found == (1,)


@pytest.mark.parametrize("run", [1, 2])
def test_every_test_has_an_empty_redis_database(redis_client: redis.Redis, run: int) -> None:
    assert redis_client.dbsize() == 0
    redis_client.set(f"left_by_{run}", run)


def test_no_setting_of_the_shell_reaches_a_test() -> None:
    assert not {"DATABASE_URL", "REDIS_URL", "CONNECTOR_MASTER_KEYS_FILE", "DYNO"} & set(os.environ)
