"""What names, numbers, references and notes are compared by."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.mapping.keys import find_marker, fold_name, fold_reference, marker, number_keys

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("Acme AB", "ACME", id="AB"),
        pytest.param("Acme A/S", "Acme as", id="A/S"),
        pytest.param("Acme ApS", "acme", id="ApS"),
        pytest.param("Acme AS", "acme", id="AS"),
        pytest.param("Acme Oy", "Acme OYJ", id="Oy"),
        pytest.param("Acme Oy Ab", "Acme", id="two forms that belong together"),
        pytest.param("Acme GmbH & Co. KG", "Acme GmbH", id="GmbH"),
        pytest.param("Acme Ltd.", "Acme Limited", id="Ltd"),
        pytest.param("Acme, Inc.", "acme inc", id="Inc after a comma"),
        pytest.param("Acme L.L.C.", "Acme LLC", id="with dots"),
        pytest.param("Acme I/S", "Acme K/S", id="I/S and K/S"),
        pytest.param("Acme AB (publ)", "Acme AB", id="public company"),
        pytest.param("ＡＣＭＥ　ＡＢ", "acme", id="NFKC"),
        pytest.param("Cafe\u0301", "CAFÉ", id="composed and decomposed"),
        pytest.param("  Acme\t Nordic  ", "acme nordic", id="single spaces"),
        pytest.param("STRASSE", "straße", id="casefold"),
    ],
)
def test_names_that_are_one(one: str, other: str) -> None:
    assert fold_name(one) == fold_name(other) != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Acme", "Acme Nordic"),
        ("AB Volvo", "Volvo"),
        ("Acme AB", "Acme AB Holding"),
        ("AB", "AS"),
        ("Hansa", "Han"),
        ("Ångström", "Angstrom"),
    ],
)
def test_names_that_are_not_one(one: str, other: str) -> None:
    assert fold_name(one) != fold_name(other)


@pytest.mark.parametrize("name", ["", "   ", None, "\u3000"])
def test_an_empty_name_has_no_key(name: str | None) -> None:
    assert fold_name(name) == ""


@given(st.text())
def test_a_name_folds_alike_however_it_is_composed_and_spaced(name: str) -> None:
    assert fold_name(unicodedata.normalize("NFD", name)) == fold_name(unicodedata.normalize("NFC", name))
    assert fold_name(f"  {name} ") == fold_name(name)


@pytest.mark.parametrize(
    ("number", "keys"),
    [
        pytest.param("556677-8899", {"5566778899"}, id="without hyphens"),
        pytest.param("12 34 56\u00a078", {"12345678"}, id="without spaces"),
        pytest.param("SE556677889901", {"SE556677889901", "5566778899"}, id="SE<10 digits>01"),
        pytest.param("se 556677-8899 01", {"SE556677889901", "5566778899"}, id="any writing of it"),
        pytest.param("DK12345678", {"DK12345678", "12345678"}, id="DK<8 digits>"),
        pytest.param("SE556677889902", {"SE556677889902"}, id="not ending in 01"),
        pytest.param("DK1234567", {"DK1234567"}, id="too short"),
        pytest.param("NO987654321MVA", {"NO987654321MVA"}, id="other countries as they are"),
        pytest.param("DK１２３４５６７８", {"DK１２３４５６７８"}, id="only our own digits"),
        pytest.param(" - \u2013", set(), id="nothing left"),
        pytest.param("", set(), id="empty"),
        pytest.param(None, set(), id="none"),
    ],
)
def test_number_keys(number: str | None, keys: set[str]) -> None:
    assert number_keys(number) == keys


def test_a_reference_is_trimmed_and_case_folded() -> None:
    assert fold_reference(" Faktura-77 ß ") == fold_reference("FAKTURA-77 SS") == "faktura-77 ss"
    assert fold_reference(None) == ""


@given(st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True), st.text())
def test_the_marker_is_found_whatever_follows(bill_id: str, rest: str) -> None:
    assert find_marker(f"{marker(bill_id)}\n{rest}") == f"BILL:{bill_id}"


@pytest.mark.parametrize(
    ("note", "found"),
    [
        pytest.param("BILL:00n1", "BILL:00n1", id="alone"),
        pytest.param("BILL:00n1\r\nPO", "BILL:00n1", id="Windows line ends"),
        pytest.param("  BILL:00n1 seen by Anna", "BILL:00n1", id="with a person's words after it"),
        pytest.param("Anna\nBILL:00n1", None, id="not on the first line"),
        pytest.param("see BILL:00n1", None, id="not at its beginning"),
        pytest.param("BILL:", None, id="without an id"),
        pytest.param("BILL:00n1!", None, id="not an id"),
        pytest.param(None, None, id="no note"),
    ],
)
def test_find_marker(note: str | None, found: str | None) -> None:
    assert find_marker(note) == found
