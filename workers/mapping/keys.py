"""What names, numbers and references are compared by, and our marker in a document's note."""

from __future__ import annotations

import re
import unicodedata

_COMPANY_FORMS = """
    ab|ab (publ)|hb|kb|enskild firma|ek för|ideell förening
    a/s|as|aps|i/s|k/s|p/s|ivs|amba|a.m.b.a|smba|s.m.b.a|fmba|f.m.b.a|enkeltmandsvirksomhed
    asa|ans|enk|nuf
    oy|oyj|oy ab|ab oy|ky|tmi|osk|ehf|hf|oü|uab|sia
    gmbh|gmbh & co kg|gmbh & co|ag|kg|ohg|ug|ug (haftungsbeschränkt)|mbh|e v|e k
    ltd|limited|plc|llp|llc|lp|inc|incorporated|corp|corporation|co ltd|pty ltd|pte ltd|pvt ltd
    bv|b v|nv|n v|vof|bvba|sprl|srl|s r l|sarl|s a r l|sas|s a s|sasu|eurl|sa|s a|s l|slu|spa|s p a|lda
    sp z oo|sp z o o|spółka z oo|sro|s r o|kft|zrt|doo|d o o|eood|ood
    """
_FORMS = frozenset(
    form.strip().replace(".", "") for form in _COMPANY_FORMS.replace("\n", "|").split("|") if form.strip()
)
_LONGEST_FORM = max(len(form.split()) for form in _FORMS)

_SWEDISH_VAT = re.compile(r"SE([0-9]{10})01")
_DANISH_VAT = re.compile(r"DK([0-9]{8})")
_MARKER = re.compile(r"\s*(BILL:[A-Za-z0-9_-]{1,64})(?=\s|$)")


def fold_name(name: str | None) -> str:
    """What a company's name is compared by; empty when there is nothing to compare, which matches nothing.

    NFKC, case-folded, single spaces, and without one trailing company form ("AB", "A/S", "Ltd."). A name
    that is nothing but a company form stays as it is.
    """
    folded = unicodedata.normalize("NFKC", name or "").casefold()
    words = unicodedata.normalize("NFKC", folded).split()
    for count in range(min(_LONGEST_FORM, len(words) - 1), 0, -1):
        if " ".join(words[-count:]).replace(".", "") in _FORMS:
            return " ".join(words[:-count]).rstrip(" ,") or " ".join(words)
    return " ".join(words)


def number_keys(number: str | None) -> frozenset[str]:
    """What a company or VAT number is compared by: two numbers are one when they share a key.

    Without spaces and hyphens, in capitals; a Swedish (``SE`` + 10 digits + ``01``) or Danish (``DK`` + 8
    digits) VAT number also as the bare number. Nothing to compare: no keys.
    """
    bare = "".join(letter for letter in number or "" if not _is_filler(letter)).upper()
    if not bare:
        return frozenset()
    vat = _SWEDISH_VAT.fullmatch(bare) or _DANISH_VAT.fullmatch(bare)
    return frozenset({bare, vat.group(1)} if vat else {bare})


def fold_reference(text: str | None) -> str:
    """What a supplier's invoice number is compared by: trimmed and case-folded."""
    return (text or "").strip().casefold()


def marker(bill_id: str) -> str:
    """Our marker: the first line of the note of every document we write."""
    return f"BILL:{bill_id}"


def find_marker(note: str | None) -> str | None:
    """The marker ``BILL:<bill id>`` with which the note's first line begins, if it does."""
    found = _MARKER.match((note or "").partition("\n")[0])
    return found.group(1) if found else None


def _is_filler(letter: str) -> bool:
    return letter.isspace() or unicodedata.category(letter) in {"Pd", "Cf"}
