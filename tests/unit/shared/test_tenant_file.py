"""A tenant's file: what is read, what is refused and how it is told."""

from __future__ import annotations

import dataclasses
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import UsageError
from shared.jsontext import dumps, loads
from shared.tenant_file import config_from_json, config_to_json, parse_tenant
from shared.tenant_schema import APPROVAL_STATUSES, CLASSIFICATION_KEYS, MATCH_KEYS
from shared.tenants import (
    AlertsConfig,
    BillConfig,
    CountryMapping,
    LimitsConfig,
    MappingConfig,
    SegmentMapping,
    SyncConfig,
    TenantConfig,
    VismaConfig,
)
from workers.mapping.codes import RESOURCES

pytestmark = pytest.mark.unit

SAMPLES = Path(__file__).parents[3] / "deploy" / "tenants"

LEAST: dict[str, dict[str, Any]] = {
    "tenant": {"id": "acme-se", "name": "Acme AB"},
    "bill": {
        "base_url": "https://bill.example/connect",
        "events_url": "https://bill.example/events",
        "organization_id": "008X",
    },
    "visma": {
        "base_url": "https://visma.example",
        "token_url": "https://visma.example/token",
        "tenant_id": "7f3c",
        "company_id": "1234567",
    },
    "sync": {"bills_since": date(2026, 1, 1)},
    "mapping": {"supplier_class": "1", "currency": "SEK", "vat_category": "1"},
}


def toml(value: Any) -> str:
    """A value as TOML, tables inline."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(name)} = {toml(item)}" for name, item in value.items()) + "}"
    return '"' + "".join(f"\\U{ord(letter):08x}" for letter in value) + '"'


def text_of(tables: dict[str, Any]) -> str:
    """A file of these tables."""
    return "\n".join(f"{name} = {toml(table)}" for name, table in tables.items())


def changed(path: str, value: Any) -> dict[str, Any]:
    """The least file with one key set, or left out with None."""
    table, key = path.split(".")
    other = {**LEAST.get(table, {}), key: value}
    return {**LEAST, table: {name: item for name, item in other.items() if item is not None}}


def problems_of(text: str | bytes) -> list[str]:
    """What is said about a file, line by line, without its name."""
    with pytest.raises(UsageError) as caught:
        parse_tenant(text, source="acme.toml")
    lines = str(caught.value).split("\n")
    assert all(line.startswith("acme.toml: ") for line in lines)
    return [line.removeprefix("acme.toml: ") for line in lines]


def test_the_least_file_has_the_defaults() -> None:
    config = parse_tenant(text_of(LEAST), source="acme.toml")
    assert config == TenantConfig(
        id="acme-se",
        name="Acme AB",
        bill=BillConfig("https://bill.example/connect", "https://bill.example/events", "008X"),
        visma=VismaConfig("https://visma.example", "https://visma.example/token", "7f3c", "1234567"),
        sync=SyncConfig(bills_since=date(2026, 1, 1)),
        mapping=MappingConfig(supplier_class="1", currency="SEK", vat_category="1"),
    )
    assert (config.sync.poll_interval_s, config.limits.bill_concurrency, config.alerts.held) == (300, 3, 50)
    assert (config.mapping.vat, config.mapping.account, config.mapping.country) == ("gross", None, None)


@pytest.mark.parametrize("path", [f"{table}.{key}" for table in LEAST for key in LEAST[table]])
def test_every_required_key_is_named_when_it_is_missing(path: str) -> None:
    assert problems_of(text_of(changed(path, None))) == [f"{path}: is missing"]


def test_an_empty_file_names_all_of_them() -> None:
    assert problems_of("") == sorted(f"{table}.{key}: is missing" for table in LEAST for key in LEAST[table])


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("sync.bils_since", 1, "unknown key; did you mean bills_since?"),
        ("sync.zzz", 1, "unknown key"),
        ("mapping.acounts", {}, "unknown key; did you mean accounts?"),
        ("tenant.id", "Acme", "must be 1 to 40 of a-z, 0-9 and -, not 'Acme'"),
        ("tenant.id", "a" * 41, "1 to 40"),
        ("tenant.id", "", "must not be empty"),
        ("tenant.name", " ", "must not be empty"),
        ("tenant.name", "Acme\x00AB", "must not hold control characters"),
        ("tenant.locale", "swedish", "a locale such as sv_SE"),
        ("bill.base_url", "http://bill.example", "must be an https address"),
        ("bill.base_url", "https://user:geheim@bill.example", "must be an https address"),
        ("visma.company_id", 1234567, "must be text in quotes, not a number"),
        ("sync.bills_since", "2026-01-01", "must be a date such as 2026-01-31 without quotes"),
        ("sync.unmatched_vendors", "skip", 'must be one of "create", "hold", not \'skip\''),
        ("sync.match_suppliers_by", ["nam"], 'must be one of "account_reference"'),
        ("sync.match_suppliers_by", ["name", "name"], "must name each only once"),
        ("sync.match_suppliers_by", [], "must name at least one"),
        ("sync.match_suppliers_by", "name", "must be a list in square brackets"),
        ("sync.approval_statuses", ["DENIED"], "must be one of"),
        ("sync.poll_interval_s", 0, "must be at least 1, not 0"),
        ("sync.poll_interval_s", True, "must be a whole number without quotes, not true or false"),
        ("sync.poll_interval_s", 1.5, "not a number with decimals"),
        ("sync.poll_interval_s", "300", "not text in quotes"),
        ("sync.poll_interval_s", 10**12, "must be at most"),
        ("sync.poll_overlap_s", -1, "must be at least 0"),
        ("sync.hold", "yes", "must be true or false without quotes, not text in quotes"),
        ("sync.payments", "both", 'must be one of "bill", "visma"'),
        ("limits.bill_concurrency", 0, "must be at least 1"),
        ("alerts.held", -5, "must be at least 1"),
        ("mapping.currency", "kr", "an ISO currency such as SEK"),
        ("mapping.country", "Sweden", "an ISO country such as SE"),
        ("mapping.vat", "net", 'must be one of "gross", "none"'),
        ("mapping.accounts", ["5010"], "must be a table, not a list"),
        ("mapping.segments", {"segment": 1}, "must be tables [[mapping.segments]]"),
    ],
)
def test_a_wrong_value_is_refused_with_its_path(path: str, value: Any, told: str) -> None:
    (problem,) = problems_of(text_of(changed(path, value)))
    assert problem.startswith(f"{path}: ")
    assert told in problem
    assert "geheim" not in problem


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("accounts", {"6100": 5010}, "mapping.accounts.6100: must be text in quotes, not a number"),
        ("accounts", {'Rent "x"': ""}, 'mapping.accounts."Rent \\"x\\"": must not be empty'),
        ("countries", {"Norway": {}}, "mapping.countries.Norway: must be an ISO country such as NO"),
        ("countries", {"EU": {"vatt": "none"}}, "mapping.countries.EU.vatt: unknown key; did you mean vat?"),
        ("countries", {"EU": {"vat": "none"}}, "mapping.vat_category_exempt: is missing"),
        ("vat", "none", 'mapping.vat_category_exempt: is missing, and needed where vat = "none"'),
        ("segments", [{"segment": 1, "from": "department"}], "mapping.segments[1].from: must be one of"),
        ("segments", [{"from": "jobId"}], "mapping.segments[1].segment: is missing"),
        (
            "segments",
            [{"segment": 2, "from": "jobId"}],
            "mapping.segments: must be numbered 1, 2, 3 in order",
        ),
        (
            "segments",
            [{"segment": 1, "from": "jobId"}, {"segment": 1, "from": "itemId"}],
            "mapping.segments: must be numbered",
        ),
    ],
)
def test_a_wrong_mapping_is_refused_with_its_path(key: str, value: Any, told: str) -> None:
    (problem,) = problems_of(text_of(changed(f"mapping.{key}", value)))
    assert told in problem


def test_all_problems_are_told_at_once() -> None:
    tables = {**changed("sync.hold", 1), "alerts": {"held": 0}, "extra": 1}
    assert [problem.partition(":")[0] for problem in problems_of(text_of(tables))] == [
        "alerts.held",
        "extra",
        "sync.hold",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[tenant", "not valid TOML"),
        ("a = 1\na = 2", "not valid TOML"),
        (b"a = '\xff'", "not a text file in UTF-8"),
        ("a = " + "[" * 100_000, "not valid TOML"),
        ("tenant = 3", "tenant: must be a table"),
    ],
)
def test_what_is_no_such_file_is_refused_in_plain_words(text: str | bytes, told: str) -> None:
    assert any(told in problem for problem in problems_of(text))


def test_as_saved_by_a_windows_editor() -> None:
    text = text_of(LEAST)
    plain = parse_tenant(text, source="a")
    assert parse_tenant(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode(), source="a") == plain
    assert parse_tenant("\ufeff" + text, source="a") == plain


@pytest.mark.parametrize("host", ["localhost:8001", "127.0.0.1:8001", "[::1]:8001"])
def test_addresses_on_this_machine_need_no_tls_and_lose_their_last_slash(host: str) -> None:
    config = parse_tenant(text_of(changed("bill.base_url", f"http://{host}/connect/")), source="a")
    assert config.bill.base_url == f"http://{host}/connect"


@pytest.mark.parametrize("sample", sorted(SAMPLES.glob("*.toml")), ids=lambda path: path.name)
def test_the_samples_are_valid_and_their_comments_tell_the_defaults(sample: Path) -> None:
    text = sample.read_text()
    config = parse_tenant(text, source=sample.name)
    spelled_out = re.sub(r"^# (?=[a-z_]+ = |\[)", "", text, flags=re.MULTILINE)
    assert parse_tenant(spelled_out, source=sample.name) == config


def test_the_swedish_sample_explains_every_key() -> None:
    text = (SAMPLES / "sample-se.toml").read_text()
    for kind in (SyncConfig, LimitsConfig, AlertsConfig, MappingConfig, BillConfig, VismaConfig):
        for field in dataclasses.fields(kind):
            assert re.search(rf"^(# )?(\[*mapping\.)?{field.name}\b", text, re.MULTILINE), field.name


WORDS = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=12).filter(
    lambda word: bool(word.strip())
)
TABLES = st.dictionaries(WORDS, WORDS, max_size=3)
VATS = st.sampled_from(["gross", "none"])
COUNTRY_CODES = st.from_regex(r"[A-Z]{2}|OTHER", fullmatch=True)


def subset(words: tuple[str, ...]) -> st.SearchStrategy[tuple[str, ...]]:
    """Some of the words, in any order."""
    return st.lists(st.sampled_from(words), min_size=1, unique=True).map(tuple)


SEGMENTS = st.lists(
    st.tuples(st.sampled_from(CLASSIFICATION_KEYS), TABLES, st.none() | WORDS), max_size=3
).map(lambda parts: tuple(SegmentMapping(at, *part) for at, part in enumerate(parts, start=1)))
CONFIGS = st.builds(
    TenantConfig,
    id=st.from_regex(r"[a-z0-9-]{1,40}", fullmatch=True),
    name=WORDS,
    locale=st.sampled_from(["sv_SE", "da_DK"]),
    bill=st.just(BillConfig("https://b.example", "http://127.0.0.1:1/x", "008X")),
    visma=st.builds(
        VismaConfig, st.just("https://v.example"), st.just("https://v.example/t"), WORDS, st.just("1")
    ),
    sync=st.builds(
        SyncConfig,
        bills_since=st.dates(),
        unmatched_vendors=st.sampled_from(["create", "hold"]),
        match_suppliers_by=subset(MATCH_KEYS),
        approval_statuses=subset(APPROVAL_STATUSES),
        poll_interval_s=st.integers(1, 1000),
        poll_overlap_s=st.integers(0, 1000),
        hold=st.booleans(),
        attachments=st.booleans(),
        archived_vendors=st.sampled_from(["leave", "on_hold"]),
        closed_period=st.sampled_from(["hold", "next_open"]),
        payments=st.sampled_from(["bill", "visma"]),
    ),
    limits=st.builds(LimitsConfig, bill_concurrency=st.integers(1, 9)),
    alerts=st.builds(AlertsConfig, held=st.integers(1, 9)),
    mapping=st.builds(
        MappingConfig,
        supplier_class=WORDS,
        currency=st.from_regex(r"[A-Z]{3}", fullmatch=True),
        vat_category=WORDS,
        vat=VATS,
        vat_category_exempt=WORDS,
        country=st.none() | st.from_regex(r"[A-Z]{2}", fullmatch=True),
        account=st.none() | WORDS,
        accounts=TABLES,
        vat_categories=TABLES,
        countries=st.dictionaries(
            COUNTRY_CODES,
            st.builds(CountryMapping, vat=st.none() | VATS, vat_zone=st.none() | WORDS),
            max_size=3,
        ),
        credit_terms=TABLES,
        segments=SEGMENTS,
        suppliers=TABLES,
    ),
)


@given(CONFIGS)
def test_settings_survive_the_database_and_the_file(config: TenantConfig) -> None:
    stored = config_to_json(config)
    assert config_from_json(loads(dumps(stored))) == config
    stored["sync"]["bills_since"] = config.sync.bills_since
    assert parse_tenant(text_of(stored), source="a") == config


def test_settings_of_another_version_still_load() -> None:
    stored = config_to_json(parse_tenant(text_of(LEAST), source="a"))
    older = {name: table for name, table in stored.items() if name not in {"limits", "alerts"}}
    older["sync"] = {"bills_since": "2026-01-01"}
    newer = {**stored, "reports": {"weekly": True}, "sync": {**stored["sync"], "later": 1}}
    assert config_from_json(older) == config_from_json(newer) == config_from_json(stored)


@pytest.mark.parametrize("table", list(LEAST))
def test_stored_settings_that_cannot_be_read_say_what_to_do(table: str) -> None:
    stored = config_to_json(parse_tenant(text_of(LEAST), source="a"))
    with pytest.raises(UsageError, match="apply its file again"):
        config_from_json({**stored, table: {}})


def test_the_keys_of_classifications_are_the_lists_of_bill_and_customers() -> None:
    assert set(CLASSIFICATION_KEYS) == {*RESOURCES, "customerId"}


def test_every_setting_can_be_written_in_the_file() -> None:
    stored = config_to_json(parse_tenant(text_of(LEAST), source="a"))
    for table, kind in (("sync", SyncConfig), ("limits", LimitsConfig), ("alerts", AlertsConfig)):
        assert set(stored[table]) == {field.name for field in dataclasses.fields(kind)}
