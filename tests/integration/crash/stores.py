"""PostgreSQL and Redis as they stood at one time: put back before every play, and aged as its time passes."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import redis
from psycopg import sql

from tests.support.redis_time import RedisTime

AGING = {
    "records": ("next_attempt_at", "claim_expires_at", "dispatched_at", "judged_at"),
    "watermarks": ("next_poll_at", "claim_expires_at", "last_complete_at"),
    "attachments": ("next_attempt_at", "claim_expires_at", "dispatched_at"),
}
"""The times that the product compares with PostgreSQL's clock."""


class Stores:
    """Both stores, over connections of the test's own."""

    def __init__(self, dsn: str, client: redis.Redis) -> None:
        self._conn = psycopg.connect(dsn, autocommit=True)
        self._conn.execute("SET session_replication_role = replica")  # no triggers, no foreign keys
        self._redis = client
        self._redis_time = RedisTime(client)
        self._make("age", "seconds float", [_aging(table, names) for table, names in AGING.items()])

    def close(self) -> None:
        """Let go of PostgreSQL."""
        self._conn.close()

    def pass_time(self, seconds: float) -> None:
        """Let time pass in both, for the places too that the ended held."""
        self._conn.execute("SELECT pg_temp.age(%s)", [seconds])
        self._redis_time.pass_time(seconds)

    def snapshot(self) -> Callable[[], None]:
        """What puts both back to how they are now."""
        steps: list[sql.Composable] = []
        for table in self._list_tables():
            names = {"table": sql.Identifier("public", table), "kept": sql.Identifier("pg_temp", table)}
            self._conn.execute(sql.SQL("DROP TABLE IF EXISTS {kept}").format(**names))
            self._conn.execute(
                sql.SQL("CREATE TEMP TABLE {kept} AS TABLE {table}").format(
                    kept=sql.Identifier(table), table=names["table"]
                )
            )
            steps.append(sql.SQL("DELETE FROM {table}").format(**names))
            steps.append(sql.SQL("INSERT INTO {table} OVERRIDING SYSTEM VALUE TABLE {kept}").format(**names))
        self._make("put_back", "", steps)
        put_redis_back = self._snapshot_redis()

        def restore() -> None:
            self._conn.execute("SELECT pg_temp.put_back()")
            put_redis_back()

        return restore

    def _snapshot_redis(self) -> Callable[[], None]:
        keys = list(self._redis.scan_iter(count=1000))
        with self._redis.pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.dump(key)
                pipe.pttl(key)
            found = pipe.execute()
        kept = list(zip(keys, found[::2], found[1::2], strict=True))

        def restore() -> None:
            with self._redis.pipeline(transaction=False) as pipe:
                pipe.flushdb()
                for key, content, left_ms in kept:
                    pipe.restore(key, max(0, left_ms), content)
                pipe.execute()

        return restore

    def _list_tables(self) -> list[str]:
        query = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'migrations'"
        return [name for (name,) in self._conn.execute(query)]

    def _make(self, name: str, parameters: str, steps: list[sql.Composable]) -> None:
        """A function of this connection: its statements are planned once."""
        head = "CREATE OR REPLACE FUNCTION pg_temp.{}({}) RETURNS void LANGUAGE plpgsql"
        self._conn.execute(
            sql.SQL(head + " AS $$ BEGIN {}; END $$").format(
                sql.Identifier(name), sql.SQL(parameters), sql.SQL("; ").join(steps)
            )
        )


def _aging(table: str, names: tuple[str, ...]) -> sql.Composable:
    moved = sql.SQL(", ").join(
        sql.SQL("{0} = {0} - make_interval(secs => seconds)").format(sql.Identifier(name)) for name in names
    )
    return sql.SQL("UPDATE {} SET {}").format(sql.Identifier("public", table), moved)
