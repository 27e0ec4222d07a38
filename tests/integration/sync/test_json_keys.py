"""``--json`` prints every key that ``deploy/json.md`` promises."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.store.dead_letters import DeadLetter, add_letter
from tests.command_line import run
from tests.integration.sync.test_plan import environ
from tests.support.bench import Bench
from tests.support.people import bill_line

pytestmark = pytest.mark.integration

PAGE = Path(__file__).parents[3] / "deploy" / "json.md"
ROW = re.compile(r"^\| `connector ([^`]+)` \| (array|object) \| (.+) \|$", re.MULTILINE)


def promised() -> Iterator[tuple[str, str, set[str]]]:
    """Command, shape and keys of every row of the page's table; "the same" are those of the row above."""
    above: set[str] = set()
    for command, shape, text in ROW.findall(PAGE.read_text("utf-8")):
        keys = set(re.findall(r"`([a-z_]+)`", text))
        above = keys | above if text.startswith("the same") else keys
        yield command, shape, above


def test_every_command_prints_the_keys_it_promises(bench: Bench) -> None:
    vendor = bench.add_vendor()
    bill = bench.add_bill(vendor, "F-1")
    bench.add_bill(vendor, "F-2", bill_line("10.00", "4000", "300"))
    bench.sync()
    with bench.conn() as conn:
        letter = add_letter(conn, DeadLetter("t", [], "Permanent", "no", "t1", "acme", "bill", bill))
    words = {"TENANT": "acme", "KIND": "bill", "ID": bill, "LETTER": str(letter), "YYYY-MM": "2026-10"}
    settings = {**environ(bench), "PUBLIC_BASE_URL": "https://connector.example.com"}
    assert run(settings, "webhook", "subscribe", "acme").exit_code == 0
    checked = 0
    for command, shape, keys in promised():
        args = [words.get(word, word) for word in command.split()]
        document = json.loads(run(settings, *args, "--json").stdout)
        one = document[0] if shape == "array" else document
        assert (command, keys - one.keys()) == (command, set())
        checked += 1
    assert checked == 16
