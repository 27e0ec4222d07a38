"""The simulated Visma over HTTP: tokens, suppliers, supplier invoices, lists, jobs, as its reference says."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
import requests

from deploy.sandbox.jsonio import Json
from tests.integration.sandbox_rig import Rig, VismaUser, body_of, invoice_body, line, running_rig, wrap

pytestmark = pytest.mark.integration

_LOCAL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}")


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    with running_rig() as rig:
        yield rig


@pytest.fixture
def user(rig: Rig) -> Iterator[VismaUser]:
    yield rig.company()
    rig.control.clear_faults()
    rig.control.reset_clock()


def _numbers(user: VismaUser, path: str = "/v1/supplierInvoice", **query: Any) -> list[str]:
    return sorted(row["referenceNumber"] for row in user.call("GET", path, **query).json())


def test_a_token_comes_for_a_form_or_basic_credentials(user: VismaUser) -> None:
    answer = user.fetch_token(scope="vismanet_erp_service_api:read").json()
    assert (answer["expires_in"], answer["token_type"]) == (3600, "Bearer")
    assert answer["scope"] == "vismanet_erp_service_api:read"
    basic = base64.b64encode(b"isv_connector:sandbox-secret").decode()
    form = {"grant_type": "client_credentials", "tenant_id": user.tenant_id}
    response = user.http.post(
        user.at.token_url, data=form, headers={"Authorization": f"Basic {basic}"}, timeout=9
    )
    assert response.status_code == 200


@pytest.mark.parametrize(
    ("changed", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"tenant_id": "7f3c"}, 400, "invalid_tenant"),
        ({"scope": "everything"}, 400, "invalid_scope"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
)
def test_token_refusals_are_oauth_errors(user: VismaUser, changed: Json, status: int, error: str) -> None:
    response = user.fetch_token(**changed)
    assert (response.status_code, response.json()) == (status, {"error": error})


def test_the_status_of_a_bad_secret_can_be_switched_and_approval_withdrawn(user: VismaUser) -> None:
    user.control.company_settings(user.id, invalid_client_status=400)
    assert user.fetch_token(client_secret="wrong").status_code == 400
    user.control.change_client(user.id, "isv_connector", approved=False)
    assert user.fetch_token().json() == {"error": "invalid_tenant"}


def test_tokens_end_by_time_and_by_hand(user: VismaUser) -> None:
    user.control.advance_clock(3599)
    assert user.call("GET", "/v1/branch").status_code == 200
    user.control.advance_clock(2)
    assert user.call("GET", "/v1/branch").status_code == 401
    user.fetch_token()
    assert user.control.expire_tokens(user.id) == 2
    assert user.call("GET", "/v1/branch").status_code == 401
    user.control.company_settings(user.id, token_life_s=60)
    assert user.fetch_token().json()["expires_in"] == 60


def test_a_customer_tenants_token_is_good_for_nothing(rig: Rig) -> None:
    client = {"client_id": "isv_other", "client_secret": "sandbox-secret", "customer_tenants": ["customer-1"]}
    user = rig.company(clients=[client])
    assert user.fetch_token(client_id="isv_other", tenant_id="customer-1").status_code == 200
    assert user.call("GET", "/v1/branch").status_code == 401


def test_scopes_are_checked_by_verb(user: VismaUser) -> None:
    user.fetch_token(scope="vismanet_erp_service_api:read")
    assert user.call("GET", "/v1/branch").status_code == 200
    assert user.call("POST", "/v1/supplier", wrap({"name": "X", "supplierClassId": "1"})).status_code == 403


@pytest.mark.parametrize(("header", "code"), [(None, "12002"), ("abc", "12002"), ("999", "12027")])
def test_the_company_header_must_be_there_and_right(user: VismaUser, header: str | None, code: str) -> None:
    response = user.call("GET", "/v1/branch", headers={"ipp-company-id": header})
    assert (response.status_code, response.json()["ExceptionFaultCode"]) == (400, code)


def test_the_company_header_can_be_optional(user: VismaUser) -> None:
    user.control.company_settings(user.id, require_company_header=False)
    assert user.call("GET", "/v1/branch", headers={"ipp-company-id": None}).status_code == 200
    assert user.call("GET", "/v1/branch", headers={"ipp-company-id": "999"}).status_code == 400


def test_rate_limit_headers_count_down_and_429_says_when(user: VismaUser) -> None:
    user.control.company_settings(user.id, calls_per_hour=2)
    headers = user.call("GET", "/v1/branch").headers
    assert (headers["X-RateLimit-Limit"], headers["X-RateLimit-Remaining"]) == ("2", "1")
    assert headers["X-RateLimit-Policy"] == "4-fixed-window"
    user.call("GET", "/v1/branch")
    limited = user.call("GET", "/v1/branch")
    assert (limited.status_code, limited.headers["X-RateLimit-Remaining"]) == (429, "0")
    assert limited.headers["Retry-After"] == limited.headers["X-RateLimit-Reset"]
    user.control.advance_clock(int(limited.headers["Retry-After"]) + 1)
    user.fetch_token()
    assert user.call("GET", "/v1/branch").status_code == 200


def test_a_supplier_is_posted_empty_handed_and_read_bare(user: VismaUser) -> None:
    address = {"addressLine1": "Storgatan 1", "postalCode": "831 30", "city": "Östersund", "countryId": "SE"}
    plain = {
        "name": "Ångström & Söner AB",
        "supplierClassId": "1",
        "accountReference": "009A",
        "mainAddress": address,
    }
    response = user.call(
        "POST", "/v1/supplier", wrap({**plain, "number": "77", "note": "hej", "nonsense": 1})
    )
    assert (response.status_code, response.content) == (201, b"")
    assert response.headers["Location"].endswith("/v1/supplier/50001")
    read = user.call("GET", "/v1/supplier/50001")
    found = read.json()
    assert read.headers["ETag"] == response.headers["ETag"] == f'"{found["timeStamp"]}"'
    assert (found["name"], found["accountReference"], found["note"]) == (plain["name"], "009A", "hej")
    assert found["mainAddress"]["country"] == {"id": "SE", "name": "Sverige"}
    assert (found["currencyId"], found["vatZone"]["id"], found["creditTerms"]["id"]) == ("SEK", "01", "30")
    assert _LOCAL.fullmatch(found["lastModifiedDateTime"])
    assert user.call("GET", "/v1/supplier/b64(NTAwMDE)").json()["number"] == "50001"
    assert user.call("GET", "/v1/supplier/50002").status_code == 404


def test_a_read_shaped_address_is_silently_ignored(user: VismaUser) -> None:
    body = wrap({"name": "X", "supplierClassId": "1"})
    body["mainAddress"] = {"addressLine1": "Testroad 5", "country": {"id": "SE"}}
    assert user.call("POST", "/v1/supplier", body).status_code == 201
    assert user.call("GET", "/v1/supplier/50001").json()["mainAddress"]["addressLine1"] is None


def test_put_changes_only_what_it_names_under_if_match(user: VismaUser) -> None:
    number = user.supplier(mainContact={"email": "a@example.com", "phone1": "1"})
    path = f"/v1/supplier/{number}"
    old = user.call("GET", path).headers["ETag"]
    body = wrap({"status": "OnHold", "mainContact": {"phone1": "2"}})
    response = user.call("PUT", path, body, headers={"If-Match": old})
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["ETag"] > old
    assert user.call("PUT", path, body, headers={"If-Match": old}).status_code == 412
    assert user.call("PUT", path, body).status_code == 204
    contact = user.call("GET", path).json()["mainContact"]
    assert (contact["email"], contact["phone1"]) == ("a@example.com", "2")
    assert user.call("DELETE", path).status_code == 404


def test_supplier_filters_and_ignored_parameters(user: VismaUser) -> None:
    user.supplier("Ett AB", corporateId="556000-0001", vatRegistrationId="SE1")
    user.supplier("Två AB", status="Inactive")
    assert [row["name"] for row in user.call("GET", "/v1/supplier", corporateId="556000-0001").json()] == [
        "Ett AB"
    ]
    assert [row["name"] for row in user.call("GET", "/v1/supplier", status="Inactive").json()] == ["Två AB"]
    assert [row["name"] for row in user.call("GET", "/v1/supplier", name="Två AB").json()] == ["Två AB"]
    rows = user.call("GET", "/v1/supplier", accountReference="no such filter", pageSize=1).json()
    assert len(rows) == 1 and rows[0]["metadata"] == {"totalCount": 2, "maxPageSize": 1000}
    assert rows[0]["note"] is None


def test_an_invoice_includes_vat_in_gross_and_adds_it_in_net(user: VismaUser) -> None:
    supplier = user.supplier()
    gross = user.invoice(supplier, supplierReference="F-1", note="BILL:00n1", hold=True)
    assert (gross["referenceNumber"], gross["status"], gross["hold"]) == ("000357", "Hold", True)
    assert (gross["amount"], gross["vatTotalInCurrency"], gross["financialPeriod"]) == (1250, 250, "202610")
    assert gross["taxDetailLines"][0]["taxId"] == "25I" and gross["note"] == "BILL:00n1"
    net = user.invoice(supplier, taxCalculationMode="Net")
    assert (net["amount"], net["status"], net["postPeriod"]) == (Decimal("1562.5"), "Balanced", "102026")
    exempt = user.invoice(supplier, [line("100.10", vatCodeId="0")], taxCalculationMode="Net")
    assert (exempt["amount"], exempt["vatExemptTotal"]) == (Decimal("100.10"), Decimal("100.10"))
    segment = gross["invoiceLines"][0]["subaccount"]["segments"][0]
    assert (segment["segmentDescription"], segment["segmentValue"]) == ("Kostnadsställe", "100")


def test_numbers_are_a_series_per_type_and_posts_are_never_the_same(user: VismaUser) -> None:
    supplier = user.supplier()
    numbers = [user.invoice(supplier, supplierReference="F-1")["referenceNumber"] for _ in range(2)]
    credit = user.invoice(supplier, documentType="DebitAdj", supplierReference="F-1")
    assert (numbers, credit["referenceNumber"]) == (["000357", "000358"], "000357")
    assert user.call("GET", "/v1/supplierInvoice/000357").json()["documentType"] == "Invoice"
    assert user.call("GET", "/v1/supplierInvoice/DebitAdj/000357").json()["documentType"] == "DebitAdj"
    assert user.call("GET", "/v1/supplierInvoice/DebitAdj/000358").status_code == 404
    wrong = {**invoice_body(supplier), **wrap({"documentTypeId": "DebitAdj"})}
    location = user.call("POST", "/v1/supplierInvoice", wrong).headers["Location"]
    assert location.endswith("/v1/supplierInvoice/000359")


def test_lines_are_inserted_updated_and_deleted_by_number(user: VismaUser) -> None:
    supplier = user.supplier()
    number = user.invoice(supplier, [line("10"), line("20")])["referenceNumber"]
    path = f"/v1/supplierInvoice/{number}"
    operations = [
        {"operation": "Update", **wrap({"lineNumber": 1, "quantity": 3})},
        {"operation": "Delete", **wrap({"lineNumber": 2})},
        line("5", "5010"),
    ]
    assert user.call("PUT", path, {"invoiceLines": operations}).status_code == 204
    read = body_of(user.call("GET", path))
    shown = [
        (row["lineNumber"], row["costInCurrency"], row["account"]["number"]) for row in read["invoiceLines"]
    ]
    assert shown == [(1, 30, "4000"), (2, 5, "5010")]
    user.call("PUT", path, {"invoiceLines": [line("5", "5010")]})
    assert len(user.call("GET", path).json()["invoiceLines"]) == 3
    unknown = {"operation": "Update", **wrap({"lineNumber": 9, "quantity": 1})}
    assert user.call("PUT", path, {"invoiceLines": [unknown]}).status_code == 400


def test_a_line_total_stands_for_itself(user: VismaUser) -> None:
    total = {
        "operation": "Insert",
        **wrap({"costInCurrency": "99.99", "accountNumber": "4000", "vatCodeId": "0"}),
    }
    (row,) = user.invoice(user.supplier(), [total])["invoiceLines"]
    assert (row["costInCurrency"], row["quantity"]) == (Decimal("99.99"), 0)


def test_if_match_guards_an_invoice_on_both_routes(user: VismaUser) -> None:
    supplier = user.supplier()
    for path in ("/v1/supplierInvoice/000357", "/v1/supplierInvoice/DebitAdj/000357"):
        user.invoice(supplier, documentType="DebitAdj" if "Debit" in path else "Invoice")
        old = user.call("GET", path).headers["ETag"]
        body = wrap({"description": "ny"})
        assert user.call("PUT", path, body, headers={"If-Match": old.strip('"')}).status_code == 204
        assert user.call("PUT", path, body, headers={"If-Match": old}).status_code == 412


def test_release_comes_later_and_closes_the_document_for_changes(user: VismaUser) -> None:
    supplier = user.supplier()
    number = user.invoice(supplier)["referenceNumber"]
    path = f"/v1/supplierInvoice/{number}"
    user.control.company_settings(user.id, release_delay_s=2)
    assert user.call("POST", path + "/action/release").status_code == 202
    assert user.call("GET", path).json()["status"] == "Balanced"
    user.control.wait("invoices", 1, company=user.id, status="Open")
    assert user.call("PUT", path, wrap({"description": "x"})).status_code == 400
    assert user.call("DELETE", path).status_code == 400
    assert user.call("PUT", path, wrap({"dueDate": "2027-01-01"})).status_code == 204
    assert user.call("POST", path + "/action/release").status_code == 400
    assert user.call("POST", f"/v1/supplierInvoice/Invoice/{number}/action/reverse").status_code == 202
    assert _numbers(user, documentType="DebitAdj") == ["000357"]
    assert user.control.pay_invoice(user.id, number, "250")["balance"] == 1000
    assert user.control.pay_invoice(user.id, number)["status"] == "Closed"


def test_a_held_document_is_not_released_until_balanced(user: VismaUser) -> None:
    path = f"/v1/supplierInvoice/{user.invoice(user.supplier(), hold=True)['referenceNumber']}"
    refused = user.call("POST", path + "/action/release")
    assert refused.status_code == 400 and "Document is On Hold and cannot be released." in refused.text
    user.call("PUT", path, wrap({"hold": False}))
    assert user.call("POST", path + "/action/release").status_code == 202


def test_unreleased_documents_are_deleted_and_voiding_is_for_released_ones(user: VismaUser) -> None:
    supplier = user.supplier()
    number = user.invoice(supplier)["referenceNumber"]
    assert user.call("POST", f"/v1/supplierInvoice/Invoice/{number}/action/voidinvoice").status_code == 400
    assert (
        user.call("DELETE", f"/v1/supplierInvoice/{number}", headers={"If-Match": "old"}).status_code == 204
    )
    assert user.call("GET", f"/v1/supplierInvoice/{number}").status_code == 404
    second = user.invoice(supplier)["referenceNumber"]
    user.control.release_invoice(user.id, second)
    assert user.call("POST", f"/v1/supplierInvoice/Invoice/{second}/action/voidinvoice").status_code == 202
    assert user.call("GET", f"/v1/supplierInvoice/{second}").json()["status"] == "Voided"


def test_notes_and_attachments_are_shown_on_request_in_lists(user: VismaUser) -> None:
    supplier = user.supplier()
    user.invoice(supplier, note="BILL:1")
    (bare,) = user.call("GET", "/v1/supplierInvoice").json()
    (whole,) = user.call("GET", "/v1/supplierInvoice", expandNote="true", expandAttachment="true").json()
    assert (bare["note"], bare["attachments"]) == (None, None)
    assert (whole["note"], whole["attachments"]) == ("BILL:1", [])
    user.control.company_settings(user.id, note_on_single_reads=False)
    assert user.call("GET", "/v1/supplierInvoice/000357").json()["note"] is None
    assert user.call("GET", "/v1/supplierInvoice/000357", expandNote="true").json()["note"] == "BILL:1"


def test_invoice_filters_alone_and_together(user: VismaUser) -> None:
    first, second = user.supplier("A"), user.supplier("B")
    user.invoice(first, supplierReference="F-1", date="2026-10-01", dueDate="2026-11-01")
    user.invoice(second, supplierReference="F-2", date="2026-11-01", dueDate="2026-12-01", hold=True)
    user.control.release_invoice(user.id, "000357")
    one, two = ["000357"], ["000358"]
    cases: list[tuple[list[str], dict[str, str]]] = [
        (one, {"supplier": first}),
        (two, {"status": "Hold"}),
        (one, {"released": "1"}),
        (two, {"released": "0"}),
        (two, {"financialPeriod": "202611"}),
        (one, {"docDate": "2026-10-01", "docDateCondition": "<="}),
        (two, {"dueDate": "2026-11-02", "dueDateCondition": ">="}),
        (one + two, {"balance": "1250", "balanceCondition": ">"}),
        (two, {"supplier": second, "docDate": "2026-10-02", "docDateCondition": ">"}),
        (one + two, {"supplierReference": "F-1"}),
        (two, {"greaterThanValue": "000357"}),
    ]
    for found, query in cases:
        assert _numbers(user, **query) == found, query
    assert _numbers(user, f"/v1/supplier/{second}/invoice") == two
    assert user.call("GET", "/v1/supplierInvoice", docDate="2026-10-01").status_code == 400


def test_changes_are_found_from_their_own_time_on(user: VismaUser) -> None:
    supplier = user.supplier()
    first, second = user.invoice(supplier), user.invoice(supplier)
    query = {"lastModifiedDateTime": second["lastModifiedDateTime"], "lastModifiedDateTimeCondition": ">"}
    assert _numbers(user, **query) == [second["referenceNumber"]]
    user.call("PUT", f"/v1/supplierInvoice/{first['referenceNumber']}", wrap({"description": "x"}))
    assert len(_numbers(user, **query)) == 2
    zoned = {**query, "lastModifiedDateTime": second["lastModifiedDateTime"] + "Z"}
    assert user.call("GET", "/v1/supplierInvoice", **zoned).status_code == 400
    created = {"createdDateTime": second["createdDateTime"], "createdDateTimeCondition": ">="}
    assert _numbers(user, **created) == [second["referenceNumber"]]


def test_pages_have_no_order_but_hold_everything_once(user: VismaUser) -> None:
    user.control.company_settings(user.id, max_page_size=20)
    user.control.enter_many(
        user.id, suppliers=[{"name": f"S{place}", "supplierClassId": "1"} for place in range(45)]
    )
    pages = [user.call("GET", "/v1/supplier", pageNumber=page, pageSize=500).json() for page in (1, 2, 3, 4)]
    numbers = [row["number"] for page in pages for row in page]
    assert [len(page) for page in pages] == [20, 20, 5, 0]
    assert len(set(numbers)) == 45 and numbers != sorted(numbers)
    assert pages[0][0]["metadata"] == {"totalCount": 45, "maxPageSize": 20}


def test_attachments_on_the_odd_paths_keep_every_byte(user: VismaUser) -> None:
    supplier = user.supplier()
    user.invoice(supplier)
    user.invoice(supplier, documentType="DebitAdj")
    content, headers = (
        bytes(range(256)) * 99,
        {"Authorization": f"Bearer {user.token}", "ipp-company-id": user.id},
    )
    paths = (
        "/000357/attachment",
        "/000357/attachment",
        "/documentType/DebitAdj/000357/attachment",
        "/000357/1/attachment",
    )
    for path in paths:
        url, files = f"{user.at.visma_url}/v1/supplierInvoice{path}", {"file": ("räkning.pdf", content)}
        response = user.http.post(url, files=files, headers=headers, timeout=10)
        assert response.status_code == 201 and response.headers["ETag"]
    rows = user.control.company_state(user.id, "attachments")
    assert {row["sha256"] for row in rows} == {hashlib.sha256(content).hexdigest()}
    assert sorted((row["invoice"], row["revision"]) for row in rows) == [
        ("DebitAdj/000357", 1),
        ("Invoice/000357", 1),
        ("Invoice/000357", 2),
    ]
    (shown,) = user.call("GET", "/v1/supplierInvoice/000357").json()["attachments"]
    assert (shown["name"], shown["revision"]) == ("räkning.pdf", 2)
    assert user.call("GET", f"/v1/attachment/{shown['id']}").content == content
    stale = {**headers, "If-Match": '"old"'}
    url = f"{user.at.visma_url}/v1/supplierInvoice/000357/attachment"
    assert user.http.post(url, files={"f": ("a", b"")}, headers=stale, timeout=10).status_code == 412


def test_background_requests_answer_later(user: VismaUser) -> None:
    supplier = user.supplier()
    headers = {"erp-api-background": "none"}
    taken = user.call("POST", "/v1/supplierInvoice", invoice_body(supplier), headers=headers)
    assert taken.status_code == 202
    user.control.wait("invoices", 1, company=user.id)
    state = user.call("GET", f"/v1/background/{taken.json()['id']}").json()
    assert (state["status"], state["statusCode"], state["hasResponseContent"]) == ("Finished", 201, False)
    assert state["responseHeaders"]["Location"].endswith("/000357")
    release = "/v1/supplierInvoice/000357/action/release"
    stale = user.call("POST", release, headers={**headers, "If-Match": '"old"'}).json()["id"]
    user.control.company_settings(user.id, background_delay_s=0)
    user.call("GET", "/v1/branch", headers=headers)
    user.control.wait("calls", 1, tenant=user.id, method="GET", status=202)
    assert user.call("POST", release, headers={"If-Match": '"old"'}).status_code == 202
    user.control.advance_clock(24 * 3600 + 1)
    user.fetch_token()
    assert user.call("GET", f"/v1/background/{stale}").status_code == 404


def test_writes_at_once_are_counted_apart_from_reads(user: VismaUser) -> None:
    user.control.add_fault("latency", tenant=user.id, seconds=0.3, times=4)
    headers = {"Authorization": f"Bearer {user.token}", "ipp-company-id": user.id}
    url, body = f"{user.at.visma_url}/v1/supplier", wrap({"name": "X", "supplierClassId": "1"})
    with ThreadPoolExecutor(4) as pool:
        writes = [pool.submit(requests.post, url, json=body, headers=headers, timeout=9) for _ in range(2)]
        reads = [pool.submit(requests.get, url, headers=headers, timeout=9) for _ in range(2)]
    assert [found.result().status_code for found in writes + reads] == [201, 201, 200, 200]
    most = user.control.calls()["most_at_once"]
    assert (most[f"visma:{user.id}"], most[f"visma:{user.id}:writes"]) == (4, 2)


def test_a_conflict_can_be_made_just_before_a_put(user: VismaUser) -> None:
    user.invoice(user.supplier())
    path = "/v1/supplierInvoice/000357"
    old = user.call("GET", path).headers["ETag"]
    user.control.add_fault("race", tenant=user.id, method="PUT", change={"description": "by hand"})
    assert user.call("PUT", path, wrap({"paymentRefNo": "1"}), headers={"If-Match": old}).status_code == 412
    assert user.call("GET", path).json()["description"] == "by hand"
    assert [entry["by"] for entry in user.control.visma_log(user.id)][-1] == "person"


def test_an_effect_can_come_after_the_client_gave_up(user: VismaUser) -> None:
    supplier = user.supplier()
    user.control.add_fault("late", tenant=user.id, method="POST", seconds=0.2)
    with pytest.raises(OSError, match="Connection aborted"):
        user.post(supplier)
    assert _numbers(user) == []
    assert user.control.wait("log", 1, company=user.id, entity="supplierInvoice", kind="created") == 1


def test_an_effect_can_wait_for_the_client_to_give_up(user: VismaUser) -> None:
    supplier = user.supplier()
    user.control.add_fault("late", tenant=user.id, method="POST", seconds=0, hold_s=None)
    headers = {"Authorization": f"Bearer {user.token}", "ipp-company-id": user.id}
    with pytest.raises(OSError, match="timed out"):
        user.http.post(
            f"{user.at.visma_url}/v1/supplierInvoice",
            json=invoice_body(supplier),
            headers=headers,
            timeout=0.2,
        )
    assert user.control.wait("invoices", 1, company=user.id) == 1


@pytest.mark.parametrize(
    ("action", "start"),
    [
        ({"status": 500}, ""),
        ({"status": 500, "message": "Another process"}, '{"message":"VismaId: '),
        ({"status": 502, "shape": "html"}, "<html>"),
        ({"status": 429, "retry_after": 3}, ""),
    ],
)
def test_visma_breaks_before_or_after_the_effect(user: VismaUser, action: Json, start: str) -> None:
    supplier = user.supplier()
    user.control.add_fault("status", tenant=user.id, method="POST", **action)
    user.control.add_fault("status", tenant=user.id, method="POST", when="after", **action)
    for invoices in (0, 1):
        response = user.post(supplier)
        assert response.status_code == action["status"] and response.text.startswith(start)
        assert len(_numbers(user)) == invoices


def test_the_token_endpoint_breaks_too(user: VismaUser) -> None:
    user.control.add_fault("status", system="token", tenant=user.id, status=503)
    assert user.fetch_token().status_code == 503
    assert user.fetch_token().status_code == 200
