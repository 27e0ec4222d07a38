"""Fault rules: which requests they strike and how often."""

from __future__ import annotations

import pytest

from deploy.sandbox.faults import BadRule, FaultBook
from deploy.sandbox.jsonio import Json
from deploy.sandbox.options import BadOption, change
from deploy.sandbox.visma.models import VismaSettings

pytestmark = pytest.mark.unit


def _strikes(book: FaultBook, count: int = 1, **call: str) -> list[int]:
    full = {"system": "visma", "tenant": "1", "method": "GET", "route": "/visma/v1/supplier", **call}
    return [len(book.strike(**full, body=b'{"ref":"F-1"}')) for _ in range(count)]


@pytest.mark.parametrize(
    ("match", "struck"),
    [
        ({}, True),
        ({"system": "visma", "tenant": "1", "method": "GET", "route": "supplier$"}, True),
        ({"system": "bill"}, False),
        ({"tenant": "2"}, False),
        ({"method": "PUT"}, False),
        ({"route": "^/v1"}, False),
        ({"body": "F-[0-9]"}, True),
        ({"body": "G-"}, False),
    ],
)
def test_a_rule_strikes_what_agrees_with_everything_it_says(match: Json, struck: bool) -> None:
    book = FaultBook()
    book.add({"match": match, "action": {"kind": "drop"}})
    assert _strikes(book) == [int(struck)]


def test_skip_lets_some_pass_and_times_ends_it() -> None:
    book = FaultBook()
    rule = book.add({"action": {"kind": "drop"}, "skip": 2, "times": 2})
    assert _strikes(book, 6) == [0, 0, 1, 1, 0, 0]
    assert (rule.seen, rule.applied) == (6, 2)


def test_chance_repeats_with_the_same_seed() -> None:
    runs = []
    for _ in range(2):
        book = FaultBook()
        book.add({"action": {"kind": "drop"}, "probability": 0.3, "seed": 7})
        runs.append(_strikes(book, 200))
    assert runs[0] == runs[1]
    assert 30 < sum(runs[0]) < 90


def test_one_rule_decides_and_the_next_waits_for_a_later_request() -> None:
    book = FaultBook()
    book.add({"action": {"kind": "latency", "seconds": 1}})
    rules = [book.add({"action": {"kind": "status", "when": "after"}, "times": 1}) for _ in range(2)]
    book.add({"action": {"kind": "race"}})
    assert _strikes(book, 3) == [3, 3, 2]
    assert [rule.applied for rule in rules] == [1, 1]


def test_rules_behind_one_that_prevents_the_effect_are_not_used_up() -> None:
    book = FaultBook()
    book.add({"action": {"kind": "status"}, "times": 1})
    race = book.add({"action": {"kind": "race"}, "times": 1})
    assert _strikes(book, 2) == [1, 1]
    assert race.seen == 1


def test_rules_of_webhooks_do_not_strike_requests() -> None:
    book = FaultBook()
    book.add({"action": {"kind": "drop_hook"}})
    assert _strikes(book) == [0]
    assert _strikes(book, system="webhook", route="bill.created") == [1]


@pytest.mark.parametrize(
    ("spec", "named"),
    [
        ({"action": {"kind": "explode"}}, "explode"),
        ({"action": {"kind": "drop", "seconds": 1}}, "seconds"),
        ({"action": {"kind": "drop"}, "match": {"path": "x"}}, "path"),
        ({"action": {"kind": "drop"}, "often": 1}, "often"),
        ({"action": {"kind": "drop"}, "match": {"route": "("}}, "("),
        ({"action": {"kind": "status", "shape": "round"}}, "round"),
    ],
)
def test_a_rule_that_says_something_unknown_is_refused(spec: Json, named: str) -> None:
    with pytest.raises(BadRule) as refused:
        FaultBook().add(spec)
    assert named in str(refused.value)


@pytest.mark.parametrize("wanted", [{"speed": 1}, {"token_life_s": "long"}, {"note_on_single_reads": 1}])
def test_unknown_or_wrong_settings_change_nothing(wanted: Json) -> None:
    settings = VismaSettings()
    with pytest.raises(BadOption):
        change(settings, {"release_delay_s": 5, **wanted})
    assert settings == VismaSettings()


def test_whole_numbers_become_the_kind_of_number_a_setting_has() -> None:
    settings = VismaSettings()
    change(settings, {"release_delay_s": 5, "calls_per_hour": 7})
    assert (settings.release_delay_s, settings.calls_per_hour) == (5.0, 7)
    assert isinstance(settings.release_delay_s, float)
