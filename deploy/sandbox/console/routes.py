"""Which handler answers which route under /control."""

from __future__ import annotations

from deploy.sandbox.console import bill_desk, visma_desk, watch
from deploy.sandbox.console.desk import AsyncHandler, Handler

_ORG = "/control/organizations/{org}"
_COMPANY = "/control/companies/{company}"

ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/control", watch.show_world),
    ("POST", "/control/organizations", bill_desk.seed_organization),
    ("PATCH", _ORG + "/settings", bill_desk.change_settings),
    ("PATCH", _ORG + "/access", bill_desk.change_access),
    ("POST", _ORG + "/expire-sessions", bill_desk.expire_sessions),
    ("POST", _ORG + "/many", bill_desk.add_many),
    ("POST", _ORG + "/vendors", bill_desk.enter_vendor),
    ("PATCH", _ORG + "/vendors/{id}", bill_desk.edit_vendor),
    ("POST", _ORG + "/vendors/{id}/{action}", bill_desk.archive_vendor),
    ("POST", _ORG + "/bills", bill_desk.add_bill),
    ("PATCH", _ORG + "/bills/{id}", bill_desk.edit_bill),
    ("POST", _ORG + "/bills/{id}/documents", bill_desk.add_file),
    ("POST", _ORG + "/bills/{id}/{action}", bill_desk.act_on_bill),
    ("POST", _ORG + "/classifications/{kind}", bill_desk.add_classification),
    ("PATCH", _ORG + "/classifications/{kind}/{id}", bill_desk.edit_classification),
    ("GET", "/control/state/organizations/{org}/{what}", bill_desk.show_state),
    ("POST", "/control/companies", visma_desk.seed_company),
    ("PATCH", _COMPANY + "/settings", visma_desk.change_settings),
    ("PATCH", _COMPANY + "/preferences", visma_desk.change_preferences),
    ("POST", _COMPANY + "/expire-tokens", visma_desk.expire_tokens),
    ("PATCH", _COMPANY + "/clients/{client}", visma_desk.change_client),
    ("POST", _COMPANY + "/many", visma_desk.add_many),
    ("POST", _COMPANY + "/suppliers", visma_desk.enter_supplier),
    ("PATCH", _COMPANY + "/suppliers/{number}", visma_desk.edit_supplier),
    ("POST", _COMPANY + "/invoices", visma_desk.enter_invoice),
    ("PATCH", _COMPANY + "/invoices/{type}/{number}", visma_desk.edit_invoice),
    ("POST", _COMPANY + "/invoices/{type}/{number}/{action}", visma_desk.act_on_invoice),
    ("PUT", _COMPANY + "/accounts/{number}", visma_desk.put_account),
    ("PUT", _COMPANY + "/segments/{segment}/values/{value}", visma_desk.put_segment_value),
    ("PUT", _COMPANY + "/periods/{key}", visma_desk.put_period),
    ("PUT", _COMPANY + "/rates/{currency}", visma_desk.put_rate),
    ("PUT", _COMPANY + "/vat-categories/{id}", visma_desk.put_vat_category),
    ("GET", "/control/visma/{company}/log", visma_desk.show_log),
    ("GET", "/control/state/companies/{company}/{what}", visma_desk.show_state),
    ("GET", "/control/faults", watch.list_faults),
    ("POST", "/control/faults", watch.add_fault),
    ("DELETE", "/control/faults", watch.remove_faults),
    ("DELETE", "/control/faults/{id}", watch.remove_faults),
    ("GET", "/control/clock", watch.show_clock),
    ("PATCH", "/control/clock", watch.move_clock),
    ("GET", "/control/calls", watch.show_calls),
    ("DELETE", "/control/calls", watch.reset_calls),
    ("GET", "/control/webhooks", watch.show_webhooks),
    ("POST", "/control/webhooks/flush", watch.flush_webhooks),
)

WAITING_ROUTES: tuple[tuple[str, str, AsyncHandler], ...] = (("GET", "/control/wait", watch.wait),)
