from __future__ import annotations

import base64
import socket
from pathlib import Path

import pytest

from shared.errors import SettingsError
from shared.settings import NAMES, EmbeddedDefaults, load_settings

pytestmark = pytest.mark.unit

KEY = base64.b64encode(bytes(range(32))).decode()
BASE = {
    "DATABASE_URL": "postgresql://app:pa-ss@db.example:5432/connector",
    "REDIS_URL": "redis://:pa-ss@cache.example:6379/0",
    "CONNECTOR_MASTER_KEYS": f"k1:{KEY}",
}


def test_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "box.example")
    settings = load_settings(BASE, slot=2)
    assert settings.master_keys == (("k1", bytes(range(32))),)
    assert settings.home == Path.cwd() / "var"
    assert settings.webhook_max_bytes == 262_144
    assert settings.retention_years == 7
    assert settings.worker_name == "box-example-2"
    assert (settings.log_level, settings.log_format, settings.port) == ("INFO", None, None)
    assert (settings.public_base_url, settings.sentry_dsn, settings.flower_read_only) == (None, None, False)


def test_everything_given() -> None:
    settings = load_settings(
        BASE
        | {
            "CONNECTOR_HOME": "/srv/some where",
            "CONNECTOR_MASTER_KEYS": f"new:{KEY}, old:{KEY}",
            "PUBLIC_BASE_URL": "https://hooks.example.com/",
            "WEBHOOK_MAX_BYTES": "2048",
            "FLOWER_BASIC_AUTH": "ann:one,bo:t:wo",
            "FLOWER_READ_ONLY": "ON",
            "WORKER_NAME": "worker.7",
            "DYNO": "worker.1",
            "CONNECTOR_RETENTION_YEARS": "10",
            "SENTRY_DSN": "https://key@errors.example/7",
            "SENTRY_ENVIRONMENT": "production",
            "LOG_LEVEL": "debug",
            "LOG_FORMAT": "JSON",
            "WORKER_CONCURRENCY": "4",
            "WEB_CONCURRENCY": "3",
            "PORT": "8080",
        }
    )
    assert [key_id for key_id, _ in settings.master_keys] == ["new", "old"]
    assert settings.public_base_url == "https://hooks.example.com"
    assert settings.flower_basic_auth == ("ann:one", "bo:t:wo")
    assert settings.flower_read_only is True
    assert settings.worker_name == "worker.7"
    assert (settings.log_level, settings.log_format) == ("DEBUG", "json")
    assert (settings.worker_concurrency, settings.web_concurrency, settings.port) == (4, 3, 8080)
    assert settings.home == Path("/srv/some where")


WRONG = [
    ("DATABASE_URL", "mysql://u:hunter2@h/d"),
    ("DATABASE_URL", "postgresql://u:hunter2@h/d?hunter2=1"),
    ("REDIS_URL", "http://:hunter2@h"),
    ("REDIS_URL", "redis://:hunter2@h:99999/0"),
    ("REDIS_URL", "redis://:hunter2@h/zero"),
    ("CONNECTOR_MASTER_KEYS", "hunter2"),
    ("CONNECTOR_MASTER_KEYS", "k1:aHVudGVyMg=="),
    ("CONNECTOR_MASTER_KEYS", f"hunter2:{KEY},hunter2:{KEY}"),
    ("CONNECTOR_MASTER_KEYS", f"k1:{KEY},"),
    ("PUBLIC_BASE_URL", "http://hunter2.example"),
    ("PUBLIC_BASE_URL", "https://h.example/?q=hunter2"),
    ("WEBHOOK_MAX_BYTES", "hunter2"),
    ("WEBHOOK_MAX_BYTES", "1_000_000"),
    ("FLOWER_BASIC_AUTH", "hunter2"),
    ("FLOWER_BASIC_AUTH", "ann:hunter2,ann:hunter2"),
    ("FLOWER_READ_ONLY", "hunter2"),
    ("WORKER_NAME", "hunter2 hunter2"),
    ("CONNECTOR_RETENTION_YEARS", "-1"),
    ("CONNECTOR_RETENTION_YEARS", "0"),
    ("SENTRY_DSN", "hunter2"),
    ("SENTRY_ENVIRONMENT", "a b"),
    ("LOG_LEVEL", "hunter2"),
    ("LOG_FORMAT", "xml"),
    ("WORKER_CONCURRENCY", "0"),
    ("WEB_CONCURRENCY", "two"),
    ("PORT", "70000"),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_value_is_refused_in_one_line_that_names_the_setting(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(BASE | {name: value})
    line = str(caught.value)
    assert line.startswith(f"{name} ")
    assert "\n" not in line
    assert "hunter2" not in line
    assert KEY not in line
    assert caught.value.__suppress_context__  # the library's error would show the value in a traceback


@pytest.mark.parametrize("name", BASE)
@pytest.mark.parametrize("absent", ["gone", "empty"])
def test_a_missing_setting_says_what_to_do(name: str, absent: str) -> None:
    environ = {key: value for key, value in BASE.items() if key != name}
    if absent == "empty":
        environ[name] = ""
    with pytest.raises(SettingsError, match=f"^{name} is not set: give "):
        load_settings(environ)


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_is_also_read_from_a_file(name: str, tmp_path: Path) -> None:
    path = tmp_path / "value"
    path.write_text("\x00 wrong for all\n" if name != "CONNECTOR_HOME" else f"{tmp_path}/home\n")
    environ = {key: value for key, value in BASE.items() if key != name} | {f"{name}_FILE": str(path)}
    if name == "CONNECTOR_HOME":
        assert load_settings(environ).home == tmp_path / "home"
        return
    with pytest.raises(SettingsError, match=f"^{name} must"):
        load_settings(environ)


def test_a_file_ends_where_its_text_ends(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(f"k9:{KEY}\n")
    environ = {**BASE, "CONNECTOR_MASTER_KEYS": "", "CONNECTOR_MASTER_KEYS_FILE": str(path)}
    assert load_settings(environ).master_keys[0][0] == "k9"


def test_a_setting_given_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"^REDIS_URL and REDIS_URL_FILE are both set"):
        load_settings(BASE | {"REDIS_URL_FILE": str(tmp_path / "absent")})


@pytest.mark.parametrize(
    ("content", "wanted"),
    [(None, "cannot read"), (b"", "is empty"), (b" \n", "is empty"), (b"\xff\xfe", "not UTF-8")],
)
def test_a_file_without_a_text_is_refused(content: bytes | None, wanted: str, tmp_path: Path) -> None:
    path = tmp_path / "value"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match=f"^SENTRY_DSN_FILE: .*{wanted}"):
        load_settings(BASE | {"SENTRY_DSN_FILE": str(path)})


def test_embedded_servers_fill_only_what_is_left_out() -> None:
    embedded = EmbeddedDefaults(
        database_url="postgresql://connector@/connector?host=%2Ftmp%2Fx&port=5432",
        redis_url="redis://:other@127.0.0.1:7777/0",
        master_keys=f"made:{KEY}",
        flower_basic_auth="connector:made",
    )
    settings = load_settings({"REDIS_URL": BASE["REDIS_URL"]}, embedded=embedded)
    assert settings.database_url == embedded.database_url
    assert settings.redis_url == BASE["REDIS_URL"]
    assert settings.master_keys[0][0] == "made"
    assert settings.get_flower_basic_auth() == ("connector:made",)


def test_what_one_process_needs_is_asked_for_there() -> None:
    settings = load_settings(BASE)
    with pytest.raises(SettingsError, match=r"^FLOWER_BASIC_AUTH is not set"):
        settings.get_flower_basic_auth()
    with pytest.raises(SettingsError, match=r"^PUBLIC_BASE_URL is not set"):
        settings.get_public_base_url()


def test_a_dyno_names_its_worker() -> None:
    assert load_settings(BASE | {"DYNO": "worker.3"}).worker_name == "worker.3"


def test_secrets_have_no_repr() -> None:
    text = repr(
        load_settings(BASE | {"FLOWER_BASIC_AUTH": "a:pa-ss", "SENTRY_DSN": "https://pa-ss@h.example/1"})
    )
    assert "pa-ss" not in text
    assert repr(bytes(range(32))) not in text


@pytest.mark.parametrize(
    ("url", "sound"),
    [
        ("https://h.example", True),
        ("https://h.example:8443/base", True),
        ("http://localhost:8000", True),
        ("http://127.0.0.9", True),
        ("http://[::1]:80", True),
        ("http://h.example", False),
        ("http://127.0.0.1.example", False),
        ("https://user@h.example", False),
        ("https://h.example#f", False),
        ("https://h example", False),
        ("https://h.example:port", False),
        ("https://", False),
        ("ftp://localhost", False),
    ],
)
def test_public_addresses(url: str, sound: bool) -> None:
    environ = BASE | {"PUBLIC_BASE_URL": url}
    if sound:
        assert load_settings(environ).public_base_url == url
    else:
        with pytest.raises(SettingsError, match=r"^PUBLIC_BASE_URL must be"):
            load_settings(environ)
