"""Which of Visma's suppliers a vendor is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.bill.models import Vendor
from shared.errors import NeedsPerson
from shared.tenants import TenantConfig
from tests.unit.workers.samples import CONFIG, VENDOR, mapping, sync, vendor
from workers.mapping.keys import fold_name, number_keys
from workers.sync.matching import NO_MATCH, IndexedSupplier, Match, match_supplier

pytestmark = pytest.mark.unit

NAME = "Café Åkesson & Søn AB"


def supplier(
    number: str, name: str = "Other", *, corporate: str = "", vat: str = "", **fields: Any
) -> IndexedSupplier:
    """A supplier as the index keeps it."""
    return IndexedSupplier(
        number,
        name,
        name_key=fold_name(name),
        corporate_ids=number_keys(corporate),
        vat_ids=number_keys(vat),
        **fields,
    )


SAME_NAME = supplier("1", "CAFÉ ÅKESSON & SØN aktiebolag".replace(" aktiebolag", " A.B."))
MARKED = supplier("2", account_reference="009-vendor")
CORPORATE = supplier("3", corporate="5566778899")
VAT = supplier("4", vat="SE 556677-8899 01")
DANE = vendor(tax_id="DK12345678")


@pytest.mark.parametrize(
    ("of", "candidates", "expected"),
    [
        pytest.param(VENDOR, [], NO_MATCH, id="nobody"),
        pytest.param(VENDOR, [supplier("9", corporate="1")], NO_MATCH, id="nobody like it"),
        pytest.param(VENDOR, [MARKED], Match("2", "account_reference"), id="our marker"),
        pytest.param(VENDOR, [CORPORATE], Match("3", "corporate_id"), id="number without hyphens"),
        pytest.param(
            VENDOR, [VAT], Match("4", "vat_registration_id"), id="bare number of a Swedish VAT number"
        ),
        pytest.param(
            DANE,
            [supplier("5", corporate="12 34 56 78")],
            Match("5", "corporate_id"),
            id="bare Danish number",
        ),
        pytest.param(VENDOR, [SAME_NAME], Match("1", "name"), id="name without company form"),
        pytest.param(
            VENDOR, [VAT, CORPORATE, MARKED, SAME_NAME], Match("2", "account_reference"), id="in order"
        ),
        pytest.param(VENDOR, [VAT, CORPORATE, SAME_NAME], Match("3", "corporate_id"), id="in order, second"),
        pytest.param(vendor(tax_id=None), [SAME_NAME], Match("1", "name"), id="name, no number in BILL"),
        pytest.param(
            VENDOR,
            [supplier("6", NAME, corporate="556677 8899", linked_vendor="009-vendor")],
            Match("6", "corporate_id"),
            id="linked to this very vendor",
        ),
        pytest.param(
            VENDOR,
            [supplier("7", NAME, linked_vendor="009-else")],
            NO_MATCH,
            id="taken: no candidate by name",
        ),
        pytest.param(
            VENDOR,
            [supplier("7", NAME, linked_vendor="009-else"), SAME_NAME],
            Match("1", "name"),
            id="taken: the other of the name",
        ),
        pytest.param(
            vendor(name="  ", tax_id=None), [supplier("8", " ")], NO_MATCH, id="an empty name matches nothing"
        ),
        pytest.param(
            vendor(tax_id=" - "),
            [supplier("8", corporate="-")],
            NO_MATCH,
            id="an empty number matches nothing",
        ),
    ],
)
def test_match(of: Vendor, candidates: list[IndexedSupplier], expected: Match) -> None:
    assert match_supplier(of, candidates, CONFIG) == expected


@pytest.mark.parametrize(
    ("of", "candidates", "reason", "told"),
    [
        pytest.param(
            VENDOR,
            [supplier("11", NAME), supplier("10", NAME)],
            "ambiguous_supplier",
            ["10", "11"],
            id="several of the name",
        ),
        pytest.param(
            VENDOR,
            [supplier("10", corporate="556677-8899"), supplier("11", corporate="5566778899")],
            "ambiguous_supplier",
            ["10", "11"],
            id="several of the number",
        ),
        pytest.param(
            VENDOR,
            [supplier("10", NAME, corporate="111111-1111")],
            "ambiguous_supplier",
            ["10", "1111111111", "556677-8899"],
            id="the name agrees and a number contradicts",
        ),
        pytest.param(
            VENDOR,
            [supplier("10", corporate="556677-8899", linked_vendor="009-else")],
            "supplier_taken",
            ["10", "009-else"],
            id="hit by number, taken",
        ),
        pytest.param(
            VENDOR,
            [supplier("10", account_reference="009-vendor", linked_vendor="009-else")],
            "supplier_taken",
            ["10", "009-else"],
            id="our marker, taken",
        ),
    ],
)
def test_needs_a_person(of: Vendor, candidates: list[IndexedSupplier], reason: str, told: list[str]) -> None:
    with pytest.raises(NeedsPerson) as caught:
        match_supplier(of, candidates, CONFIG)
    assert caught.value.reason == reason
    assert [word for word in [*told, "009-vendor"] if word not in caught.value.detail] == []


def test_a_link_by_hand_goes_first_and_over_everything() -> None:
    config = mapping(suppliers={"009-vendor": "50002"})
    taken = supplier("50002", linked_vendor="009-else")
    assert match_supplier(VENDOR, [MARKED, taken], config) == Match("50002", "mapping.suppliers")
    assert match_supplier(vendor(id="009-next"), [], config) == NO_MATCH


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (("name", "corporate_id"), Match("1", "name")),
        (("vat_registration_id", "name"), Match("4", "vat_registration_id")),
        (("account_reference",), NO_MATCH),
    ],
)
def test_the_configured_order(keys: tuple[str, ...], expected: Match) -> None:
    assert match_supplier(VENDOR, [VAT, CORPORATE, SAME_NAME], sync(match_suppliers_by=keys)) == expected


SUPPLIERS = st.builds(
    supplier,
    st.sampled_from("123456"),
    st.sampled_from([NAME, "Café Åkesson & Søn", "Other", ""]),
    corporate=st.sampled_from(["", "556677-8899", "5566778899", "111111-1111"]),
    vat=st.sampled_from(["", "SE556677889901", "DK12345678"]),
    account_reference=st.sampled_from([None, "009-vendor", "009-else"]),
    linked_vendor=st.sampled_from([None, "009-vendor", "009-else"]),
)
ORDERS = st.permutations(["account_reference", "corporate_id", "vat_registration_id", "name"])


def outcome(of: Vendor, candidates: list[IndexedSupplier], config: TenantConfig) -> Match | str:
    """The match, or why a person is needed."""
    try:
        return match_supplier(of, candidates, config)
    except NeedsPerson as error:
        return str(error)


@given(st.lists(SUPPLIERS, unique_by=lambda each: each.number), ORDERS, st.randoms())
def test_the_order_of_candidates_does_not_matter(
    candidates: list[IndexedSupplier], order: list[str], random: Any
) -> None:
    config = sync(match_suppliers_by=tuple(order))
    shuffled = random.sample(candidates, len(candidates))
    assert outcome(VENDOR, candidates, config) == outcome(VENDOR, shuffled, config)


@given(st.lists(SUPPLIERS, unique_by=lambda each: each.number), ORDERS)
def test_never_a_supplier_that_another_vendor_is_linked_to(
    candidates: list[IndexedSupplier], order: list[str]
) -> None:
    found = outcome(VENDOR, candidates, sync(match_suppliers_by=tuple(order)))
    if isinstance(found, Match) and found.number is not None:
        (hit,) = (each for each in candidates if each.number == found.number)
        assert hit.linked_vendor in {None, "009-vendor"}
