"""What a check of the mapping finds wrong, and what it only warns of."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shared.bill.models import Classification
from shared.tenants import CountryMapping, MappingConfig, SegmentMapping
from shared.visma.models import Account
from tests.unit.workers.samples import CODES, LISTS, MAPPING
from workers.mapping.check import Finding, SetUp, check_mapping
from workers.mapping.codes import Codes
from workers.mapping.usage import Usage

pytestmark = pytest.mark.unit

SET_UP = SetUp(
    lists=LISTS,
    credit_terms={"30"},
    supplier_classes={"1", "2"},
    vat_zones={"EU", "EXP"},
    branches={"1": True, "9": False},
)
SEGMENT = MAPPING.segments[0]


def found(
    *, codes: Codes = CODES, usage: Usage | None = None, set_up: SetUp = SET_UP, **changes: Any
) -> list[Finding]:
    """What is found once these keys of the mapping are changed."""
    return check_mapping(replace(MAPPING, **changes), codes, usage or {}, set_up)


def test_a_mapping_that_fits_has_nothing_to_correct() -> None:
    assert found() == []


@pytest.mark.parametrize(
    ("changes", "key", "what"),
    [
        ({"account": "5999"}, "mapping.account", "account 5999 is not in Visma"),
        ({"accounts": {"0ca-rent": "1"}}, 'mapping.accounts."0ca-rent"', "account 1 is not in Visma"),
        ({"vat_category": "99"}, "mapping.vat_category", "VAT category 99 is inactive"),
        ({"vat_category_exempt": "7"}, "mapping.vat_category_exempt", "VAT category 7 is unknown"),
        ({"vat_categories": {"5010": "7"}}, 'mapping.vat_categories."5010"', "VAT category 7 is unknown"),
        ({"vat_categories": {"1": "25"}}, 'mapping.vat_categories."1"', "account 1 is not in Visma"),
        ({"currency": "USD"}, "mapping.currency", "currency USD is not in Visma"),
        ({"credit_terms": {"t": "60"}}, 'mapping.credit_terms."t"', "credit terms 60 is not in Visma"),
        ({"supplier_class": "7"}, "mapping.supplier_class", "supplier class 7 is not in Visma"),
        ({"branch": "7"}, "mapping.branch", "branch 7 is not in Visma"),
        ({"branch": "9"}, "mapping.branch", "branch 9 is inactive"),
        (
            {"countries": {"NO": CountryMapping(supplier_class="7")}},
            "mapping.countries.NO.supplier_class",
            "supplier class 7 is not in Visma",
        ),
        (
            {"countries": {"NO": CountryMapping(vat_zone="7")}},
            "mapping.countries.NO.vat_zone",
            "VAT zone 7 is not in Visma",
        ),
        (
            {"countries": {"NO": CountryMapping(vat_category="7")}},
            "mapping.countries.NO.vat_category",
            "VAT category 7 is unknown",
        ),
        (
            {"segments": (replace(SEGMENT, default="900"),)},
            "mapping.segments[1].default",
            "value 900 is inactive in Visma's segment 1",
        ),
        (
            {"segments": (replace(SEGMENT, values={"0de-sales": "7"}),)},
            'mapping.segments[1].values."0de-sales"',
            "value 7 is not in Visma's segment 1",
        ),
        (
            {"segments": (SEGMENT, SegmentMapping(2, "locationId", {}, "1"))},
            "mapping.segments[2]",
            "Visma's subaccount has no segment 2",
        ),
        (
            {"suppliers": {"009A": "1", "009B": "1"}},
            'mapping.suppliers."009B"',
            "supplier 1 is vendor 009A's already",
        ),
    ],
)
def test_what_points_to_nothing_is_wrong(changes: dict[str, Any], key: str, what: str) -> None:
    (finding,) = found(**changes)
    assert (finding.level, finding.key) == ("wrong", key)
    assert what in finding.what


@pytest.mark.parametrize(
    ("account", "what"),
    [
        (Account("5010", False, True, False), "inactive"),
        (Account("5010", True, False, False), "by hand"),
        (Account("5010", True, True, True), "by hand"),
    ],
)
def test_an_account_must_take_postings(account: Account, what: str) -> None:
    set_up = replace(SET_UP, lists=replace(LISTS, accounts={**LISTS.accounts, "5010": account}))
    (finding,) = found(set_up=set_up)
    assert what in finding.what


def test_a_supplier_that_visma_lacks_is_wrong() -> None:
    set_up = replace(SET_UP, missing_suppliers=["50009"])
    (finding,) = found(set_up=set_up, suppliers={"009A": "50009", "009B": "50001"})
    assert finding == Finding("wrong", 'mapping.suppliers."009A"', "supplier 50009 is not in Visma")


def test_without_a_default_every_account_needs_an_entry() -> None:
    usage: Usage = {"chartOfAccountId": {"0ca-rent": 9, "0ca-new": 2, None: 3}}
    assert [(one.key, one.bills) for one in found(account=None, usage=usage)] == [
        ('mapping.accounts."0ca-travel"', 0),
        ('mapping.accounts."0ca-new"', 2),
        ("mapping.account", 3),
    ]
    assert found(account=None, accounts={"0ca-rent": "5010", "6200": "5420"}) == []


def test_without_a_default_every_value_of_a_segment_needs_an_entry() -> None:
    segment = replace(SEGMENT, default=None, values={"S": "100"})
    assert [one.key for one in found(segments=(segment,))] == ['mapping.segments[1].values."0de-depot"']
    archived = Codes({"departmentId": {"0de-depot": Classification("0de-depot", "Depot", archived=True)}})
    warned = found(segments=(segment,), codes=archived, accounts={})
    assert [one.level for one in warned] == ["warning"], "an archived one that no bill uses needs none"
    usage: Usage = {"departmentId": {"0de-depot": 4}}
    assert found(segments=(segment,), codes=archived, accounts={}, usage=usage)[0].bills == 4


def test_warnings_come_last_and_are_not_wrong() -> None:
    everything = found(
        country=None,
        segments=(),
        accounts={"0ca-rnet": "5010", "Travel": "5420", "6200": "1"},
    )
    assert [(one.level, one.key) for one in everything] == [
        ("wrong", 'mapping.accounts."6200"'),
        ("warning", 'mapping.accounts."0ca-rnet"'),
        ("warning", "mapping.country"),
        ("warning", "mapping.segments"),
    ]


def test_what_bill_has_no_list_of_is_not_doubted() -> None:
    segment = SegmentMapping(1, "customerId", {"0cu-1": "100"}, "000")
    assert found(segments=(segment,)) == []


def test_a_name_is_quoted_as_toml_wants_it() -> None:
    mapping: MappingConfig = replace(MAPPING, accounts={'A "b"': "1"})
    keys = [one.key for one in check_mapping(mapping, CODES, {}, SET_UP)]
    assert keys == ['mapping.accounts."A \\"b\\""'] * 2
