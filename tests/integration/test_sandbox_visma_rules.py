"""What the simulated Visma refuses and with which words; its reference lists and preferences."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from deploy.sandbox import seeds
from deploy.sandbox.jsonio import Json
from tests.integration.sandbox_rig import Rig, VismaUser, body_of, line, running_rig, wrap

pytestmark = pytest.mark.integration

_MESSAGE = re.compile(r"VismaId: [0-9a-f-]{36}\. Error (creating|updating) document\. Error: (.*)")


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    with running_rig() as rig:
        yield rig


@pytest.fixture(scope="module")
def shared(rig: Rig) -> VismaUser:
    """A company that no test changes."""
    user = rig.company()
    user.supplier()
    user.supplier("Stängd AB", status="Inactive")
    user.supplier("Euro GmbH", currencyId="EUR", currencyOverride=True)
    return user


@pytest.fixture
def user(rig: Rig) -> VismaUser:
    return rig.company()


def _refusal(user: VismaUser, lines: list[Json] | None = None, supplier: str = "50001", **plain: Any) -> str:
    response = user.post(supplier, lines, **plain)
    assert response.status_code == 400, response.text
    found = _MESSAGE.fullmatch(response.json()["message"])
    assert found, response.text
    return found[2]


_IN_SUBACCOUNT = "An error occurred during processing of the field Subaccount : Error: "
_BAD_SEGMENT = _IN_SUBACCOUNT + "Kostnadsställe of Subaccount do not exist."


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"account": "9999"}, "Account '9999' cannot be found in the system."),
        ({"account": "5999"}, "Account '5999' is inactive."),
        ({"account": "2440"}, "Account '2440' is a control account for AP."),
        ({"account": "7999"}, "Manual entry is not allowed for account '7999'."),
        ({"vatCodeId": "77"}, "TaxCategoryID '77' cannot be found in the system."),
        ({"subaccount": [{"segmentId": 1, "segmentValue": "555"}]}, _BAD_SEGMENT),
        ({"subaccount": [{"segmentId": 1, "segmentValue": "999"}]}, _BAD_SEGMENT),
        ({"branchNumber": "9"}, "BranchID '9' cannot be found in the system."),
        ({"quantity": -1}, "Quantity must be greater than or equal to zero."),
        ({"transactionDescription": "x" * 257}, "'Transaction Descr.' is longer than 256 characters."),
        ({"operation": "Update"}, "Lines of a new document can only be inserted."),
    ],
)
def test_a_bad_line_is_refused_with_the_platforms_words(
    shared: VismaUser, changed: Json, message: str
) -> None:
    assert _refusal(shared, [line(**changed)]) == message


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"supplier": "59999"}, "Supplier '59999' cannot be found in the system."),
        ({"supplier": "50002"}, "The supplier status is 'Inactive'."),
        ({"currencyId": "GBP"}, "CurrencyID 'GBP' cannot be found in the system."),
        ({"currencyId": "EUR"}, "The currency of supplier '50001' is SEK and cannot be overridden."),
        ({"supplier": "50003", "currencyId": "USD"}, "The currency rate from USD to SEK is not defined."),
        ({"creditTermsId": "99"}, "TermsID '99' cannot be found in the system."),
        ({"branchNumber": "9"}, "BranchID '9' cannot be found in the system."),
        ({"supplierTaxZone": "9"}, "TaxZoneID '9' cannot be found in the system."),
        ({"financialPeriod": "202813"}, "FinPeriodID '202813' cannot be found in the system."),
        ({"date": "2031-05-05"}, "FinPeriodID '203105' cannot be found in the system."),
        ({"date": "2025-02-10"}, "The 02-2025 financial period is closed."),
        ({"postPeriod": "012025"}, "The 01-2025 financial period is closed."),
        ({"supplierReference": "x" * 41}, "'supplierReference' is longer than 40 characters."),
        ({"description": "x" * 61}, "'description' is longer than 60 characters."),
    ],
)
def test_a_bad_header_is_refused_with_the_platforms_words(
    shared: VismaUser, changed: Json, message: str
) -> None:
    assert _refusal(shared, **changed) == message
    assert shared.call("GET", "/v1/supplierInvoice").json() == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"documentType": {"value": "CreditNote"}}, "documentType"),
        ({"date": {"value": "31.10.2026"}}, "date"),
        ({"invoiceLines": [{"quantity": {"value": "one"}}]}, "invoiceLines[0].quantity"),
        ({"invoiceLines": [{"operation": "Add"}]}, "invoiceLines[0].operation"),
        ({"invoiceLines": {}}, "invoiceLines"),
    ],
)
def test_unreadable_values_are_model_errors(shared: VismaUser, body: Json, field: str) -> None:
    response = shared.call("POST", "/v1/supplierInvoice", body)
    assert response.status_code == 400
    assert response.json()["message"] == "The request is invalid."
    assert list(response.json()["modelState"]) == [field]


@pytest.mark.parametrize(
    ("plain", "message"),
    [
        ({"name": "", "supplierClassId": "1"}, "'Supplier Name' cannot be empty."),
        ({"name": "X"}, "'Supplier Class' cannot be empty."),
        ({"name": "X", "supplierClassId": "9"}, "VendorClassID '9' cannot be found in the system."),
        (
            {"name": "X", "supplierClassId": "1", "currencyId": "GBP"},
            "CurrencyID 'GBP' cannot be found in the system.",
        ),
        (
            {"name": "X", "supplierClassId": "1", "creditTermsId": "9"},
            "TermsID '9' cannot be found in the system.",
        ),
        (
            {"name": "X", "supplierClassId": "1", "vatZoneId": "9"},
            "TaxZoneID '9' cannot be found in the system.",
        ),
        ({"name": "x" * 61, "supplierClassId": "1"}, "'Supplier Name' is longer than 60 characters."),
    ],
)
def test_bad_suppliers_are_refused(shared: VismaUser, plain: Json, message: str) -> None:
    response = shared.call("POST", "/v1/supplier", wrap(plain))
    assert response.status_code == 400
    assert response.json()["message"].endswith(f"Error inserting the supplier. Error: {message}")


def test_business_errors_can_come_as_500(user: VismaUser) -> None:
    user.control.company_settings(user.id, business_error_status=500)
    response = user.post("59999")
    assert response.status_code == 500 and response.json()["message"].startswith("VismaId: ")


def test_another_currency_needs_the_override_and_a_rate(user: VismaUser) -> None:
    supplier = user.supplier(currencyId="EUR", currencyOverride=True)
    euro = user.invoice(supplier, [line("100.00", vatCodeId="0")])
    assert (euro["currencyId"], euro["exchangeRate"]) == ("EUR", Decimal("11.25"))
    assert (euro["balance"], euro["balanceInCurrency"]) == (1125, 100)
    assert user.invoice(supplier, currencyId="USD", exchangeRate="10.5")["exchangeRate"] == Decimal("10.5")
    user.control.set_rate(user.id, "USD", "9.9")
    assert user.invoice(supplier, currencyId="USD")["exchangeRate"] == Decimal("9.9")
    user.control.set_rate(user.id, "EUR", None)
    assert user.post(supplier, currencyId="EUR").status_code == 400


def test_negative_unit_costs_are_accepted_until_switched_off(user: VismaUser) -> None:
    supplier = user.supplier()
    mixed = user.invoice(supplier, [line("100"), line("-30")])
    assert mixed["amount"] == 70
    user.control.company_settings(user.id, refuse_negative_unit_cost=True)
    assert user.post(supplier, [line("100"), line("-30")]).status_code == 400


def test_reverse_charge_is_shown_but_not_owed(user: VismaUser) -> None:
    supplier = user.supplier(vatZoneId="02")
    invoice = user.invoice(supplier, [line("1000", vatCodeId="21")], taxCalculationMode="Net")
    assert (invoice["amount"], invoice["vatTotal"]) == (1000, 0)
    assert invoice["taxDetailLines"][0]["vatAmount"] == 250


def test_given_tax_details_replace_the_computed(user: VismaUser) -> None:
    detail = wrap({"taxId": "25I", "vatAmount": "249.99"})
    body = {
        **wrap({"supplierNumber": user.supplier(), "taxCalculationMode": "Net"}),
        "taxDetailLines": [detail],
    }
    response = user.call("POST", "/v1/supplierInvoice", {**body, "invoiceLines": [line("1000")]})
    path = response.headers["Location"].removeprefix(user.at.visma_url)
    assert body_of(user.call("GET", path))["amount"] == Decimal("1249.99")
    user.call("PUT", path, wrap({"paymentRefNo": "1"}))
    assert body_of(user.call("GET", path))["amount"] == Decimal("1249.99")


@pytest.mark.parametrize(
    ("preference", "first", "refused", "message"),
    [
        ("require_supplier_ref", {"supplierReference": "A"}, {}, "'Supplier Ref.' cannot be empty."),
        (
            "raise_error_on_duplicate_ref",
            {"supplierReference": "A"},
            {"supplierReference": "A"},
            "Document with this Supplier Ref. already exists for this Supplier - see document with reference "
            "number '000357' dated '2026-10-31' .",
        ),
        ("validate_totals", {"amount": 1250}, {"amount": 1249}, "The document is out of balance."),
        ("manual_invoice_numbers", {"referenceNumber": "A1"}, {}, "'Reference Nbr.' cannot be empty."),
        (
            "manual_invoice_numbers",
            {"referenceNumber": "A1"},
            {"referenceNumber": "A1"},
            "Document 'A1' already exists.",
        ),
    ],
)
def test_preferences_make_the_company_stricter(
    user: VismaUser, preference: str, first: Json, refused: Json, message: str
) -> None:
    user.control.preferences(user.id, **{preference: True})
    supplier = user.supplier()
    user.invoice(supplier, **first)
    assert _refusal(user, supplier=supplier, **refused) == message


def test_documents_can_be_held_on_entry(user: VismaUser) -> None:
    user.control.preferences(user.id, hold_on_entry=True)
    supplier = user.supplier()
    assert user.invoice(supplier)["status"] == "Hold"
    assert user.invoice(supplier, hold=False)["status"] == "Balanced"


def test_own_numbers_need_a_manual_series_or_the_override(user: VismaUser) -> None:
    override = {"number": "60001", "overrideNumberSeries": True, "name": "X", "supplierClassId": "1"}
    assert user.call("POST", "/v1/supplier", wrap(override)).status_code == 400
    user.control.preferences(user.id, manual_numbers_on_import=True)
    assert user.supplier(number="60001", overrideNumberSeries=True) == "60001"
    assert user.call("POST", "/v1/supplier", wrap(override)).status_code == 400
    user.control.preferences(user.id, manual_supplier_numbers=True)
    assert user.supplier(number="S-1") == "S-1"
    assert user.call("POST", "/v1/supplier", wrap({"name": "X", "supplierClassId": "1"})).status_code == 400


def test_new_combinations_of_segments_are_made_or_refused(rig: Rig) -> None:
    user = rig.company(second_segment=True, subaccounts=[["100", "0000"]])
    user.control.preferences(user.id, auto_create_subaccount=False)
    supplier = user.supplier()
    both = [{"segmentId": 1, "segmentValue": "200"}, {"segmentId": 2, "segmentValue": "1001"}]
    assert user.invoice(supplier)["invoiceLines"][0]["subaccount"]["subaccountNumber"] == "1000000"
    assert _refusal(user, [line(subaccount=both)]) == "Subaccount '2001001' cannot be found in the system."
    user.control.preferences(user.id, auto_create_subaccount=True)
    assert (
        user.invoice(supplier, [line(subaccount=both)])["invoiceLines"][0]["subaccount"]["subaccountNumber"]
        == "2001001"
    )
    numbers = [row["subaccountNumber"] for row in user.call("GET", "/v1/subaccount").json()]
    assert numbers == ["1000000", "2001001"]


def test_a_broken_fiscal_year_names_its_periods_otherwise(rig: Rig) -> None:
    user = rig.company(broken_year=True)
    invoice = user.invoice(user.supplier(), date="2026-10-31")
    assert (invoice["financialPeriod"], invoice["postPeriod"]) == ("202704", "042027")


def test_set_up_changes_are_seen_at_once(user: VismaUser) -> None:
    supplier, control = user.supplier(), user.control
    user.invoice(supplier)
    control.set_account(user.id, "4000", active=False)
    assert _refusal(user) == "Account '4000' is inactive."
    control.set_account(user.id, "4100", description="Ny")
    user.invoice(supplier, [line(account="4100")])
    control.set_segment_value(user.id, 1, "400", description="Ny")
    user.invoice(supplier, [line(account="4100", subaccount=[{"segmentId": 1, "segmentValue": "400"}])])
    control.set_vat_category(
        user.id, "9", description="Ny", vat={"id": "9I", "description": "Ny", "rate": "10"}
    )
    assert user.invoice(supplier, [line("110", account="4100", vatCodeId="9")])["vatTotal"] == 10
    control.set_period(user.id, "202610", closed_in_supplier_ledger=True)
    assert _refusal(user, [line(account="4100")]) == "The 10-2026 financial period is closed."
    control.set_period(user.id, "202611", active=False)
    assert (
        _refusal(user, [line(account="4100")], date="2026-11-01")
        == "The 11-2026 financial period is inactive."
    )


@pytest.mark.parametrize(
    ("path", "key", "keys"),
    [
        ("account", "accountCD", ["4000", "5010", "5410", "6540", "2440", "5999", "7999"]),
        ("vatCategory", "vatCategoryId", ["25", "12", "6", "0", "21"]),
        ("vat", "vatId", ["25I", "12I", "6I", "0I", "21I"]),
        ("vatZone", "id", ["01", "02", "03"]),
        ("currency", "id", ["SEK", "DKK", "EUR", "NOK", "USD"]),
        ("branch", "number", ["1"]),
        ("department", "departmentId", ["HQ"]),
        ("paymentmethod", "paymentMethodID", ["10", "20"]),
        ("supplier/supplierClass", "id", ["1", "2", "3"]),
    ],
)
def test_reference_lists_are_bare_arrays_and_single_rows(
    shared: VismaUser, path: str, key: str, keys: list[str]
) -> None:
    rows = shared.call("GET", f"/v1/{path}").json()
    assert [row[key] for row in rows] == keys
    assert rows[0]["metadata"]["totalCount"] == len(keys)
    assert shared.call("GET", f"/v1/{path}/{keys[0]}").json()[key] == keys[0]
    assert shared.call("GET", f"/v1/{path}/nothing").status_code == 404


def test_terms_come_in_an_envelope_and_periods_with_their_flags(shared: VismaUser) -> None:
    terms = shared.call("GET", "/v1/creditTerm").json()
    assert (terms["totalCount"], [row["termsId"] for row in terms["records"]]) == (2, ["10", "30"])
    periods = shared.call("GET", "/v1/financialPeriod").json()
    assert len(periods) == 36
    assert (periods[0]["startDate"], periods[0]["endDate"]) == ("2025-01-01T00:00:00", "2025-01-31T00:00:00")
    assert [row["closedInSupplierLedger"] for row in periods[:4]] == [True, True, True, False]
    assert shared.call("GET", "/v1/ledger").json()[0]["number"] == "1"
    active = shared.call("GET", "/v1/account", active="false").json()
    assert [row["accountCD"] for row in active] == ["5999"]


def test_dimensions_show_segments_and_take_new_values(user: VismaUser) -> None:
    assert "SUBACCOUNT" in user.call("GET", "/v1/dimension").json()
    (segment,) = user.call("GET", "/v1/dimension/SUBACCOUNT").json()["segments"]
    assert [value["valueId"] for value in segment["segmentValues"]] == ["000", "100", "200", "300", "999"]
    read = user.call("GET", "/v1/dimension/SUBACCOUNT/1")
    new = {"operation": "Insert", "value": "120", **wrap({"description": "Ny", "active": True})}
    path, etag = "/v1/dimension/SUBACCOUNT/1", read.headers["ETag"]
    assert user.call("PUT", path, {"segmentValues": [new]}, headers={"If-Match": etag}).status_code == 204
    assert user.call("PUT", path, {"segmentValues": [new]}, headers={"If-Match": etag}).status_code == 412
    assert user.call("PUT", path, {"segmentValues": [new]}).status_code == 500
    value = base64.b64encode(b"120").decode()
    assert user.call("GET", f"{path}/{value}").json()["description"] == "Ny"
    assert user.call("GET", "/v1/dimension/SUBACCOUNT/7").status_code == 404


def test_the_log_holds_every_effect_as_it_then_was(user: VismaUser) -> None:
    number = user.invoice(user.supplier(), description="first")["referenceNumber"]
    user.call("PUT", f"/v1/supplierInvoice/{number}", wrap({"description": "second"}))
    user.control.change_invoice(user.id, number, description="third")
    user.control.delete_invoice(user.id, number)
    log = user.control.visma_log(user.id)
    assert [(row["kind"], row["by"]) for row in log] == [
        ("created", "api:isv_connector"),
        ("created", "api:isv_connector"),
        ("updated", "api:isv_connector"),
        ("updated", "person"),
        ("deleted", "person"),
    ]
    assert [row["body"].get("description") for row in log[1:]] == ["first", "second", "third", "third"]
    assert [row["seq"] for row in user.control.visma_log(user.id, after=3)] == [4, 5]


def test_danish_seeds_make_a_whole_world(rig: Rig) -> None:
    seed = seeds.danish_company("8000001")
    assert rig.control.seed_company(seed)["company_id"] == "8000001"
    user = VismaUser(rig.http, rig.at, rig.control, "8000001", seed["tenant_id"])
    user.fetch_token()
    assert user.invoice(user.supplier("Ærø El og Vand A/S"))["currencyId"] == "DKK"
    organization = rig.control.seed_organization(seeds.danish_organization())["id"]
    vendors = [seeds.vendor(seeds.DENMARK, place) for place in range(6)]
    made = rig.control.create_many(organization, vendors=vendors)["vendors"]
    names = [row["name"] for row in rig.control.organization_state(organization, "vendors")]
    assert len(set(names)) == 6 and names[0] == "Rønne Kontorforsyning ApS"
    bills = rig.control.create_many(organization, bills=[seeds.bill(seeds.DENMARK, made[0], "F-1")])["bills"]
    assert [row["id"] for row in rig.control.organization_state(organization, "bills")] == bills
