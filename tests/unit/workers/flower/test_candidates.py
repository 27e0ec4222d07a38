from __future__ import annotations

from typing import Any

import pytest

from shared.bill.models import Vendor
from workers.flower.candidates import MOST, rank_suppliers
from workers.mapping.keys import fold_name, number_keys

pytestmark = pytest.mark.unit

VENDOR = Vendor("009", "Hållbar El i Västerås AB", tax_id="SE556677889901")


def supplier(number: str, name: str, tax_id: str = "", bill_id: str | None = None) -> dict[str, Any]:
    """A supplier as the index keeps it."""
    keys = sorted(number_keys(tax_id))
    own = {"number": number, "name": name, "name_key": fold_name(name), "number_keys": keys}
    return {**own, "bill_id": bill_id, "status": "Active", "currency": "SEK"}


def test_the_likeliest_stand_first_and_the_unlike_not_at_all() -> None:
    suppliers = [
        supplier("1", "Kontorsvaror i Åmål"),
        supplier("2", "Hållbar El Västerås"),
        supplier("3", "HÅLLBAR EL I VÄSTERÅS"),
        supplier("4", "Elbolaget", tax_id="556677-8899"),
        supplier("5", "Något annat", bill_id="009"),
    ]
    found = rank_suppliers(VENDOR, suppliers, {})
    assert [one.number for one in found] == ["5", "4", "3", "2"]
    assert [one.why for one in found][:3] == [
        "carries this vendor's BILL id",
        "has the same number SE556677889901",
        "has the same name",
    ]
    assert found[3].why.startswith("its name is ") and found[3].why.endswith("% like it")


def test_suppliers_of_other_vendors_come_last_and_say_so() -> None:
    suppliers = [supplier("1", "Hållbar El i Västerås"), supplier("2", "Hållbar El Västerås")]
    first, second = rank_suppliers(VENDOR, suppliers, {"1": "00X", "2": "009"})
    assert (first.number, first.taken_by) == ("2", None)
    assert (second.number, second.taken_by) == ("1", "00X")


def test_never_more_than_a_person_reads() -> None:
    suppliers = [supplier(str(number), "Hållbar El i Västerås") for number in range(50)]
    assert len(rank_suppliers(VENDOR, suppliers, {})) == MOST
    assert rank_suppliers(Vendor("009", "AB"), [supplier("1", "")], {}) == []
