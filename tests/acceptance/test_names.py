"""Letters of many languages through the whole chain, from BILL's JSON to Visma's."""

from __future__ import annotations

import pytest

from tests.acceptance.firm import Firm

pytestmark = pytest.mark.acceptance

NAMES = (
    "Åkerö Förvaltning & Söner AB",
    "Ærø Smørrebrød I/S",
    "Žluťoučký kůň s.r.o.",
    "Ελληνική Εταιρεία Ο.Ε.",
    "Общество «Ромашка»",
    "شركة المثال للتجارة",
    "חברת הדוגמה בע״מ",
    "株式会社サンプル",
    "ตัวอย่าง จำกัด",
    "उदाहरण प्राइवेट लिमिटेड",
    "A\u030angstro\u0308m decomposed",  # letters and their marks as separate code points
    "Quote \" back\\slash \u2028 'n' <tag> &amp; 🧾👩🏽‍🔧",
)

FAMILY = "👨‍👩‍👧"
"""Five code points that are one letter to the eye."""


def test_names_in_any_alphabet_arrive_byte_for_byte(firm: Firm) -> None:
    vendors = {firm.create_vendor(place, name=name): name for place, name in enumerate(NAMES)}
    bills = {firm.create_bill(vendor, name[:40], description=name) for vendor, name in vendors.items()}
    for bill_id in bills:
        firm.settle("bill", bill_id)

    shown = {supplier["accountReference"]: supplier for supplier in firm.suppliers()}
    assert {key: supplier["name"].encode() for key, supplier in shown.items()} == {
        key: name.encode() for key, name in vendors.items()
    }
    assert {supplier["mainContact"]["name"] for supplier in shown.values()} == set(NAMES)
    assert {supplier["note"] for supplier in shown.values()} == {None}
    assert {invoice["supplierReference"] for invoice in firm.invoices()} == {name[:40] for name in NAMES}
    lines = [line for invoice in firm.invoices() for line in invoice["invoiceLines"]]
    assert {line["transactionDescription"] for line in lines} == {f"Faktura {name[:40]}" for name in NAMES}


def test_a_name_too_long_for_visma_is_cut_between_letters_and_stands_whole_in_the_note(firm: Firm) -> None:
    name = "N" * 57 + FAMILY + " AB"
    reference = "2026/" + "9" * 40
    bill_id = firm.create_bill(firm.create_vendor(name=name), reference)
    firm.settle("bill", bill_id)

    (supplier,) = firm.suppliers()
    assert (supplier["name"], supplier["note"]) == ("N" * 57, name)
    (invoice,) = firm.invoices()
    assert invoice["supplierReference"] == reference[:40]
    assert f"Reference in full: {reference}" in invoice["note"].split("\n")
