"""Visma's VAT, status machine, versions, wrappers, filters and multipart bodies."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.sandbox.jsonio import Json, plain
from deploy.sandbox.visma import status
from deploy.sandbox.visma.action_routes import first_file
from deploy.sandbox.visma.errors import BusinessError, Denied, ModelError
from deploy.sandbox.visma.keys import plain_key
from deploy.sandbox.visma.lists import condition_on, local_time, parse_page
from deploy.sandbox.visma.models import Vat
from deploy.sandbox.visma.shapes import INVOICE, SUPPLIER, read_fields, wrapped
from deploy.sandbox.visma.totals import Taxed, compute_totals
from deploy.sandbox.visma.versions import RowVersions, etag, matches

pytestmark = pytest.mark.unit

_HIGH = Vat("25I", "Moms 25 %", Decimal(25))
_LOW = Vat("6I", "Moms 6 %", Decimal(6))
_NONE = Vat("0I", "Momsfritt", Decimal(0), "ExemptVat")
_REVERSE = Vat("21I", "Omvänd", Decimal(25), "ReverseVat")
_INSIDE = Vat("25X", "Inklusive", Decimal(25), inclusive=True)
_cents = st.decimals(-10_000, 10_000, places=2)


@pytest.mark.parametrize(
    ("mode", "lines", "amount", "vat", "taxable", "exempt"),
    [
        ("Gross", [("1250", _HIGH)], "1250", "250", "1000", "0"),
        ("Net", [("1000", _HIGH)], "1250", "250", "1000", "0"),
        ("TaxSetting", [("1000", _HIGH)], "1250", "250", "1000", "0"),
        ("TaxSetting", [("1250", _INSIDE)], "1250", "250", "1000", "0"),
        ("Gross", [("1250", _HIGH), ("106", _LOW)], "1356", "256", "1100", "0"),
        ("Net", [("500", _NONE)], "500", "0", "0", "500"),
        ("Net", [("1000", _REVERSE)], "1000", "0", "1000", "0"),
        ("Gross", [("1000", _REVERSE)], "1000", "0", "1000", "0"),
        ("Net", [("70", None), ("100", _HIGH)], "195", "25", "100", "70"),
        ("Gross", [("0.01", _HIGH), ("0.02", _HIGH)], "0.03", "0.00", "0.03", "0"),
        ("Net", [("-100", _HIGH), ("300", _HIGH)], "250", "50", "200", "0"),
    ],
)
def test_vat_by_mode(
    mode: str, lines: list[tuple[str, Vat | None]], amount: str, vat: str, taxable: str, exempt: str
) -> None:
    totals = compute_totals([Taxed(Decimal(cost), found) for cost, found in lines], mode, 2)
    found = (totals.amount, totals.vat, totals.taxable, totals.exempt)
    assert found == (Decimal(amount), Decimal(vat), Decimal(taxable), Decimal(exempt))


@given(st.lists(st.tuples(_cents, st.sampled_from([_HIGH, _LOW, _NONE, _REVERSE, None])), max_size=8))
def test_gross_amounts_never_move_by_a_cent(lines: list[tuple[Decimal, Vat | None]]) -> None:
    totals = compute_totals([Taxed(cost, vat) for cost, vat in lines], "Gross", 2)
    assert totals.amount == sum((cost for cost, _ in lines), Decimal(0)) == totals.detail


@given(st.lists(st.tuples(_cents, st.sampled_from([_HIGH, _LOW, _NONE, _REVERSE])), max_size=8))
def test_net_amounts_are_the_lines_and_their_vat(lines: list[tuple[Decimal, Vat]]) -> None:
    totals = compute_totals([Taxed(cost, vat) for cost, vat in lines], "Net", 2)
    assert totals.amount == totals.detail + totals.vat


def test_given_vat_replaces_the_computed_where_the_id_matches() -> None:
    lines = [Taxed(Decimal(1000), _HIGH)]
    totals = compute_totals(lines, "Net", 2, {"25I": (None, Decimal("249.99")), "9X": (None, Decimal(1))})
    assert (totals.amount, totals.vat) == (Decimal("1249.99"), Decimal("249.99"))
    gross = compute_totals(lines, "Gross", 2, {"25I": (None, Decimal("199.99"))}, Decimal("0.01"))
    assert (gross.amount, gross.vat) == (Decimal("1000.01"), Decimal("199.99"))


@pytest.mark.parametrize("state", ["Hold", "Balanced"])
def test_unreleased_documents_are_edited_deleted_and_toggled(state: str) -> None:
    status.require_editable(state, {"supplierReference": "x"})
    status.require_deletable(state)
    assert status.toggled(state, True) == "Hold"
    assert status.toggled(state, False) == "Balanced"
    assert status.toggled(state, None) == state


@pytest.mark.parametrize(
    ("state", "wanted", "allowed"),
    [
        ("Open", {"dueDate": "2026-01-01", "payDate": None}, True),
        ("Open", {"dueDate": "2026-01-01", "description": "x"}, False),
        ("Closed", {"dueDate": "2026-01-01"}, False),
        ("Voided", {"dueDate": "2026-01-01"}, False),
    ],
)
def test_released_documents_take_dates_only_while_open(state: str, wanted: Json, allowed: bool) -> None:
    if allowed:
        status.require_editable(state, wanted)
    else:
        with pytest.raises(BusinessError):
            status.require_editable(state, wanted)
    with pytest.raises(BusinessError):
        status.require_deletable(state)


def test_only_balanced_documents_are_released() -> None:
    status.require_releasable("Balanced")
    with pytest.raises(BusinessError, match=r"Document is On Hold and cannot be released\."):
        status.require_releasable("Hold")
    for state in ("Open", "Closed", "Voided"):
        with pytest.raises(BusinessError, match=r"Document Status is invalid for processing\."):
            status.require_releasable(state)


def test_versions_rise_and_match_in_every_written_form() -> None:
    versions = RowVersions()
    old, new = versions.next(), versions.next()
    assert old < new and len(new) == 12
    for header in (None, etag(new), new, f"W/{etag(new)}", "*"):
        assert matches(header, new)
    assert not matches(etag(old), new)


def test_only_known_wrapped_fields_are_read() -> None:
    body: Json = {
        "name": {"value": "Åkeri"},
        "status": "Active",
        "corporateId": {"wert": "1"},
        "vatRegistrationId": {"value": None},
        "colour": {"value": "red"},
        "mainAddress": {"value": {"city": {"value": "Umeå"}, "country": {"id": "SE"}, "countryId": "SE"}},
    }
    read = {"name": "Åkeri", "vatRegistrationId": None, "mainAddress": {"city": "Umeå"}}
    assert read_fields(body, SUPPLIER) == read


@pytest.mark.parametrize(
    ("field", "value", "read"),
    [
        ("amount", "1.60", Decimal("1.60")),
        ("amount", 3, Decimal(3)),
        ("hold", "true", True),
        ("date", "2025-11-08", "2025-11-08"),
        ("date", "2025-11-08T00:00:00", "2025-11-08"),
        ("date", "2025-11-08T00:00:00.000Z", "2025-11-08"),
        ("documentType", "DebitAdj", "DebitAdj"),
    ],
)
def test_values_are_read_as_their_field(field: str, value: object, read: object) -> None:
    assert read_fields({field: {"value": value}}, INVOICE) == {field: read}


@pytest.mark.parametrize(
    ("field", "value"),
    [("amount", "1,60"), ("amount", "NaN"), ("hold", "yes"), ("date", "8/11"), ("documentType", "invoice")],
)
def test_values_of_the_wrong_type_are_refused_with_their_path(field: str, value: object) -> None:
    with pytest.raises(ModelError) as refused:
        read_fields({field: {"value": value}}, INVOICE)
    assert refused.value.field == field


def test_a_persons_plain_fields_take_the_same_way() -> None:
    typed = {"name": "Ek", "mainAddress": {"city": "Lund"}}
    assert read_fields({key: wrapped(value) for key, value in typed.items()}, SUPPLIER) == typed


@pytest.mark.parametrize(("sign", "equal"), [(">", True), (">=", True), ("<", True), ("<=", True)])
def test_conditions_include_equal_times(sign: str, equal: bool) -> None:
    query = {"lastModifiedDateTime": "2026-03-01T12:00:00.127", "lastModifiedDateTimeCondition": sign}
    passes = condition_on(query, "lastModifiedDateTime", local_time)
    assert passes is not None
    assert passes(datetime.fromisoformat("2026-03-01T12:00:00.127")) is equal
    assert passes(datetime.fromisoformat("2026-03-01T12:00:01")) is (">" in sign)


@pytest.mark.parametrize(
    "query",
    [
        {"lastModifiedDateTime": "2026-03-01"},
        {"lastModifiedDateTimeCondition": ">"},
        {"lastModifiedDateTime": "2026-03-01T12:00:00Z", "lastModifiedDateTimeCondition": ">"},
        {"lastModifiedDateTime": "2026-03-01", "lastModifiedDateTimeCondition": "gt"},
    ],
)
def test_half_or_zoned_conditions_are_refused(query: dict[str, str]) -> None:
    with pytest.raises(Denied):
        condition_on(query, "lastModifiedDateTime", local_time)


def test_pages_are_cut_and_too_large_ones_silently_limited() -> None:
    assert parse_page({"pageSize": "5000"}, 1000).size == 1000
    assert parse_page({"pageNumber": "2", "pageSize": "2"}, 10).cut([1, 2, 3]) == [3]
    assert parse_page({"pageNumber": "9"}, 10).cut([1, 2, 3]) == []


def test_keys_come_plain_or_encoded() -> None:
    assert plain_key("50001") == "50001"
    assert plain_key("b64(QS8x)") == "A/1"
    with pytest.raises(Denied):
        plain_key("b64(%%)")


_bytes = st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"--", b"\x00", b"\xff\xc3", b"a"])).map(b"".join)


@given(_bytes | st.binary(max_size=300))
def test_attachments_arrive_byte_for_byte(content: bytes) -> None:
    boundary = b"----boundary-that-no-content-has"
    head = b'Content-Disposition: form-data; name="file"; filename="faktura.pdf"\r\n'
    part = b"--" + boundary + b"\r\n" + head + b"Content-Type: application/pdf\r\n\r\n" + content
    body = part + b"\r\n--" + boundary + b"--\r\n"
    assert first_file(f"multipart/form-data; boundary={boundary.decode()}", body) == ("faktura.pdf", content)


@pytest.mark.parametrize(
    ("number", "text"),
    [("149", "149.0"), ("1E+3", "1000.0"), ("228.990", "228.99"), ("0", "0.0"), ("-0.5", "-0.5")],
)
def test_numbers_are_printed_without_exponent(number: str, text: str) -> None:
    assert str(plain(Decimal(number))) == text
