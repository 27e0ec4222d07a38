"""Routes that move money or touch bank accounts: refused without a trusted session (BDC_1361)."""

from __future__ import annotations

from deploy.sandbox.bill.bills import get_bill, set_payment
from deploy.sandbox.bill.errors import Refusal, not_found
from deploy.sandbox.bill.fields import take_amount, take_date, take_text, wrong
from deploy.sandbox.bill.vendors import change_vendor, get_vendor
from deploy.sandbox.bill.world import Visit
from deploy.sandbox.jsonio import Json
from deploy.sandbox.wire import Reply, json_reply


def _require_trust(visit: Visit) -> None:
    if not visit.session.user.trusted:
        raise Refusal(403, "BDC_1361", category="DOWNSTREAM")


def list_payments(visit: Visit) -> Reply:
    """``GET /v3/payments``; reading needs no trust."""
    return json_reply({"results": list(visit.org.payments.values())})


def post_payment(visit: Visit) -> Reply:
    """``POST /v3/payments``: schedules the payment of one bill."""
    _require_trust(visit)
    body = visit.call.json_object()
    entry = get_bill(visit.org, str(take_text(body, "billId", required=True)))
    amount = take_amount(body, "amount")
    if amount is None or amount <= 0:
        raise wrong("amount")
    payment = {
        "id": visit.world.ids.bill("stp"),
        "vendorId": entry.body["vendorId"],
        "billId": entry.id,
        "processDate": take_date(body, "processDate", required=True),
        "amount": amount,
        "status": "SCHEDULED",
    }
    visit.org.payments[str(payment["id"])] = payment
    set_payment(visit.world, visit.org, entry, "SCHEDULED", amount)
    return json_reply(payment, 201)


def fetch_bank_account(visit: Visit) -> Reply:
    """``GET /v3/vendors/{id}/bank-account``."""
    _require_trust(visit)
    entry = get_vendor(visit.org, visit.call.params["id"])
    bank = entry.body.get("paymentInformation", {}).get("bankAccount")
    if bank is None:
        raise not_found()
    return json_reply(bank)


def post_bank_account(visit: Visit) -> Reply:
    """``POST /v3/vendors/{id}/bank-account``."""
    _require_trust(visit)
    entry = get_vendor(visit.org, visit.call.params["id"])
    body: Json = visit.call.json_object()
    change_vendor(visit.world, visit.org, entry, {"paymentInformation": {"bankAccount": body}})
    return json_reply(body)


def delete_bank_account(visit: Visit) -> Reply:
    """``DELETE /v3/vendors/{id}/bank-account``."""
    _require_trust(visit)
    entry = get_vendor(visit.org, visit.call.params["id"])
    change_vendor(visit.world, visit.org, entry, {"paymentInformation": {"bankAccount": None}})
    return Reply(204)


def list_funding_accounts(visit: Visit) -> Reply:
    """``GET /v3/funding-accounts/banks``."""
    _require_trust(visit)
    return json_reply({"results": []})
