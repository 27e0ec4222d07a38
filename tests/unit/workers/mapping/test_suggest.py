"""Suggested counterparts: by number, by name, and as TOML that a tenant's file takes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.bill.models import BillLine, Classification
from shared.tenant_file import parse_tenant
from shared.tenants import MappingConfig, SegmentMapping
from shared.visma.models import Account, Lists, Segment
from tests.support.tenants import tenant_text
from tests.unit.workers.samples import BILL, LISTS, bill
from workers.mapping.codes import Codes
from workers.mapping.suggest import Suggestions, suggest_mapping, suggest_target
from workers.mapping.suggest_toml import write_suggestions
from workers.mapping.usage import Code, count_usage, list_codes

pytestmark = pytest.mark.unit

ACCOUNTS = {"5010": "Lokalhyra", "5410": "Förbrukningsinventarier", "6110": "Kontorsmateriel", "6250": ""}


def code(name: str = "", number: str | None = None, **fields: Any) -> Code:
    """An account of BILL's chart."""
    return Code("chartOfAccountId", "0ca1", Classification("0ca1", name, number=number, **fields))


@pytest.mark.parametrize(
    ("of", "target", "why"),
    [
        pytest.param(code("Hyra", "5010"), "5010", "the same number", id="number"),
        pytest.param(code("Lokalhyra", " 6110 "), "6110", "the same number", id="number before name"),
        pytest.param(code("5410: inventarier"), "5410", "begins with the number", id="number in name"),
        pytest.param(code("6250"), "6250", "the same number", id="name is number"),
        pytest.param(code("LOKALHYRA  kontor", "1"), "5010", "% like Visma's account 5010", id="name"),
        pytest.param(code("Kontorsmaterial"), "6110", "like Visma's account 6110", id="misspelt"),
        pytest.param(code("Representation", "6070"), None, "no account in Visma is like it", id="nothing"),
        pytest.param(code("???"), None, "no account in Visma is like it", id="no letters"),
        pytest.param(Code("chartOfAccountId", "0ca1"), None, "does not say what it is", id="unknown"),
    ],
)
def test_the_counterpart_of_one_code(of: Code, target: str | None, why: str) -> None:
    found = suggest_target(of, ACCOUNTS, "account")
    assert found.target == target
    assert why in found.why


def test_two_that_are_equally_like_are_told_and_neither_is_chosen() -> None:
    found = suggest_target(code("Hyra"), {"1": "Hyra", "2": "hyra!"}, "account")
    assert (found.target, found.why) == (None, "as like 1 Hyra and 2 hyra!: choose one")


def lists(accounts: dict[str, str] | None = None, segments: tuple[Segment, ...] = ()) -> Lists:
    known = {
        number: Account(number, True, True, False, text) for number, text in (accounts or ACCOUNTS).items()
    }
    return replace(LISTS, accounts=known, segments={segment.id: segment for segment in segments})


CENTRES = Segment(
    1,
    "Kostnadsställe",
    True,
    {"100": True, "200": True, "900": False},
    {"100": "Försäljning", "200": "Lager", "900": "Gamla lagret"},
)
CODES = Codes(
    {
        "chartOfAccountId": {
            "0ca1": Classification("0ca1", "Rent", number="5010"),
            "0ca2": Classification("0ca2", "Misc"),
            "0ca3": Classification("0ca3", "Old", number="5410", archived=True),
        },
        "departmentId": {
            "0de1": Classification("0de1", "Försäljningen", short_name="F"),
            "0de2": Classification("0de2", "200 Depå"),
        },
        "locationId": {"loc1": Classification("loc1", "Lager")},
    }
)
BASE = MappingConfig(supplier_class="1", currency="SEK", vat_category="25")


def pasted(text: str) -> MappingConfig:
    """The mapping of a file that has the suggestions in it."""
    return parse_tenant(tenant_text("acme") + text, source="acme.toml").mapping


def test_what_is_used_and_what_bill_offers_needs_a_counterpart() -> None:
    old, none = ({"chartOfAccountId": "0ca3"}, {})
    two_lines = bill(lines=tuple(replace(BILL.lines[0], classifications=used) for used in (old, none)))
    by_header = replace(two_lines, classifications={"chartOfAccountId": "gone"})
    usage = count_usage([two_lines, two_lines, by_header], {"chartOfAccountId"})
    assert usage == {"chartOfAccountId": {"0ca3": 3, None: 2, "gone": 1}}
    listed = list_codes("chartOfAccountId", CODES, usage)
    assert [(one.id, one.bills, one.title) for one in listed] == [
        ("0ca1", 0, "5010 Rent"),
        ("0ca3", 3, "5410 Old"),
        ("0ca2", 0, "Misc"),
        ("gone", 1, "not in BILL's list"),
    ]


def test_the_toml_has_what_is_there_what_is_new_and_why() -> None:
    mapping = replace(
        BASE,
        accounts={"Misc": "6110"},
        segments=(SegmentMapping(1, "departmentId", {"0de9": "100"}, "200"),),
    )
    text = write_suggestions(suggest_mapping(mapping, CODES, {}, lists(segments=(CENTRES,))))
    assert '"0ca1" = "5010"  # 5010 Rent: the same number as Visma\'s account 5010 Lokalhyra' in text
    assert pasted(text).accounts == {"Misc": "6110", "0ca1": "5010"}
    assert pasted(text).segments == (
        SegmentMapping(1, "departmentId", {"0de9": "100", "0de1": "100", "0de2": "200"}, "200"),
    )


def test_a_segment_without_a_mapping_gets_the_classification_that_is_most_like_it() -> None:
    second = Segment(2, "Projekt", True, {"X": True}, {"X": "Nothing alike"})
    text = write_suggestions(suggest_mapping(BASE, CODES, {}, lists(segments=(CENTRES, second))))
    assert pasted(text).segments == (SegmentMapping(1, "departmentId", {"0de1": "100", "0de2": "200"}),)
    assert "segment 1 (Kostnadsställe) has values like these" in text


def test_where_nothing_is_alike_there_are_comments_and_where_nothing_is_missing_there_is_nothing() -> None:
    alien = write_suggestions(suggest_mapping(BASE, CODES, {}, lists({"1": "Zzz"})))
    assert '# "0ca2" = ""  # Misc: no account in Visma is like it: choose one' in alien
    assert pasted(alien).accounts == {}
    whole = replace(BASE, accounts={"5010": "5010", "Misc": "6110"})
    assert write_suggestions(suggest_mapping(whole, CODES, {}, lists())) == ""


def test_accounts_that_cannot_be_posted_to_and_values_that_are_inactive_are_no_targets() -> None:
    closed = replace(lists({"5010": "Rent"}), accounts={"5010": Account("5010", False, True, False, "Rent")})
    assert suggest_mapping(BASE, CODES, {}, closed).accounts.suggestions[0].target is None
    departments = Codes({"departmentId": {"0de1": Classification("0de1", "Gamla lagret", short_name="900")}})
    found = suggest_mapping(
        replace(BASE, segments=(SegmentMapping(1, "departmentId"),)),
        departments,
        {},
        lists(segments=(CENTRES,)),
    )
    assert [one.target for one in found.all] == [None]


TEXT = st.text(st.characters(exclude_categories=()), max_size=12) | st.sampled_from(
    ["5010", "Lokalhyra", '"', "\\", "a\u2028b", "x # y", "\ud800", "\x7f", "'''", "="]
)
NAMES = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=8).filter(str.strip)
ENTRIES = st.builds(
    Classification, NAMES, TEXT, archived=st.booleans(), short_name=st.none() | TEXT, number=st.none() | TEXT
)
TARGETS = st.dictionaries(TEXT, TEXT, max_size=6)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[MappingConfig, Codes, Lists]:
    """A mapping that a file could hold, and lists of both systems with anything in them."""
    keys = ("chartOfAccountId", "departmentId", "locationId")
    found = {key: {one.id: one for one in draw(st.lists(ENTRIES, max_size=5))} for key in keys}
    accounts = {
        number: Account(number, draw(st.booleans()), True, False, text)
        for number, text in draw(TARGETS).items()
    }
    segments = {}
    for number in range(1, draw(st.integers(0, 2)) + 1):
        values = draw(TARGETS)
        segments[number] = Segment(number, draw(TEXT), True, dict.fromkeys(values, True), values)
    own = tuple(
        SegmentMapping(number, key, draw(st.dictionaries(NAMES, NAMES, max_size=3)), draw(st.none() | NAMES))
        for number, key in enumerate(keys[1 : draw(st.integers(1, 3))], start=1)
    )
    mapping = replace(BASE, accounts=draw(st.dictionaries(NAMES, NAMES, max_size=3)), segments=own)
    return mapping, Codes(found), replace(LISTS, accounts=accounts, segments=segments)


@given(worlds())
def test_pasted_suggestions_are_a_file_that_keeps_what_it_had(
    world: tuple[MappingConfig, Codes, Lists],
) -> None:
    mapping, codes, known = world
    found = suggest_mapping(mapping, codes, {}, known)
    text = write_suggestions(found)
    after = pasted(text)
    _assert_kept(mapping.accounts, dict(after.accounts), written="[mapping.accounts]" in text)
    for before, now in zip(mapping.segments, after.segments, strict=False):
        assert (before.segment, before.source, before.default) == (now.segment, now.source, now.default)
        _assert_kept(before.values, dict(now.values), written=True)
    assert all(
        known.accounts[after.accounts[key]].active for key in set(after.accounts) - set(mapping.accounts)
    )
    # what was suggested once is not suggested again
    now_mapped = replace(
        mapping,
        accounts=after.accounts or mapping.accounts,
        segments=after.segments or mapping.segments,
    )
    assert not _usable(suggest_mapping(now_mapped, codes, {}, known))


def _assert_kept(before: Any, after: dict[str, str], *, written: bool) -> None:
    if written:
        assert dict(before).items() <= after.items()


def _usable(found: Suggestions) -> list[tuple[str, str]]:
    """Suggestions that a file could hold."""
    pairs = [(one.code.id, one.target) for one in found.all if one.target is not None]
    return [(key, target) for key, target in pairs if target.strip() and target.isprintable()]


def test_a_line_of_a_bill_counts_once_a_bill() -> None:
    lines = tuple(BillLine(None, BILL.amount, classifications={"departmentId": "0de1"}) for _ in range(3))
    assert count_usage([bill(lines=lines)], ["departmentId"]) == {"departmentId": {"0de1": 1}}
