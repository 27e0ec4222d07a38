"""What a kept vendor or bill becomes in Visma as the tenant's file and both systems' lists are now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from shared import jsontext
from shared.bill.models import Bill, Vendor
from shared.bill.schemas import parse_bill, parse_vendor
from shared.errors import ConnectorError, NeedsPerson, Permanent
from shared.fields import Fields, FieldValue
from shared.store import records
from shared.store.records import Record
from shared.tenants import TenantConfig
from workers.flower.masking import mask_text
from workers.flower.page import Desk
from workers.flower.words import count_of, money
from workers.mapping.codes import RESOURCES, Codes
from workers.mapping.supplier import map_supplier
from workers.mapping.supplier_invoice import map_supplier_invoice

NOT_KEPT = "BILL's content of this record is not kept here yet: a replay reads it."
_UNSHOWN = ("note", "hold", "paySelected")


@dataclass(frozen=True, slots=True)
class Mapped:
    """Visma's fields and lines with their values; or the ``problem`` that stands in the way."""

    what: str = ""
    summary: str = ""
    fields: tuple[tuple[str, str], ...] = ()
    lines: tuple[tuple[tuple[str, str], ...], ...] = ()
    problem: str | None = None
    reason: str | None = None


def map_kept(desk: Desk, record: Record) -> Mapped:
    """The record mapped from what is kept of it; lists that nobody keeps at the moment are fetched."""
    if record.content is None:
        return Mapped(problem=NOT_KEPT)
    config = desk.context.get_tenant(record.tenant).config
    try:
        body = jsontext.loads(record.content)
        if record.kind == "vendor":
            return _map_vendor(parse_vendor(body, whole=record.content_whole), config)
        return _map_bill(desk, parse_bill(body), config)
    except NeedsPerson as error:
        return Mapped(problem=mask_text(error.detail), reason=error.reason)
    except ConnectorError as error:
        return Mapped(problem=mask_text(str(error)))


def load_lists_codes(desk: Desk, config: TenantConfig, keys: Iterable[str]) -> Codes:
    """BILL's classification lists that the fleet keeps."""
    return desk.context.lists(config).codes(sorted(set(keys) & RESOURCES.keys()))


def _map_vendor(vendor: Vendor, config: TenantConfig) -> Mapped:
    return Mapped("a supplier", mask_text(vendor.name), _shown(map_supplier(vendor, config).fields))


def _map_bill(desk: Desk, bill: Bill, config: TenantConfig) -> Mapped:
    vendor = records.find(desk.conn, config.id, "vendor", bill.vendor_id)
    if vendor is None or vendor.content is None:
        raise Permanent(f"its vendor {bill.vendor_id} is not known here yet")
    keys = {"chartOfAccountId", *(segment.source for segment in config.mapping.segments)}
    draft = map_supplier_invoice(
        bill,
        parse_vendor(jsontext.loads(vendor.content), whole=vendor.content_whole),
        supplier_number=vendor.visma_number or "(none yet)",
        supplier_currency=None,
        config=config,
        codes=load_lists_codes(desk, config, keys),
        lists=desk.context.lists(config).visma_lists(),
    )
    what = "a debit adjustment" if draft.document_type == "DebitAdj" else "a supplier invoice"
    summary = (
        f"{money(draft.total)} {draft.currency}, reference {draft.header['supplierReference']}, "
        f"supplier {draft.header['supplierNumber']}, {count_of(len(draft.lines), 'line')}"
    )
    return Mapped(what, mask_text(summary), _shown(draft.header), tuple(_shown(line) for line in draft.lines))


def _shown(fields: Fields) -> tuple[tuple[str, str], ...]:
    return tuple((name, _text(value)) for name, value in fields.items() if name not in _UNSHOWN)


def _text(value: FieldValue) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:f}" if isinstance(value, Decimal) else mask_text(str(value if value is not None else "–"))
