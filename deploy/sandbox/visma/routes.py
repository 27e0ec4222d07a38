"""Which handler answers which route of the service API; more specific ones first."""

from __future__ import annotations

from deploy.sandbox.visma import action_routes as actions
from deploy.sandbox.visma import background, reference_routes
from deploy.sandbox.visma import dimension_routes as dimensions
from deploy.sandbox.visma import invoice_routes as invoices
from deploy.sandbox.visma import supplier_routes as suppliers
from deploy.sandbox.visma.gate import Handler

_INVOICE = "/v1/supplierInvoice"


def _reference_path(kind: str) -> str:
    return "/v1/supplier/supplierClass" if kind == "supplierClass" else f"/v1/{kind}"


ROUTES: tuple[tuple[str, str, Handler], ...] = (
    *(("GET", _reference_path(kind), reference_routes.lister(kind)) for kind in reference_routes.KINDS),
    *(
        ("GET", _reference_path(kind) + "/{key}", reference_routes.fetcher(kind))
        for kind in reference_routes.KEYED_KINDS
    ),
    ("GET", "/v1/creditTerm", reference_routes.list_credit_terms),
    ("GET", "/v1/dimension", dimensions.list_dimensions),
    ("GET", "/v1/dimension/{dimension}", dimensions.fetch_dimension),
    ("GET", "/v1/dimension/{dimension}/{segment}", dimensions.fetch_segment),
    ("PUT", "/v1/dimension/{dimension}/{segment}", dimensions.put_segment),
    ("GET", "/v1/dimension/{dimension}/{segment}/{value}", dimensions.fetch_segment_value),
    ("GET", "/v1/background/{id}", background.fetch_state),
    ("GET", "/v1/background/{id}/content", background.fetch_content),
    ("GET", "/v1/attachment/{id}", actions.fetch_attachment),
    ("GET", "/v1/supplier", suppliers.list_suppliers),
    ("POST", "/v1/supplier", suppliers.post_supplier),
    ("GET", "/v1/supplier/{supplier}", suppliers.fetch_supplier),
    ("PUT", "/v1/supplier/{supplier}", suppliers.put_supplier),
    ("GET", "/v1/supplier/{supplier}/invoice", invoices.list_invoices_of_supplier),
    ("GET", _INVOICE, invoices.list_invoices),
    ("POST", _INVOICE, invoices.post_invoice),
    ("POST", _INVOICE + "/documentType/{type}/{number}/attachment", actions.post_attachment),
    ("POST", _INVOICE + "/documentType/{type}/{number}/{line}/attachment", actions.post_attachment),
    ("POST", _INVOICE + "/{number}/attachment", actions.post_attachment),
    ("POST", _INVOICE + "/{number}/{line}/attachment", actions.post_attachment),
    ("POST", _INVOICE + "/{number}/action/release", actions.post_release),
    ("POST", _INVOICE + "/{type}/{number}/action/release", actions.post_release),
    ("POST", _INVOICE + "/{type}/{number}/action/reverse", actions.post_reverse),
    ("POST", _INVOICE + "/{type}/{number}/action/voidinvoice", actions.post_void),
    ("GET", _INVOICE + "/{number}", invoices.fetch_invoice),
    ("PUT", _INVOICE + "/{number}", invoices.put_invoice),
    ("DELETE", _INVOICE + "/{number}", invoices.remove_invoice),
    ("GET", _INVOICE + "/{type}/{number}", invoices.fetch_invoice),
    ("PUT", _INVOICE + "/{type}/{number}", invoices.put_invoice),
    ("DELETE", _INVOICE + "/{type}/{number}", invoices.remove_invoice),
)
"""Routes under /visma."""
