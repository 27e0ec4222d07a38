"""The settings of a process: read once from the environment, strictly, into one frozen value.

Nothing here is read at import. ``load_settings`` takes the environment as a mapping, so that whoever
composes a process decides what it sees. Every setting can also be given as a file: ``NAME_FILE``.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields

from shared import settings_fields as kinds
from shared.errors import SettingsError

DEFAULT_HOME = "./var"
WORKER_NAME_PATTERN = r"[A-Za-z0-9._-]{1,64}"


@dataclass(frozen=True)
class EmbeddedDefaults:
    """What running embedded servers stand in for; texts as the environment would hold them."""

    database_url: str | None = field(default=None, repr=False)
    redis_url: str | None = field(default=None, repr=False)
    master_keys: str | None = field(default=None, repr=False)
    flower_basic_auth: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Settings:
    """Everything the environment says, parsed. Fields with secrets have no repr."""

    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    home: Path
    master_keys: tuple[tuple[str, bytes], ...] = field(repr=False)
    public_base_url: str | None
    webhook_max_bytes: int
    flower_basic_auth: tuple[str, ...] = field(repr=False)
    flower_read_only: bool
    worker_name: str
    retention_years: int
    sentry_dsn: str | None = field(repr=False)
    sentry_environment: str | None
    log_level: str
    log_format: str | None  # None: console on a terminal, else json
    worker_concurrency: int
    web_concurrency: int
    port: int | None  # None: the process's own default

    def get_flower_basic_auth(self) -> tuple[str, ...]:
        """``user:password`` pairs; :class:`SettingsError` where none is set: Flower never runs open."""
        if not self.flower_basic_auth:
            raise SettingsError("FLOWER_BASIC_AUTH is not set: give it as user:password")
        return self.flower_basic_auth

    def get_public_base_url(self) -> str:
        """The address BILL calls; :class:`SettingsError` where none is set."""
        if self.public_base_url is None:
            raise SettingsError(
                "PUBLIC_BASE_URL is not set: give the https address under which BILL reaches us"
            )
        return self.public_base_url


class _SettingsSchema(Schema):
    class Meta:
        unknown = EXCLUDE

    database_url = kinds.DatabaseUrl(data_key="DATABASE_URL", required=True)
    redis_url = kinds.RedisUrl(data_key="REDIS_URL", required=True)
    home = fields.String(data_key="CONNECTOR_HOME", load_default=DEFAULT_HOME)
    master_keys = kinds.MasterKeys(data_key="CONNECTOR_MASTER_KEYS", required=True)
    public_base_url = kinds.PublicUrl(data_key="PUBLIC_BASE_URL", load_default=None)
    webhook_max_bytes = kinds.Whole(1024, 16 * 1024**2, data_key="WEBHOOK_MAX_BYTES", load_default=262_144)
    flower_basic_auth = kinds.BasicAuth(data_key="FLOWER_BASIC_AUTH", load_default=())
    flower_read_only = kinds.Switch(data_key="FLOWER_READ_ONLY", load_default=False)
    worker_name = kinds.Matching(
        WORKER_NAME_PATTERN,
        "must be 1 to 64 letters, digits, dots, hyphens or underscores",
        data_key="WORKER_NAME",
        load_default=None,
    )
    retention_years = kinds.Whole(1, 100, data_key="CONNECTOR_RETENTION_YEARS", load_default=7)
    sentry_dsn = kinds.Dsn(data_key="SENTRY_DSN", load_default=None)
    sentry_environment = kinds.Matching(
        r"[^\s/]{1,64}",
        "must be up to 64 characters without spaces or slashes",
        data_key="SENTRY_ENVIRONMENT",
        load_default=None,
    )
    log_level = kinds.Choice(
        "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", data_key="LOG_LEVEL", load_default="INFO"
    )
    log_format = kinds.Choice("json", "console", data_key="LOG_FORMAT", load_default=None)
    worker_concurrency = kinds.Whole(1, 256, data_key="WORKER_CONCURRENCY", load_default=8)
    web_concurrency = kinds.Whole(1, 256, data_key="WEB_CONCURRENCY", load_default=2)
    port = kinds.Whole(1, 65_535, data_key="PORT", load_default=None)


_SCHEMA = _SettingsSchema()
NAMES = tuple(str(loaded.data_key) for loaded in _SCHEMA.load_fields.values())
"""The settings by the name that the environment has for them."""

_HINTS = {
    "DATABASE_URL": "give a PostgreSQL URL, or run with the embedded servers",
    "REDIS_URL": "give a Redis URL, or run with the embedded servers",
    "CONNECTOR_MASTER_KEYS": 'give id:key, the key made with "openssl rand -base64 32"',
}


def read_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """The settings that ``environ`` gives, by name, files read; an empty text counts as not given.

    Raises :class:`SettingsError` where a setting is given twice or its file cannot be read.
    """
    given: dict[str, str] = {}
    for name in NAMES:
        text, path = environ.get(name, ""), environ.get(f"{name}_FILE", "")
        if text and path:
            raise SettingsError(f"{name} and {name}_FILE are both set: keep one of them")
        if path:
            text = _read_file(f"{name}_FILE", Path(path))
        if text:
            given[name] = text
    if "WORKER_NAME" not in given and environ.get("DYNO"):
        given["WORKER_NAME"] = environ["DYNO"]
    return given


def _read_file(name: str, path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise SettingsError(f"{name}: cannot read {path}: {reason}") from None
    if not text:
        raise SettingsError(f"{name}: {path} is empty")
    return text


def home_of(given: Mapping[str, str]) -> Path:
    """The absolute CONNECTOR_HOME out of what :func:`read_environ` gave."""
    return Path(given.get("CONNECTOR_HOME", DEFAULT_HOME)).expanduser().absolute()


def load_settings(
    environ: Mapping[str, str], *, embedded: EmbeddedDefaults | None = None, slot: int = 0
) -> Settings:
    """Parse ``environ``; what it leaves out comes from ``embedded`` or from the defaults.

    ``slot`` numbers the workers of one host that have no WORKER_NAME, so that their names differ.
    Raises :class:`SettingsError` with one line that names the setting and never shows its value.
    """
    given = _with_defaults(read_environ(environ), embedded)
    try:
        values: dict[str, Any] = _SCHEMA.load(given)
    except ValidationError as error:
        raise SettingsError(_one_line(error.messages_dict, given)) from None
    values["home"] = home_of(given)
    values["worker_name"] = values["worker_name"] or _host_slot(slot)
    return Settings(**values)


def _with_defaults(given: dict[str, str], embedded: EmbeddedDefaults | None) -> dict[str, str]:
    if embedded is None:
        return given
    defaults = {
        "DATABASE_URL": embedded.database_url,
        "REDIS_URL": embedded.redis_url,
        "CONNECTOR_MASTER_KEYS": embedded.master_keys,
        "FLOWER_BASIC_AUTH": embedded.flower_basic_auth,
    }
    return {name: text for name, text in defaults.items() if text is not None} | given


def _one_line(messages: dict[str, Any], given: Mapping[str, str]) -> str:
    name = next(name for name in NAMES if name in messages)
    if name not in given:
        return f"{name} is not set: {_HINTS[name]}"
    return f"{name} {messages[name][0]}"


def _host_slot(slot: int) -> str:
    host = "".join(char if char.isalnum() and char.isascii() else "-" for char in socket.gethostname())
    return f"{host[:56] or 'host'}-{slot}"
