"""What one run of a command works with: settings, a database connection, the vault.

Each is made when first asked for, so that a command needs nothing it does not use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Final

import click

from deploy.embedded.resolve import resolve
from shared.errors import UsageError
from shared.settings import Settings
from shared.store import migrate
from shared.store.pool import Conn, connect
from shared.vault import Vault

if TYPE_CHECKING:
    from workers.wiring import Context

NAME: Final = "cli"


class NotMigrated(UsageError):
    """The database lacks tables or columns of this release."""

    def __init__(self) -> None:
        super().__init__("the database is not up to date: run `connector migrate`")


class Session:
    """One run of a command; ``environ`` is what its settings are read from.

    ``on_settings`` is called once they are known.
    """

    def __init__(
        self, environ: Mapping[str, str], on_settings: Callable[[Settings], None] | None = None
    ) -> None:
        self.environ = environ
        self._on_settings = on_settings

    @cached_property
    def settings(self) -> Settings:
        """The settings; embedded servers start, or are joined, where no URL is set."""
        settings = resolve(self.environ)
        if self._on_settings is not None:
            self._on_settings(settings)
        return settings

    @property
    def known_settings(self) -> Settings | None:
        """The settings if the command got as far as to read them."""
        return self.__dict__.get("settings")

    @cached_property
    def vault(self) -> Vault:
        """Seals and unseals under the master keys."""
        return Vault(self.settings.master_keys)

    @property
    def is_verbose(self) -> bool:
        """Whether errors come with their traceback."""
        return self.environ.get("LOG_LEVEL", "").upper() == "DEBUG"

    @contextmanager
    def database(self) -> Iterator[Conn]:
        """A connection to a database that is up to date; raises :class:`NotMigrated` for any other."""
        with connect(self.settings.database_url, name=NAME) as conn:
            if migrate.pending(conn):
                raise NotMigrated
            yield conn

    @contextmanager
    def context(self) -> Iterator[Context]:
        """Clients of both systems and the sender of tasks."""
        # Most commands need neither clients nor Celery, and start faster without.
        from workers.wiring import Context

        context = Context(self.settings, worker_name=NAME)
        try:
            yield context
        finally:
            context.close()


pass_session = click.make_pass_decorator(Session)
