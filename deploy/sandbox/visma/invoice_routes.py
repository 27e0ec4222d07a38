"""Supplier invoices over HTTP (Visma reference: supplier invoice)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from deploy.sandbox.jsonio import Fragment, Json, dumps
from deploy.sandbox.visma.company import Company, invoice_key
from deploy.sandbox.visma.errors import Denied
from deploy.sandbox.visma.invoice_lines import read_lines, read_tax_details
from deploy.sandbox.visma.invoice_view import attachment_json, invoice_json
from deploy.sandbox.visma.invoices import change_invoice, create_invoice, delete_invoice
from deploy.sandbox.visma.keys import plain_key
from deploy.sandbox.visma.lists import condition_on, decimal_value, keep, local_day, local_time, parse_page
from deploy.sandbox.visma.models import Invoice
from deploy.sandbox.visma.shapes import INVOICE, read_fields
from deploy.sandbox.visma.status import RELEASED
from deploy.sandbox.visma.supplier_routes import NO_METADATA
from deploy.sandbox.visma.versions import etag, matches
from deploy.sandbox.visma.world import Visit
from deploy.sandbox.wire import Reply, json_reply

Test = Callable[[Invoice], bool]
_EQUAL: dict[str, Callable[[Invoice], object]] = {
    "supplier": lambda row: row.supplier.number,
    "documentType": lambda row: row.type,
    "status": lambda row: row.status,
    "branch": lambda row: row.fields.get("branchNumber"),
    "financialPeriod": lambda row: row.period.key,
}


def list_invoices(visit: Visit) -> Reply:
    """``GET /v1/supplierInvoice``: there is no filter on the reference; unknown ones are ignored."""
    return list_matching(visit, [])


def list_invoices_of_supplier(visit: Visit) -> Reply:
    """``GET /v1/supplier/{supplierNumber}/invoice``, with the same filters."""
    number = plain_key(visit.call.params["supplier"])
    return list_matching(visit, [lambda row: row.supplier.number == number])


def list_matching(visit: Visit, tests: list[Test]) -> Reply:
    """A page of the invoices that pass the tests and the query's filters."""
    company, query = visit.company, visit.call.query
    found = keep(company.invoices.rows(company.settings.shuffled_lists), [*tests, *_tests(visit)])
    page = parse_page(query, company.settings.max_page_size)
    metadata = {"totalCount": len(found), "maxPageSize": company.settings.max_page_size}
    noted, attached = _wants(query.get("expandNote")), _wants(query.get("expandAttachment"))
    return json_reply([_row(company, row, noted, attached, metadata) for row in page.cut(found)])


def fetch_invoice(visit: Visit) -> Reply:
    """``GET`` on both routes; the one without a type knows Invoice only."""
    invoice = get_invoice(visit)
    noted = visit.company.settings.note_on_single_reads or _wants(visit.call.query.get("expandNote"))
    body = _row(visit.company, invoice, noted, True, NO_METADATA)
    return json_reply(body, headers={"ETag": etag(invoice.version)})


def post_invoice(visit: Visit) -> Reply:
    """``POST /v1/supplierInvoice``: 201, empty, ``Location`` and ``ETag``; no protection from repeats."""
    body = visit.call.json_object()
    wanted, lines = read_fields(body, INVOICE), read_lines(body)
    invoice = create_invoice(visit.company, wanted, lines, read_tax_details(body), visit.by)
    path = invoice.number if invoice.type == "Invoice" else f"{invoice.type}/{invoice.number}"
    location = f"{visit.call.origin}/visma/v1/supplierInvoice/{path}"
    return Reply(201, headers={"Location": location, "ETag": etag(invoice.version)})


def put_invoice(visit: Visit) -> Reply:
    """``PUT`` on both routes: 204 with the new ``ETag``, or 412."""
    invoice, body = get_invoice(visit), visit.call.json_object()
    require_match(visit, invoice)
    wanted, lines = read_fields(body, INVOICE), read_lines(body)
    change_invoice(visit.company, invoice, wanted, lines, read_tax_details(body), visit.by)
    return Reply(204, headers={"ETag": etag(invoice.version)})


def remove_invoice(visit: Visit) -> Reply:
    """``DELETE`` on both routes: 204 for an unreleased document; ``If-Match`` is not looked at."""
    delete_invoice(visit.company, get_invoice(visit), visit.by)
    return Reply(204)


def get_invoice(visit: Visit) -> Invoice:
    """The document a route names; raises Denied 404."""
    params = visit.call.params
    key = invoice_key(params.get("type", "Invoice"), plain_key(params["number"]))
    invoice = visit.company.invoices.get(key)
    if invoice is None:
        raise Denied(Reply(404))
    return invoice


def require_match(visit: Visit, invoice: Invoice) -> None:
    """Raises Denied 412 where ``If-Match`` names another version."""
    if not matches(visit.call.headers.get("If-Match"), invoice.version):
        raise Denied(Reply(412))


def _row(company: Company, invoice: Invoice, noted: bool, attached: bool, metadata: Json) -> Fragment:
    if invoice.text is None:
        invoice.text = dumps(invoice_json(company, invoice))
    note = invoice.fields.get("note") if noted else None
    files = [attachment_json(item) for item in invoice.attachments if item.line is None] if attached else None
    tail = dumps({"note": note, "attachments": files, "metadata": metadata})
    return Fragment(f"{invoice.text[:-1]},{tail[1:]}")


def _wants(flag: str | None) -> bool:
    return (flag or "").lower() == "true"


def _tests(visit: Visit) -> list[Test]:
    query = visit.call.query
    tests: list[Test] = []
    for name, value_of in _EQUAL.items():
        if query.get(name):
            tests.append(_equal_test(value_of, query[name]))
    if query.get("released") in ("0", "1"):
        wanted = query["released"] == "1"
        tests.append(lambda row: (row.status in RELEASED) == wanted)
    if "greaterThanValue" in query:
        tests.append(lambda row: row.number > query["greaterThanValue"])
    return tests + _condition_tests(visit)


def _condition_tests(visit: Visit) -> list[Test]:
    query, zone = visit.call.query, visit.company.zone
    tests: list[Test] = []
    for name, day_of in (("docDate", "date"), ("dueDate", "dueDate")):
        by_day = condition_on(query, name, local_day)
        if by_day is not None:
            tests.append(_day_test(by_day, day_of))
    balance = condition_on(query, "balance", decimal_value)
    if balance is not None:
        passes = balance
        tests.append(lambda row: passes(row.balance))
    changed = condition_on(query, "lastModifiedDateTime", local_time)
    if changed is not None:
        after = changed
        tests.append(lambda row: after(row.modified_at.astimezone(zone).replace(tzinfo=None)))
    created = condition_on(query, "createdDateTime", local_time)
    if created is not None:
        since = created
        tests.append(lambda row: since(row.created_at.astimezone(zone).replace(tzinfo=None)))
    return tests


def _equal_test(value_of: Callable[[Invoice], object], wanted: str) -> Test:
    return lambda row: value_of(row) == wanted


def _day_test(passes: Callable[[date], bool], name: str) -> Test:
    return lambda row: passes(date.fromisoformat(row.fields[name]))
