"""Names and texts arrive as they were typed, byte for byte, or stop nobody else's.

``NAUGHTY_STRINGS=FILE`` takes the strings from a JSON list, such as the big list of naughty strings.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import ENVIRON
from tests.support.bench import Bench
from tests.support.people import bill_line

pytestmark = pytest.mark.integration

NAUGHTY = (
    "Räksmörgås & Ål i Övertorneå AB",
    "Ægir Þór Ölgerðin ehf.",
    "Smørrebrød “Ø” ApS",
    "Ţ̶̛h̷e ̸Z̵a̶l̴g̵o Ltd",  # many combining marks
    "e\u0301cole (decomposed) and \u00e9cole (composed)",
    "山田商事株式会社",
    "ООО «Ромашка»",
    "شركة النور للتجارة",
    "\u202eBA desreveR\u202c",  # right-to-left override
    "Zero\u200bwidth\u200djoiner\ufeffmark",
    "Familj 👨‍👩‍👧‍👦 🇸🇪 👍🏽",
    "ﬁnance ﬂow ﬃ",  # ligatures, which NFKC would take apart
    "Ⅻ ½ ² ℡ Å",
    "İstanbul ıI ßSS ẞ",
    "'; DROP TABLE records; --",
    "%s %(name)s {0} ${HOME} `id`",
    '<script>alert("1")</script> &amp; &#39;',
    "back\\slash \"quotes\" and 'single'",
    "tab\tand\u00a0hard space",
    "null",
    "NaN",
    "00123",
    "-1e5",
    "2026-01-01",
    "=SUM(A1:A9)",
    "  spaces  around  ",
    "AB",
    "A",
    "x" * 60,
    "å" * 60,
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𠜎𠜱",  # outside the first plane
    "\ue000\uf8ff",  # private use
)


def read_strings() -> tuple[str, ...]:
    """Our own, or those of a file that ``NAUGHTY_STRINGS`` names, a JSON list; BILL takes no empty name."""
    path = ENVIRON.get("NAUGHTY_STRINGS")
    if not path:
        return NAUGHTY
    return tuple(dict.fromkeys(text for text in json.loads(Path(path).read_text("utf-8")) if text.strip()))


STRINGS = read_strings()
AT_ONCE = 50


def is_shortened(whole: str, shown: str, limit: int) -> bool:
    """Whether a text that is too long is shown as its beginning, cut between two letters."""
    return len(whole) > limit and 0 < len(shown) <= limit and whole.startswith(shown.rstrip("…"))


@pytest.mark.parametrize("first", range(0, len(STRINGS), AT_ONCE))
def test_every_name_and_text_arrives_as_it_was_typed(bench: Bench, first: int) -> None:
    strings = STRINGS[first : first + AT_ONCE]
    vendors = {name: bench.add_vendor(name=name, additionalInfo={}) for name in strings}
    bills = {
        text: bench.add_bill(
            vendors[text], text, bill_line("10.00", description=text * 2), description=text[:40]
        )
        for text in strings
    }
    bench.sync()
    suppliers = {row["accountReference"]: row for row in bench.suppliers()}
    invoices = {row["note"].splitlines()[0]: row for row in bench.invoices()}
    for text in strings:
        supplier = suppliers[vendors[text]]
        invoice = invoices[f"BILL:{bills[text]}"]
        assert supplier["name"].encode() == text.encode() or is_shortened(text, supplier["name"], 60)
        assert (supplier["note"] == text) == (supplier["name"] != text)
        assert supplier["mainContact"]["name"].encode() == text.encode()
        (line,) = invoice["invoiceLines"]
        description = line["transactionDescription"]
        assert description.encode() == (text * 2).encode() or is_shortened(text * 2, description, 256)
        reference = invoice["supplierReference"]
        assert reference.encode() == text.encode() or is_shortened(text, reference, 40)
        assert (f"Reference in full: {text}" in invoice["note"]) == (reference != text)
        assert invoice["description"] == text[:40]
        assert invoice["supplier"]["number"] == supplier["number"]


@pytest.mark.parametrize(
    ("text", "kept"),
    [("null\u0000byte", "nullbyte"), ("bell\u0007 and escape\u001b[31m", "bell\u0007 and escape\u001b[31m")],
)
def test_a_control_character_stops_nobody(bench: Bench, text: str, kept: str) -> None:
    odd = bench.add_vendor(name=text, additionalInfo={})
    bill = bench.add_bill(odd, "F-1", bill_line("10.00", description=text))
    bench.sync()
    assert bench.supplier_of(odd)["name"] == kept
    assert bench.invoice_of(bill)["invoiceLines"][0]["transactionDescription"] == kept
    effects = bench.effects()
    bench.force("vendor", odd)
    bench.force("bill", bill)
    assert bench.effects() == effects, "what was left out is no difference"
