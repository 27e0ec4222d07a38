"""The simulated BILL over HTTP: sessions, records and lists, as its reference describes them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from deploy.sandbox import seeds
from deploy.sandbox.jsonio import Json
from tests.integration.sandbox_rig import BillUser, Rig, body_of, code_of, running_rig

pytestmark = pytest.mark.integration

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00")


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    with running_rig() as rig:
        yield rig


@pytest.fixture
def user(rig: Rig) -> BillUser:
    return rig.organization()


def _new_bill(vendor: Json, **extra: Any) -> Json:
    body = {
        "vendorId": vendor["id"],
        "dueDate": "2026-12-31",
        "invoice": {"invoiceNumber": "202501", "invoiceDate": "2026-12-01"},
        "billLineItems": [{"amount": Decimal("149.00")}, {"quantity": 2, "price": Decimal("39.995")}],
    }
    return body | extra


def test_a_login_gives_a_session_that_knows_itself(user: BillUser) -> None:
    answer = user.log_in().json()
    assert answer["organizationId"] == user.id
    assert answer["trusted"] is False
    session = user.call("GET", "/v3/login/session").json()
    assert session == {
        "organizationId": user.id,
        "userId": answer["userId"],
        "mfaStatus": "DISABLED",
        "mfaBypass": True,
    }
    assert user.call("GET", "/v3/health").json()["appEnv"] == "sandbox"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"password": "wrong"}, "BDC_1101"),
        ({"username": "nobody"}, "BDC_1101"),
        ({"devKey": "wrong"}, "BDC_1102"),
        ({"organizationId": "00800000000000000000"}, "BDC_1101"),
    ],
)
def test_wrong_credentials_are_refused_by_code(user: BillUser, changed: Json, code: str) -> None:
    right = {"username": "erp-sync", "password": "sandbox-token", "organizationId": user.id}
    body = {**right, "devKey": user.dev_key, **changed}
    assert code_of(user.call("POST", "/v3/login", body)) == (400, code)


def test_the_status_of_a_refused_login_can_be_switched(user: BillUser) -> None:
    user.control.organization_settings(user.id, login_refused_status=401)
    assert user.log_in(password="wrong").status_code == 401


@pytest.mark.parametrize(
    ("headers", "code"),
    [({"sessionId": "gone"}, "BDC_1109"), ({"devKey": ""}, "BDC_1102"), ({"devKey": "x"}, "BDC_1102")],
)
def test_calls_need_session_and_developer_key(user: BillUser, headers: dict[str, str], code: str) -> None:
    assert code_of(user.call("GET", "/v3/vendors", headers=headers)) == (401, code)


@pytest.mark.parametrize(
    ("username", "password", "idle_s"), [("lars", "lars", 35 * 60), ("erp-sync", "sandbox-token", 48 * 3600)]
)
def test_a_session_ends_after_idle_time_which_slides(
    user: BillUser, username: str, password: str, idle_s: int
) -> None:
    user.log_in(username, password)
    for _ in range(2):
        user.control.advance_clock(idle_s - 60)
        assert user.call("GET", "/v3/vendors").status_code == 200
    user.control.advance_clock(idle_s + 60)
    assert code_of(user.call("GET", "/v3/vendors")) == (401, "BDC_1109")
    user.control.reset_clock()


def test_sessions_end_by_logout_and_by_hand(user: BillUser) -> None:
    assert user.call("POST", "/v3/logout").content == b""
    assert code_of(user.call("GET", "/v3/vendors")) == (401, "BDC_1109")
    user.log_in()
    assert user.control.expire_sessions(user.id) == 1
    assert code_of(user.call("GET", "/v3/vendors")) == (401, "BDC_1109")


def test_several_sessions_live_side_by_side(user: BillUser) -> None:
    first = user.session
    user.log_in()
    assert user.session != first
    assert user.call("GET", "/v3/vendors", headers={"sessionId": first}).status_code == 200


def test_a_locked_organization_answers_423(user: BillUser) -> None:
    user.control.organization_access(user.id, locked=True)
    assert code_of(user.call("GET", "/v3/vendors")) == (423, "BDC_1107")


@pytest.mark.parametrize(
    ("base", "path"),
    [
        ("bill", "/v3/events/catalog"),
        ("bill", "/v3/subscriptions"),
        ("events", "/v3/bills"),
        ("bill", "/v2/List"),
    ],
)
def test_a_wrong_base_path_is_not_supported(user: BillUser, base: str, path: str) -> None:
    url = user.at.bill_url if base == "bill" else user.at.events_url
    assert code_of(user.call("GET", path, base=url)) == (404, "BDC_1121")


def test_payment_and_bank_routes_need_a_trusted_session(user: BillUser) -> None:
    vendor = user.vendor()
    bill = user.bill(vendor)
    path = f"/v3/vendors/{vendor['id']}/bank-account"
    payment = {"billId": bill["id"], "amount": 10, "processDate": "2026-12-01"}
    assert code_of(user.call("GET", path)) == (403, "BDC_1361")
    assert code_of(user.call("POST", "/v3/payments", payment)) == (403, "BDC_1361")
    assert user.log_in("anna", "anna").json()["trusted"] is True
    assert user.call("POST", path, {"nameOnAccount": "Ek", "accountNumber": "111222333"}).status_code == 200
    shown = user.call("GET", f"/v3/vendors/{vendor['id']}").json()
    assert shown["paymentInformation"]["bankAccount"]["accountNumber"] == "*****2333"
    assert user.call("POST", "/v3/payments", payment).status_code == 201


def test_vendors_are_created_changed_archived_and_restored(user: BillUser) -> None:
    wanted = seeds.vendor(seeds.SWEDEN, name="Åkeri Ångström & Söner AB", email="")
    created = user.call("POST", "/v3/vendors", wanted)
    vendor = body_of(created)
    assert created.status_code == 201
    assert vendor["name"] == "Åkeri Ångström & Söner AB"
    assert re.fullmatch(r"009[A-Z0-9]{17}", vendor["id"])
    assert _TIME.fullmatch(vendor["createdTime"]) and _TIME.fullmatch(vendor["updatedTime"])
    assert "email" not in vendor and None not in vendor.values()
    assert vendor["address"]["countryName"] == "Sweden"
    path = f"/v3/vendors/{vendor['id']}"
    changed = user.call("PATCH", path, {"phone": "070", "additionalInfo": {"paymentTermId": "t30"}}).json()
    assert changed["additionalInfo"] == {**wanted["additionalInfo"], "paymentTermId": "t30"}
    assert changed["updatedTime"] > vendor["updatedTime"]
    assert user.call("POST", path + "/archive").json()["archived"] is True
    assert user.call("POST", path + "/restore").json()["archived"] is False
    assert user.call("PUT", path, wanted).status_code == 404


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"name": "X"}, "address: must not be null"),
        ({"address": {}}, "name: must not be null"),
        (
            {"name": "X", "address": {"line1": "a", "city": "b", "zipOrPostalCode": "c"}},
            "country: must not be null",
        ),
    ],
)
def test_a_vendor_needs_name_and_address(user: BillUser, body: Json, message: str) -> None:
    response = user.call("POST", "/v3/vendors", body)
    assert response.status_code == 400
    assert response.json() == [{"message": message, "severity": "ERROR"}]


def test_bulk_is_all_or_nothing(user: BillUser) -> None:
    good = seeds.vendor(seeds.SWEDEN)
    assert code_of(user.call("POST", "/v3/vendors/bulk", [good, {"name": "X"}])) == (400, "BDC_1246")
    assert user.call("GET", "/v3/vendors").json()["results"] == []
    assert len(user.call("POST", "/v3/vendors/bulk", [good, good]).json()["vendors"]) == 2
    assert user.call("POST", "/v3/vendors/bulk", [good] * 21).status_code == 400
    bill = _new_bill(user.vendor())
    assert len(user.call("POST", "/v3/bills/bulk", [bill, bill]).json()) == 2
    assert code_of(user.call("POST", "/v3/bills/bulk", [bill, {}])) == (400, "BDC_1246")


def test_a_bill_sums_its_lines_and_shows_the_vendor_only_on_reads(user: BillUser) -> None:
    vendor = user.vendor()
    created = user.call("POST", "/v3/bills", _new_bill(vendor))
    bill = body_of(created)
    assert created.status_code == 201
    assert '"amount":228.99,' in created.text and '"paidAmount":0.0,' in created.text
    assert "vendorName" not in bill and "description" not in bill
    assert (bill["amount"], bill["dueAmount"]) == (Decimal("228.99"), Decimal("228.99"))
    assert [item["amount"] for item in bill["billLineItems"]] == [Decimal("149.0"), Decimal("79.99")]
    assert (bill["approvalStatus"], bill["paymentStatus"]) == ("UNASSIGNED", "UNPAID")
    read = user.call("GET", f"/v3/bills/{bill['id']}").json()
    assert read["vendorName"] == vendor["name"]
    assert not {"currency", "tax", "glPostingDate"} & set(read)


def test_patch_keeps_line_ids_and_put_replaces_the_bill(user: BillUser) -> None:
    bill = body_of(user.call("POST", "/v3/bills", _new_bill(user.vendor(), description="gear")))
    path, first = f"/v3/bills/{bill['id']}", bill["billLineItems"][0]["id"]
    patched = body_of(user.call("PATCH", path, {"billLineItems": [{"id": first, "amount": 179}]}))
    assert [item["id"] for item in patched["billLineItems"]] == [item["id"] for item in bill["billLineItems"]]
    assert patched["amount"] == Decimal("258.99")
    replacing = {
        **_new_bill({"id": bill["vendorId"]}),
        "billLineItems": [{"amount": 1}, {"id": first, "amount": 2}],
    }
    replaced = body_of(user.call("PUT", path, replacing))
    assert replaced["amount"] == 3 and "description" not in replaced
    assert replaced["billLineItems"][1]["id"] == first


def test_drafts_and_archived_bills_say_so(user: BillUser) -> None:
    vendor = user.vendor()
    draft = user.bill(vendor, draft=True, approvalStatus=None)
    assert (draft["archived"], draft["recordStatus"]) == (True, "DRAFT")
    assert user.control.activate_bill(user.id, draft["id"])["recordStatus"] == "ACTIVE"
    path = f"/v3/bills/{draft['id']}"
    archived = user.call("POST", path + "/archive").json()
    assert (archived["archived"], archived["recordStatus"]) == (True, "INACTIVE")
    assert user.call("POST", path + "/restore").json()["recordStatus"] == "ACTIVE"
    second = user.bill(vendor, draft=True, approvalStatus=None)
    assert user.call("POST", f"/v3/bills/{second['id']}/archive").json()["recordStatus"] == "DRAFT_DELETED"


def test_recorded_payments_lower_what_is_due(user: BillUser) -> None:
    bill = user.bill(user.vendor(), amount="100.00")
    payment = {"billId": bill["id"], "amount": 70}
    body = {"vendorId": bill["vendorId"], "processDate": "2026-12-20", "payments": [payment]}
    assert user.call("POST", "/v3/bills/record-payment", body).status_code == 200
    read = body_of(user.call("GET", f"/v3/bills/{bill['id']}"))
    assert (read["paymentStatus"], read["dueAmount"]) == ("PARTIALLY_PAID", Decimal(30))
    assert user.control.pay_bill(user.id, bill["id"])["paymentStatus"] == "PAID"


@pytest.mark.parametrize("bumps", [True, False])
def test_approval_moves_updated_time_unless_switched_off(user: BillUser, bumps: bool) -> None:
    user.control.organization_settings(user.id, approval_bumps_updated_time=bumps)
    bill = user.bill(user.vendor(), approvalStatus="ASSIGNED")
    approved = user.control.approve_bill(user.id, bill["id"])
    assert approved["approvalStatus"] == "APPROVED"
    assert (approved["updatedTime"] > bill["updatedTime"]) is bumps


def test_a_policy_asks_approvers_who_act_in_their_own_name(user: BillUser) -> None:
    user.log_in("lars", "lars")
    lars = user.call("GET", "/v3/login/session").json()["userId"]
    rule = {"key": "BILL_AMOUNT", "op": "gte", "values": ["1000"]}
    policy = {"policyName": "large", "rules": [rule], "approvers": [lars]}
    made = user.call("POST", "/v3/bill-approvals/policies", policy)
    assert made.status_code == 201 and made.json()["approvers"]["users"] == [lars]
    large = user.bill(user.vendor(), amount="1000.00", approvalStatus=None)
    small = user.bill(user.vendor(), amount="999.99", approvalStatus=None)
    assert (large["approvalStatus"], small["approvalStatus"]) == ("ASSIGNED", "UNASSIGNED")
    pending = user.call("GET", "/v3/bill-approvals/pending-user-approvals").json()["bills"]
    assert [item["billId"] for item in pending] == [large["id"]]
    action = [{"billId": large["id"], "action": "APPROVE", "comment": "ok"}]
    assert user.call("POST", "/v3/bill-approvals/actions", action).json() == {"status": "SUCCESS"}
    assert user.call("GET", f"/v3/bills/{large['id']}").json()["approvalStatus"] == "APPROVED"
    assert user.call("POST", "/v3/bill-approvals/actions", action).status_code == 403
    assert user.call("DELETE", f"/v3/bill-approvals/policies/{made.json()['id']}").status_code == 200


def test_documents_are_listed_and_downloaded_as_they_were(user: BillUser) -> None:
    bill = user.bill(user.vendor())
    content = bytes(range(256)) * 20
    posted = user.call("POST", f"/v3/documents/bills/{bill['id']}", content, name="faktura åäö.pdf").json()
    user.control.add_document(user.id, bill["id"], "andra.pdf", b"%PDF")
    listed = user.call("GET", f"/v3/documents/bills/{bill['id']}").json()["results"]
    assert [item["name"] for item in listed] == ["faktura åäö.pdf", "andra.pdf"]
    assert user.call("GET", f"/v3/documents/{posted['id']}").json() == posted
    file = user.http.get(posted["downloadLink"], timeout=10)
    assert (file.content, file.headers["Content-Type"]) == (content, "application/pdf")
    assert user.http.get(posted["downloadLink"][:-1], timeout=10).status_code == 404


@pytest.mark.parametrize(
    "kind",
    ["accounting-classes", "chart-of-accounts", "departments", "locations", "jobs", "items", "employees"],
)
def test_every_classification_is_read_and_written(user: BillUser, kind: str) -> None:
    path = f"/v3/classifications/{kind}"
    made = user.call("POST", path, {"name": "Sälj", "account": {"number": "5010"}}).json()
    assert user.call("GET", f"{path}/{made['id']}").json() == made
    assert user.call("PATCH", f"{path}/{made['id']}", {"name": "Ny"}).json()["name"] == "Ny"
    assert user.call("POST", f"{path}/{made['id']}/archive").json()["archived"] is True
    assert made["id"] in [row["id"] for row in user.call("GET", path, max=100).json()["results"]]
    bulk = user.call("POST", path + "/bulk", [{"name": "A"}, {"name": "B"}])
    (rows,) = bulk.json().values()
    assert bulk.status_code == 201 and [row["name"] for row in rows] == ["A", "B"]
    assert user.call("GET", f"{path}/none").status_code == 404


def test_unknown_ids_are_404_and_broken_json_is_400(user: BillUser) -> None:
    for path in ("/v3/vendors/009X", "/v3/bills/00nX", "/v3/users/006X", "/v3/documents/00hX"):
        assert code_of(user.call("GET", path)) == (404, "BDC_1205")
    assert code_of(user.call("POST", "/v3/vendors", b"{")) == (400, "BDC_1122")
    assert code_of(user.call("POST", "/v3/bills", _new_bill({"id": "009X"}))) == (400, "BDC_1205")


def test_users_are_listed_without_the_token(user: BillUser) -> None:
    assert [row["firstName"] for row in user.call("GET", "/v3/users").json()["results"]] == ["Anna", "Lars"]


def test_lists_are_walked_by_opaque_pages(user: BillUser) -> None:
    user.control.create_many(user.id, vendors=[seeds.vendor(seeds.SWEDEN, place) for place in range(45)])
    seen, query = [], {"sort": "updatedTime:asc", "max": "20"}
    page = user.find("/v3/vendors", query).json()
    while True:
        seen += [row["id"] for row in page["results"]]
        if "nextPage" not in page:
            break
        page = user.call("GET", "/v3/vendors", page=page["nextPage"]).json()
    assert len(seen) == len(set(seen)) == 45
    assert "prevPage" in page
    assert len(user.call("GET", "/v3/vendors").json()["results"]) == 20


@pytest.mark.parametrize("query", [{"max": 0}, {"max": 101}, {"page": "x"}, {"sort": "approvalStatus:asc"}])
def test_bad_parameters_are_400(user: BillUser, query: Json) -> None:
    assert code_of(user.find("/v3/bills", query)) == (400, "BDC_1129")


def test_filters_outside_the_whitelist_are_refused(user: BillUser) -> None:
    for text, code in (("approvalStatus:eq:APPROVED", "BDC_1130"), ("updatedTime:eq:2026-01-01", "BDC_1131")):
        assert code_of(user.call("GET", "/v3/bills", filters=text)) == (400, code)


def test_a_row_edited_during_a_walk_moves_to_its_end(user: BillUser) -> None:
    bills = [user.bill(user.vendor(), f"F-{place}") for place in range(4)]
    query = {"sort": "updatedTime:asc", "max": "2", "filters": 'updatedTime:gte:"2020-01-01"'}
    first = user.find("/v3/bills", query).json()
    user.control.change_bill(user.id, bills[0]["id"], description="moved")
    second = user.find("/v3/bills", {**query, "page": first["nextPage"]}).json()
    seen = [row["invoice"]["invoiceNumber"] for row in first["results"] + second["results"]]
    assert seen == ["F-0", "F-1", "F-3", "F-0"]


def test_changes_have_rising_times_or_equal_ones(user: BillUser) -> None:
    times = [user.vendor(place)["updatedTime"] for place in range(5)]
    assert times == sorted(set(times))
    user.control.organization_settings(user.id, equal_updated_time=True)
    assert len({user.vendor(place)["updatedTime"] for place in range(5)}) == 1


def test_rows_may_appear_late_with_an_older_time(user: BillUser) -> None:
    user.control.organization_settings(user.id, visibility_lag_s=600)
    vendor = user.vendor()
    assert user.call("GET", f"/v3/vendors/{vendor['id']}").status_code == 200
    assert user.call("GET", "/v3/vendors").json()["results"] == []
    user.control.advance_clock(601)
    assert [row["id"] for row in user.call("GET", "/v3/vendors").json()["results"]] == [vendor["id"]]
    user.control.reset_clock()


def test_cursors_end_where_that_is_switched_on(user: BillUser) -> None:
    user.control.organization_settings(user.id, cursor_life_s=60)
    for place in range(3):
        user.vendor(place)
    page = user.call("GET", "/v3/vendors", max=1).json()["nextPage"]
    assert user.call("GET", "/v3/vendors", page=page).status_code == 200
    user.control.advance_clock(61)
    assert code_of(user.call("GET", "/v3/vendors", page=page)) == (400, "BDC_1129")
    user.control.reset_clock()
