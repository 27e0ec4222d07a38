"""Visma's client against the simulated Visma.net."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from shared.errors import (
    ConnectorError,
    CredentialsRefused,
    NoPlace,
    NotFound,
    OutcomeUnknown,
    PreconditionFailed,
    Refused,
    Retryable,
    Unavailable,
)
from shared.fields import Fields, FieldValue
from shared.http import DEADLINE_S
from shared.tenants import LimitsConfig
from shared.visma.answers import TokenExpired
from shared.visma.client import VismaClient
from shared.visma.models import LineChange, Written
from shared.visma.window import WriteWindow
from tests.integration.upstreams import VismaSide

pytestmark = pytest.mark.integration

TOKEN = "/connect/token"
SUPPLIER: Fields = {
    "name": "Åsa Bröd AB",
    "accountReference": "00901TEST",
    "supplierClassId": "1",
    "currencyId": "SEK",
    "corporateId": "556677-8899",
    "vatZoneId": "SE",
    "creditTermsId": "30",
    "mainAddress.addressLine1": "Gatan 1",
    "mainAddress.postalCode": "903 25",
    "mainAddress.city": "Umeå",
    "mainAddress.countryId": "SE",
    "mainContact.name": "Åsa Bröd AB",
    "mainContact.email": "asa@example.se",
    "mainContact.phone1": "+4690123",
}
LINE: Fields = {
    "quantity": Decimal("2.5"),
    "unitCostInCurrency": Decimal("40.10"),
    "transactionDescription": "Bröd",
    "accountNumber": "4000",
    "vatCodeId": "25",
    "branchNumber": "1",
    "subaccount.1": "100",
}


def header(supplier: str, **changes: FieldValue) -> Fields:
    fields: dict[str, FieldValue] = {
        "documentType": "Invoice",
        "supplierNumber": supplier,
        "supplierReference": "F-1",
        "date": "2026-12-01",
        "origInvoiceDate": "2026-12-01",
        "dueDate": "2026-12-31",
        "financialPeriod": "202612",
        "currencyId": "SEK",
        "creditTermsId": "30",
        "branchNumber": "1",
        "description": "Bröd",
        "note": "BILL:00n01TEST",
        "hold": False,
        "taxCalculationMode": "Gross",
    }
    return fields | changes


def create_both(client: VismaClient, *lines: Fields, **changes: FieldValue) -> tuple[str, str]:
    supplier = number_of(client.create_supplier(SUPPLIER))
    return supplier, number_of(client.create_supplier_invoice(header(supplier, **changes), lines or [LINE]))


def number_of(written: Written) -> str:
    assert written.number is not None
    return written.number


def test_a_supplier_reads_as_written(visma_side: VismaSide) -> None:
    client = visma_side.client()
    written = client.create_supplier(SUPPLIER)
    supplier = client.fetch_supplier(number_of(written))
    assert supplier.etag == written.etag
    assert SUPPLIER.items() <= supplier.fields.items()
    assert visma_side.observed.calls == [
        (TOKEN, "200"),
        ("/v1/supplier", "201"),
        ("/v1/supplier/{number}", "200"),
    ]


def test_a_supplier_is_changed_and_cleared(visma_side: VismaSide) -> None:
    client = visma_side.client()
    number = number_of(client.create_supplier(SUPPLIER))
    before = client.fetch_supplier(number)
    changes: Fields = {"name": "Åsa Kaka AB", "mainContact.email": None, "mainAddress.city": "Luleå"}
    written = client.update_supplier(number, changes, before.etag)
    after = client.fetch_supplier(number)
    assert after.etag == written.etag != before.etag
    expected = {**before.fields, "name": "Åsa Kaka AB", "mainAddress.city": "Luleå"}
    del expected["mainContact.email"]
    assert after.fields == expected
    with pytest.raises(PreconditionFailed):
        client.update_supplier(number, changes, before.etag)


def test_an_invoice_reads_as_written(visma_side: VismaSide) -> None:
    client = visma_side.client()
    supplier, number = create_both(client, LINE, {**LINE, "quantity": Decimal(1)})
    invoice = client.fetch_supplier_invoice("Invoice", number)
    assert header(supplier).items() <= invoice.fields.items()
    assert [line.number for line in invoice.lines] == [1, 2]
    assert LINE.items() <= invoice.lines[0].fields.items()
    assert [line.amount for line in invoice.lines] == [Decimal("100.25"), Decimal("40.10")]
    assert (invoice.amount, invoice.date, invoice.is_released) == (
        Decimal("140.35"),
        date(2026, 12, 1),
        False,
    )


def test_lines_are_changed_by_number(visma_side: VismaSide) -> None:
    client = visma_side.client()
    _, number = create_both(client, LINE, LINE)
    etag = client.fetch_supplier_invoice("Invoice", number).etag
    changes = [
        LineChange("Update", 1, {"unitCostInCurrency": Decimal("1.00")}),
        LineChange("Delete", 2, {}),
        LineChange("Insert", None, {**LINE, "transactionDescription": "Ny"}),
    ]
    client.update_supplier_invoice("Invoice", number, {"description": "Ändrad", "hold": True}, changes, etag)
    invoice = client.fetch_supplier_invoice("Invoice", number)
    assert [line.fields["transactionDescription"] for line in invoice.lines] == ["Bröd", "Ny"]
    assert (invoice.lines[0].amount, invoice.status, invoice.hold) == (Decimal("2.50"), "Hold", True)
    with pytest.raises(PreconditionFailed):
        client.update_supplier_invoice("Invoice", number, {"description": "x"}, [], etag)


def test_release_and_delete(visma_side: VismaSide) -> None:
    client = visma_side.client()
    supplier, number = create_both(client, hold=True)
    with pytest.raises(Refused):
        client.release_supplier_invoice("Invoice", number)
    etag = client.update_supplier_invoice("Invoice", number, {"hold": False}, [], None).etag
    client.release_supplier_invoice("Invoice", number, etag)
    company = visma_side.config.company_id
    query = f"/wait?what=invoices&company={company}&status=Open"
    assert visma_side.upstreams.control("GET", query)["reached"]
    assert client.fetch_supplier_invoice("Invoice", number).is_released
    other = number_of(client.create_supplier_invoice(header(supplier, documentType="DebitAdj"), [LINE]))
    client.delete_supplier_invoice("DebitAdj", other)
    with pytest.raises(NotFound):
        client.fetch_supplier_invoice("DebitAdj", other)


def test_lists_of_records(visma_side: VismaSide) -> None:
    client = visma_side.client()
    numbers = {number_of(client.create_supplier({**SUPPLIER, "name": f"S{n}"})) for n in range(5)}
    pages = [client.list_suppliers(page=page, page_size=2) for page in (1, 2, 3, 4)]
    assert [len(page.results) for page in pages] == [2, 2, 1, 0]
    assert [page.total_count for page in pages] == [5, 5, 5, 0]
    assert {supplier.number for page in pages for supplier in page.results} == numbers
    newest = max(s.last_modified or "" for page in pages for s in page.results)
    assert 1 <= client.list_suppliers(modified_since=newest).total_count < 5
    assert {s.number for s in client.find_suppliers(corporate_id="556677-8899").results} == numbers
    for number in sorted(numbers)[:2]:
        client.create_supplier_invoice(header(number), [LINE])
    first = sorted(numbers)[0]
    found = client.list_supplier_invoices(supplier=first, document_date_from=date(2026, 12, 1))
    assert [(one.supplier_number, one.note) for one in found.results] == [(first, "BILL:00n01TEST")]
    assert found.results[0].lines[0].fields["subaccount.1"] == "100"
    assert client.list_supplier_invoices(document_date_from=date(2026, 12, 2)).results == ()


def test_reference_lists(visma_side: VismaSide) -> None:
    client = visma_side.client()
    lists = client.fetch_lists()
    assert {number: account.is_postable for number, account in lists.accounts.items()} == {
        "4000": True,
        "2440": False,
    }
    assert lists.segments[1].values == {"100": True, "200": False}
    assert lists.vat_categories == {"25": True, "0": True}
    assert (lists.currencies["SEK"].is_base, lists.currencies["EUR"].precision) == (True, 2)
    assert [(period.id, period.start, period.is_open) for period in lists.periods] == [
        ("202612", date(2026, 12, 1), True)
    ]
    assert client.fetch_credit_terms() == {"30": "30 dagar"}
    assert client.fetch_vat_zones() == {"SE": "Inrikes"}
    assert client.fetch_supplier_classes() == {"1": "Inrikes"}
    assert client.fetch_branches() == {"1": True}


def test_slots_share_one_token_and_an_expired_one_costs_one(visma_side: VismaSide) -> None:
    client = visma_side.client()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: client.list_suppliers(), range(8)))
    assert visma_side.observed.count(TOKEN) == 1
    assert visma_side.control("POST", "/expire-tokens")["ended"] == 1
    number = number_of(client.create_supplier(SUPPLIER))
    assert visma_side.observed.count(TOKEN) == 2
    assert [s.number for s in client.list_suppliers().results] == [number], "written once"
    visma_side.client("w2").list_suppliers()
    assert visma_side.observed.count(TOKEN) == 3


def test_a_token_is_renewed_before_it_ends(visma_side: VismaSide) -> None:
    visma_side.control("PATCH", "/settings", {"token_life_s": 100})
    visma_side.client().list_suppliers()
    company = visma_side.config.company_id
    assert 80_000 < visma_side.redis.pttl(f"visma_token:{company}:w1") <= 90_000


def test_a_second_401_is_tried_again_later(visma_side: VismaSide) -> None:
    visma_side.upstreams.spoil("/v1/supplier", {"kind": "status", "status": 401}, times=None)
    with pytest.raises(TokenExpired):
        visma_side.client().create_supplier(SUPPLIER)
    assert visma_side.observed.count(TOKEN) == 2
    assert visma_side.observed.count("/v1/supplier") == 2


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"secret": "new"}, "client id or secret"),
        ({"approved": False}, "visma.tenant_id"),
        ({"scopes": ["vismanet_erp_service_api:read"]}, "scopes"),
    ],
)
def test_refused_tokens(visma_side: VismaSide, change: dict[str, Any], says: str) -> None:
    visma_side.control("PATCH", f"/clients/{visma_side.credentials.client_id}", change)
    with pytest.raises(CredentialsRefused, match=says) as caught:
        visma_side.client().list_suppliers()
    assert caught.value.system == "visma"
    assert "sekrit" not in str(caught.value)
    assert visma_side.observed.count(TOKEN) == 1


def test_another_company(visma_side: VismaSide) -> None:
    visma_side.config = replace(visma_side.config, company_id="1")
    with pytest.raises(CredentialsRefused, match=r"visma\.company_id"):
        visma_side.client().list_suppliers()


@pytest.mark.parametrize("status", [400, 500])
@pytest.mark.parametrize(
    ("changes", "label"),
    [
        ({"vatCodeId": "99"}, "unknown_value"),
        ({"subaccount.1": "999"}, "unknown_segment_value"),
        ({"accountNumber": "9999"}, "unknown_value"),
    ],
)
def test_refusals_in_visma_words(visma_side: VismaSide, status: int, changes: Fields, label: str) -> None:
    visma_side.control("PATCH", "/settings", {"business_error_status": status})
    client = visma_side.client()
    supplier = number_of(client.create_supplier(SUPPLIER))
    with pytest.raises(Refused) as caught:
        client.create_supplier_invoice(header(supplier), [{**LINE, **changes}])
    assert caught.value.label == label
    assert client.list_supplier_invoices().total_count == 0


@pytest.mark.parametrize(
    ("action", "error", "effects"),
    [
        ({"kind": "status", "status": 503, "when": "before"}, OutcomeUnknown, 0),
        ({"kind": "status", "status": 500, "when": "after"}, OutcomeUnknown, 1),
        ({"kind": "status", "status": 502, "shape": "html", "when": "after"}, OutcomeUnknown, 1),
        ({"kind": "drop", "when": "after"}, OutcomeUnknown, 1),
        ({"kind": "drop", "when": "before"}, OutcomeUnknown, 0),
        ({"kind": "status", "status": 403}, CredentialsRefused, 0),
        ({"kind": "status", "status": 412}, PreconditionFailed, 0),
        ({"kind": "status", "status": 429, "retry_after": 9}, NoPlace, 0),
    ],
)
def test_faults_of_a_write(
    visma_side: VismaSide, action: dict[str, Any], error: type[ConnectorError], effects: int
) -> None:
    visma_side.upstreams.spoil("/v1/supplier", action, match={"method": "POST"})
    with pytest.raises(error) as caught:
        visma_side.client().create_supplier(SUPPLIER)
    assert type(caught.value) is error
    assert visma_side.observed.count("/v1/supplier") == 1
    company = visma_side.config.company_id
    found = visma_side.upstreams.control("GET", f"/state/companies/{company}/suppliers")
    assert len(found) == effects


@pytest.mark.parametrize(
    "action",
    [
        {"kind": "status", "status": 500},
        {"kind": "status", "status": 503, "shape": "html"},
        {"kind": "drop", "when": "after"},
        {"kind": "truncate", "keep_bytes": 1},
    ],
)
def test_faults_of_a_read(visma_side: VismaSide, action: dict[str, Any]) -> None:
    client = visma_side.client()
    number = number_of(client.create_supplier(SUPPLIER))
    visma_side.upstreams.spoil("/v1/supplier", action)
    with pytest.raises(Retryable):
        client.fetch_supplier(number)
    assert client.fetch_supplier(number).number == number


def test_a_429_holds_back_every_worker(visma_side: VismaSide) -> None:
    visma_side.upstreams.spoil("/v1/supplier", {"kind": "status", "status": 429, "retry_after": 300})
    for worker in ("w1", "w2"):
        with pytest.raises(NoPlace) as caught:
            visma_side.client(worker).list_suppliers()
        assert caught.value.retry_after_s is not None
        assert 290 < caught.value.retry_after_s <= 300
    assert visma_side.observed.count("/v1/supplier") == 1


def test_own_budget_ends_before_vismas(visma_side: VismaSide) -> None:
    client = visma_side.client(limits=LimitsConfig(visma_calls_per_hour=1))
    client.list_suppliers()
    with pytest.raises(NoPlace):
        client.list_suppliers()


def test_an_unsafe_number_reaches_visma(visma_side: VismaSide) -> None:
    visma_side.control("PATCH", "/preferences", {"manual_supplier_numbers": True})
    client = visma_side.client()
    client.create_supplier({**SUPPLIER, "number": "Å/1 ?"})
    assert client.fetch_supplier("Å/1 ?").number == "Å/1 ?"


def test_unknown_numbers(visma_side: VismaSide) -> None:
    with pytest.raises(NotFound):
        visma_side.client().fetch_supplier("99999")
    with pytest.raises(NotFound):
        visma_side.client().update_supplier_invoice("Invoice", "99999", {"hold": True}, [], None)


def test_what_was_announced_too_long_ago_is_not_sent(
    visma_side: VismaSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = WriteWindow()
    client = visma_side.client().within(window)
    client.list_suppliers()
    long_ago = time.monotonic() - DEADLINE_S
    with monkeypatch.context() as patch:
        patch.setattr(time, "monotonic", lambda: long_ago)
        window.open()
    with pytest.raises(Unavailable, match="nothing was sent"):
        client.create_supplier(SUPPLIER)
    client.list_suppliers()
    window.open()
    client.create_supplier(SUPPLIER)
    assert [call for call in visma_side.observed.calls if call[0] == "/v1/supplier"] == [
        ("/v1/supplier", "200"),
        ("/v1/supplier", "unsent"),
        ("/v1/supplier", "200"),
        ("/v1/supplier", "201"),
    ]
