"""The settings of a process, with embedded servers standing in for the URLs that are not set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deploy.embedded.home import Home
from deploy.embedded.made import ensure_flower_basic_auth, ensure_master_keys, write_private
from shared.settings import Settings, home_of, load_settings, read_environ

if TYPE_CHECKING:
    from deploy.embedded.lease import Lease

_held: list[Lease] = []  # a lease lasts as long as the process that asked for it


@dataclass(frozen=True)
class Composition:
    """Settings, and the environment that gives them to child processes without secrets in it."""

    settings: Settings
    environ: Mapping[str, str] = field(repr=False)
    lease: Lease | None

    @property
    def embedded(self) -> bool:
        """Whether any server is an embedded one."""
        return self.lease is not None


def resolve(environ: Mapping[str, str], *, slot: int = 0) -> Settings:
    """The settings that ``environ`` gives; embedded servers run until this process ends.

    Raises :class:`~shared.errors.SettingsError` or :class:`~deploy.embedded.home.EmbeddedError`.
    """
    composition = compose(environ, slot=slot)
    if composition.lease is not None:
        _held.append(composition.lease)
    return composition.settings


def compose(environ: Mapping[str, str], *, slot: int = 0) -> Composition:
    """As :func:`resolve`, with the environment for children and the lease in the caller's hands."""
    given = read_environ(environ)
    database, redis = "DATABASE_URL" not in given, "REDIS_URL" not in given
    if not database and not redis:
        return Composition(load_settings(environ, slot=slot), dict(environ), None)
    # Only here: every process of a fleet that is told its servers starts a third of a second sooner.
    from deploy.embedded.lease import ensure_servers

    home = Home(home_of(given))
    lease = ensure_servers(home, database=database, redis=redis)
    try:
        full = _with_servers(environ, given, home, lease)
        return Composition(load_settings(full, slot=slot), full, lease)
    except BaseException:
        lease.release()
        raise


def _with_servers(
    environ: Mapping[str, str], given: Mapping[str, str], home: Home, lease: Lease
) -> dict[str, str]:
    full = {**environ, "CONNECTOR_HOME": str(home.root)}
    full.pop("CONNECTOR_HOME_FILE", None)
    if lease.database_url is not None:
        full["DATABASE_URL"] = lease.database_url
    if lease.redis_url is not None:
        path = home.run / "redis-url"
        write_private(path, lease.redis_url)
        full["REDIS_URL_FILE"] = str(path)
    # A key made here must never seal what lies in a database that outlives this home.
    if lease.database_url is not None and "CONNECTOR_MASTER_KEYS" not in given:
        full["CONNECTOR_MASTER_KEYS_FILE"] = str(ensure_master_keys(home))
    if "FLOWER_BASIC_AUTH" not in given:
        full["FLOWER_BASIC_AUTH_FILE"] = str(ensure_flower_basic_auth(home))
    return full
