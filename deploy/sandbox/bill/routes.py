"""Which handler answers which of BILL's routes."""

from __future__ import annotations

from deploy.sandbox.bill import classification_routes as classes
from deploy.sandbox.bill import document_routes as documents
from deploy.sandbox.bill import payment_routes as payments
from deploy.sandbox.bill import policy_routes as policies
from deploy.sandbox.bill import record_routes as records
from deploy.sandbox.bill import sessions
from deploy.sandbox.bill import subscriptions as hooks
from deploy.sandbox.bill.gate import Handler, OpenHandler

OPEN_ROUTES: tuple[tuple[str, str, OpenHandler], ...] = (
    ("POST", "/v3/login", sessions.log_in),
    ("GET", "/v3/health", sessions.show_health),
    ("GET", "/v3/downloads/{organization}/{document}", documents.download),
)
"""Routes that need no session."""

CONNECT_ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/v3/login/session", sessions.show_session),
    ("POST", "/v3/logout", sessions.log_out),
    ("GET", "/v3/vendors", records.list_vendors),
    ("POST", "/v3/vendors", records.post_vendor),
    ("POST", "/v3/vendors/bulk", records.post_vendors),
    ("GET", "/v3/vendors/{id}", records.fetch_vendor),
    ("PATCH", "/v3/vendors/{id}", records.patch_vendor),
    ("POST", "/v3/vendors/{id}/archive", records.archive_vendor),
    ("POST", "/v3/vendors/{id}/restore", records.archive_vendor),
    ("GET", "/v3/vendors/{id}/bank-account", payments.fetch_bank_account),
    ("POST", "/v3/vendors/{id}/bank-account", payments.post_bank_account),
    ("DELETE", "/v3/vendors/{id}/bank-account", payments.delete_bank_account),
    ("GET", "/v3/bills", records.list_bills),
    ("POST", "/v3/bills", records.post_bill),
    ("POST", "/v3/bills/bulk", records.post_bills),
    ("POST", "/v3/bills/record-payment", records.record_payment),
    ("GET", "/v3/bills/{id}", records.fetch_bill),
    ("PATCH", "/v3/bills/{id}", records.patch_bill),
    ("PUT", "/v3/bills/{id}", records.patch_bill),
    ("POST", "/v3/bills/{id}/archive", records.archive_bill),
    ("POST", "/v3/bills/{id}/restore", records.archive_bill),
    ("GET", "/v3/documents/bills/{id}", documents.list_documents),
    ("POST", "/v3/documents/bills/{id}", documents.post_document),
    ("GET", "/v3/documents/{id}", documents.fetch_document),
    ("GET", "/v3/classifications/{kind}", classes.list_classifications),
    ("POST", "/v3/classifications/{kind}", classes.post_classification),
    ("POST", "/v3/classifications/{kind}/bulk", classes.post_bulk),
    ("PATCH", "/v3/classifications/{kind}/bulk", classes.post_bulk),
    ("POST", "/v3/classifications/{kind}/bulk/archive", classes.archive_bulk),
    ("POST", "/v3/classifications/{kind}/bulk/restore", classes.archive_bulk),
    ("GET", "/v3/classifications/{kind}/{id}", classes.fetch_classification),
    ("PATCH", "/v3/classifications/{kind}/{id}", classes.patch_classification),
    ("POST", "/v3/classifications/{kind}/{id}/archive", classes.archive_classification),
    ("POST", "/v3/classifications/{kind}/{id}/restore", classes.archive_classification),
    ("GET", "/v3/users", records.list_users),
    ("GET", "/v3/users/{id}", records.fetch_user),
    ("POST", "/v3/bill-approvals/actions", records.post_actions),
    ("GET", "/v3/bill-approvals/pending-user-approvals", records.list_pending),
    ("GET", "/v3/bill-approvals/policies", policies.list_policies),
    ("POST", "/v3/bill-approvals/policies", policies.post_policy),
    ("PUT", "/v3/bill-approvals/policies/{id}", policies.put_policy),
    ("DELETE", "/v3/bill-approvals/policies/{id}", policies.delete_policy),
    ("GET", "/v3/payments", payments.list_payments),
    ("POST", "/v3/payments", payments.post_payment),
    ("GET", "/v3/funding-accounts/banks", payments.list_funding_accounts),
)
"""Routes under /connect."""

EVENTS_ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/v3/events/catalog", hooks.list_catalog),
    ("GET", "/v3/subscriptions", hooks.list_subscriptions),
    ("POST", "/v3/subscriptions", hooks.post_subscription),
    ("GET", "/v3/subscriptions/{id}", hooks.fetch_subscription),
    ("PUT", "/v3/subscriptions/{id}", hooks.change_subscription),
    ("PATCH", "/v3/subscriptions/{id}", hooks.change_subscription),
    ("DELETE", "/v3/subscriptions/{id}", hooks.delete_subscription),
    ("POST", "/v3/subscriptions/{id}/security_key", hooks.post_security_key),
    ("POST", "/v3/subscriptions/{id}/security-key", hooks.post_security_key),
    ("POST", "/v3/subscriptions/{id}/test", hooks.post_test),
    ("GET", "/v3/events/subscription/{id}", hooks.list_events),
    ("POST", "/v3/events/subscription/{id}/event/{event}", hooks.post_resend),
)
"""Routes under /connect-events."""
