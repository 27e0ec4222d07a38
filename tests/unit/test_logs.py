from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from shared import scrub
from shared.logs import bind_context, bound, clear_context, configure_logging, get_logger
from shared.settings import Settings, load_settings

pytestmark = pytest.mark.unit

ENVIRON = {
    "DATABASE_URL": "postgresql://app:db-hunter2@db/connector",
    "REDIS_URL": "redis://:redis-hunter2@cache",
    "CONNECTOR_MASTER_KEYS": "k:" + "A" * 43 + "=",
    "FLOWER_BASIC_AUTH": "ann:flower-hunter2",
}


@pytest.fixture(autouse=True)
def untouched_logging(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a test configures ends with it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    with monkeypatch.context() as patch:
        patch.setattr(scrub, "_values", set())
        yield
    root.handlers[:] = handlers
    root.setLevel(level)
    clear_context()
    structlog.reset_defaults()


def settings(**environ: str) -> Settings:
    return load_settings(ENVIRON | environ)


def configured(**environ: str) -> io.StringIO:
    stream = io.StringIO()
    configure_logging(settings(LOG_FORMAT="json", **environ), stream)
    return stream


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_has_its_action_and_its_context() -> None:
    stream = configured()
    bind_context(task_id="t1")
    with bound(tenant="acme"):
        get_logger("workers.base").info("record parked", action="record.parked", delay_s=1.5, name="Åsa")
    clear_context()
    get_logger("workers.base").warning("later", action="record.later")
    first, second = lines(stream)
    assert list(first)[:4] == ["timestamp", "level", "action", "event"]
    assert first.pop("timestamp").endswith("Z")
    assert first == {
        "level": "info",
        "action": "record.parked",
        "event": "record parked",
        "logger": "workers.base",
        "task_id": "t1",
        "tenant": "acme",
        "delay_s": 1.5,
        "name": "Åsa",
    }
    assert not {"task_id", "tenant"} & set(second)


def test_the_standard_library_logs_in_the_same_form() -> None:
    stream = configured()
    with bound(tenant="acme"):
        logging.getLogger("ingress.keys").warning("%s not there", "key", extra={"kind": "bill"})
    logging.getLogger("ingress.keys").warning("x", extra={"action": "key.absent"})
    first, second = lines(stream)
    assert (first["event"], first["tenant"], first["kind"]) == ("key not there", "acme", "bill")
    assert (first["action"], first["level"]) == ("log.ingress.keys", "warning")
    assert second["action"] == "key.absent"


def fail() -> None:
    hidden_local = "local-hunter2"
    raise ValueError(
        f"cannot reach redis://:redis-hunter2@cache with devKey=other-hunter2 {len(hidden_local)}"
    )


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_no_secret_is_in_a_line_or_a_traceback(log_format: str) -> None:
    stream = io.StringIO()
    configure_logging(settings(LOG_FORMAT=log_format), stream)
    logger = get_logger("x")
    logger.error(
        "flower-hunter2 is wrong", action="a", password="p-hunter2", inner={"sessionId": "s-hunter2"}
    )
    try:
        fail()
    except ValueError:
        logger.exception("failed", action="b")
        logging.getLogger("y").exception("db-hunter2 failed")
    text = stream.getvalue()
    assert text.count("ValueError") >= 2
    assert "in fail" in text
    assert "hunter2" not in text.replace("redis://:redis-hunter2@cache with devKey=other-hunter2 {len", "")
    assert "devKey=***" in text


def test_the_level_counts_for_both_kinds_and_chatty_libraries_have_their_own() -> None:
    stream = configured(LOG_LEVEL="WARNING")
    get_logger("x").info("no", action="a")
    logging.getLogger("y").info("no")
    assert stream.getvalue() == ""
    stream = configured(LOG_LEVEL="DEBUG")
    logging.getLogger("urllib3.connectionpool").debug("GET /secret")
    logging.getLogger("celery.app.trace").info("Task tick succeeded")
    get_logger("x").debug("yes", action="a")
    assert [line["event"] for line in lines(stream)] == ["yes"]


def test_configuring_again_does_not_double_the_lines() -> None:
    configured()
    stream = configured()
    get_logger("x").info("once", action="a")
    assert len(lines(stream)) == 1


def test_a_pipe_has_json_and_a_terminal_lines_for_people(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe, terminal = io.StringIO(), io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    for stream in (pipe, terminal):
        configure_logging(settings(), stream)
        get_logger("x").info("hello", action="greeting")
    assert lines(pipe)[0]["action"] == "greeting"
    assert not terminal.getvalue().startswith("{")
    assert "greeting" in terminal.getvalue()
