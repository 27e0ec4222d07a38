from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.mapping.file_names import LONGEST, clean_file_name, fold_file_name, free_file_name

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("given_name", "expected"),
    [
        ("Räkning №7 – Ærø.pdf", "Räkning №7 – Ærø.pdf"),
        ("  a \t b\r\n.pdf ", "a b .pdf"),
        ("2026/10\\11.pdf", "2026-10-11.pdf"),
        ('"a".pdf', "'a'.pdf"),
        ("", "document"),
        ("\x00", "document"),
        (".pdf", ".pdf"),
        ("half \ud83d.pdf", "half ?.pdf"),
        ("å" * 200 + ".pdf", "å" * 146 + ".pdf"),
        ("no ending " + "x" * 200, ("no ending " + "x" * 200)[:LONGEST]),
        ("v1." + "x" * 200, ("v1." + "x" * 200)[:LONGEST]),
    ],
)
def test_cleaned_names(given_name: str, expected: str) -> None:
    assert clean_file_name(given_name) == expected


@given(st.text())
def test_every_text_becomes_a_name(text: str) -> None:
    name = clean_file_name(text)
    assert 0 < len(name) <= LONGEST
    assert not set(name) & set('/\\"\r\n\x00')


@pytest.mark.parametrize(
    ("name", "taken", "expected"),
    [
        ("a.pdf", (), "a.pdf"),
        ("a.pdf", ("A.PDF",), "a (2).pdf"),
        ("a.pdf", ("a.pdf", "a (2).pdf"), "a (3).pdf"),
        ("a.pdf", ("Bills (INV, 000123)\\a.pdf",), "a (2).pdf"),
        ("é.pdf", ("e\u0301.pdf",), "é (2).pdf"),
        ("scan", ("scan",), "scan (2)"),
        (".pdf", (".pdf",), ".pdf (2)"),
    ],
)
def test_free_names(name: str, taken: tuple[str, ...], expected: str) -> None:
    assert free_file_name(name, {fold_file_name(one) for one in taken}) == expected


@given(st.text(), st.sets(st.text(), max_size=5))
def test_a_free_name_is_never_taken(name: str, taken: set[str]) -> None:
    folded = {fold_file_name(one) for one in {*taken, clean_file_name(name)}}
    assert fold_file_name(free_file_name(clean_file_name(name), folded)) not in folded


@given(st.text())
def test_folding_ignores_how_letters_are_composed(name: str) -> None:
    assert fold_file_name(unicodedata.normalize("NFD", name)) == fold_file_name(
        unicodedata.normalize("NFC", name)
    )
