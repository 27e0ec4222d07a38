"""Suppliers over HTTP (Visma reference: supplier)."""

from __future__ import annotations

from collections.abc import Callable

from deploy.sandbox.jsonio import Fragment, Json, dumps
from deploy.sandbox.visma.company import Company
from deploy.sandbox.visma.errors import Denied
from deploy.sandbox.visma.keys import plain_key
from deploy.sandbox.visma.lists import condition_on, keep, local_time, parse_page
from deploy.sandbox.visma.models import Supplier
from deploy.sandbox.visma.shapes import SUPPLIER, read_fields, text
from deploy.sandbox.visma.suppliers import change_supplier, create_supplier, supplier_json
from deploy.sandbox.visma.versions import etag, matches
from deploy.sandbox.visma.world import Visit
from deploy.sandbox.wire import Reply, json_reply

Test = Callable[[Supplier], bool]
NO_METADATA: Json = {"totalCount": 0, "maxPageSize": 0}


def list_suppliers(visit: Visit) -> Reply:
    """``GET /v1/supplier``; unknown parameters are ignored."""
    company, query = visit.company, visit.call.query
    found = keep(company.suppliers.rows(company.settings.shuffled_lists), _tests(visit))
    page = parse_page(query, company.settings.max_page_size)
    metadata = {"totalCount": len(found), "maxPageSize": company.settings.max_page_size}
    noted = query.get("expandNote", "").lower() == "true"
    return json_reply([_row(company, supplier, noted, metadata) for supplier in page.cut(found)])


def fetch_supplier(visit: Visit) -> Reply:
    """``GET /v1/supplier/{supplierCd}``."""
    supplier = _get(visit)
    noted = visit.company.settings.note_on_single_reads or "expandNote" in visit.call.query
    body = _row(visit.company, supplier, noted, NO_METADATA)
    return json_reply(body, headers={"ETag": etag(supplier.version)})


def post_supplier(visit: Visit) -> Reply:
    """``POST /v1/supplier``: 201, empty, ``Location`` and ``ETag``."""
    body = visit.call.json_object()
    wanted = read_fields(body, SUPPLIER)
    supplier = create_supplier(visit.company, wanted, _details(body) or [], visit.by)
    location = f"{visit.call.origin}/visma/v1/supplier/{supplier.number}"
    return Reply(201, headers={"Location": location, "ETag": etag(supplier.version)})


def put_supplier(visit: Visit) -> Reply:
    """``PUT /v1/supplier/{supplierCd}``: 204 with the new ``ETag``, or 412."""
    supplier, body = _get(visit), visit.call.json_object()
    if not matches(visit.call.headers.get("If-Match"), supplier.version):
        raise Denied(Reply(412))
    change_supplier(visit.company, supplier, read_fields(body, SUPPLIER), _details(body), visit.by)
    return Reply(204, headers={"ETag": etag(supplier.version)})


def _get(visit: Visit) -> Supplier:
    supplier = visit.company.suppliers.get(plain_key(visit.call.params["supplier"]))
    if supplier is None:
        raise Denied(Reply(404))
    return supplier


def _row(company: Company, supplier: Supplier, noted: bool, metadata: Json) -> Fragment:
    if supplier.text is None:
        supplier.text = dumps(supplier_json(company, supplier))
    note = supplier.fields.get("note") if noted else None
    return Fragment(f'{supplier.text[:-1]},"note":{dumps(note)},"metadata":{dumps(metadata)}}}')


def _tests(visit: Visit) -> list[Test]:
    company, query = visit.company, visit.call.query
    tests: list[Test] = []
    for name in ("name", "status", "vatRegistrationId", "corporateId"):
        if query.get(name):
            tests.append(_field_test(name, query[name]))
    if "greaterThanValue" in query:
        tests.append(lambda row: row.number > query["greaterThanValue"])
    changed = condition_on(query, "lastModifiedDateTime", local_time)
    if changed is not None:
        test = changed
        zone = company.zone
        tests.append(lambda row: test(row.modified_at.astimezone(zone).replace(tzinfo=None)))
    return tests


def _field_test(name: str, wanted: str) -> Test:
    return lambda row: row.fields.get(name) == wanted


def _details(body: Json) -> list[Json] | None:
    items = body.get("supplierPaymentMethodDetails")
    if not isinstance(items, list):
        return None
    names = "paymentMethodDetailDescription", "paymentMethodDetailValue"
    return [
        {names[0]: item.get(names[0]), names[1]: read_fields(item, {names[1]: text}).get(names[1])}
        for item in items
        if isinstance(item, dict)
    ]
