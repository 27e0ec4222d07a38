"""Lines of a supplier invoice: reading operations, checking, pricing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from deploy.sandbox.jsonio import Json
from deploy.sandbox.visma.checks import get_account, get_subaccount, require_category, require_known
from deploy.sandbox.visma.company import Company
from deploy.sandbox.visma.errors import BusinessError, ModelError
from deploy.sandbox.visma.models import Currency, InvoiceLine, Supplier
from deploy.sandbox.visma.shapes import LINE, TAX_DETAIL, read_fields
from deploy.sandbox.visma.totals import rounded

_OPERATIONS = ("Insert", "Update", "Delete")
_LONGEST_DESCRIPTION = 256


def read_lines(body: Json) -> list[Json] | None:
    """The ``invoiceLines`` of a body as plain fields, the bare ones included; None if absent."""
    items = body.get("invoiceLines")
    if items is None:
        return None
    if not isinstance(items, list):
        raise ModelError("invoiceLines", "an array is expected")
    return [_read_line(item, f"invoiceLines[{place}].") for place, item in enumerate(items)]


def read_tax_details(body: Json) -> dict[str, tuple[Decimal | None, Decimal | None]]:
    """``taxDetailLines`` as VAT id -> (taxable amount, VAT)."""
    found = {}
    for item in body.get("taxDetailLines") or []:
        plain = read_fields(item, TAX_DETAIL, "taxDetailLines.") if isinstance(item, dict) else {}
        if plain.get("taxId"):
            found[plain["taxId"]] = (plain.get("taxableAmount"), plain.get("vatAmount"))
    return found


def apply_lines(
    company: Company, supplier: Supplier, currency: Currency, current: list[InvoiceLine], wanted: list[Json]
) -> list[InvoiceLine]:
    """The lines after the operations: Insert appends, Update and Delete go by number, others stay."""
    lines = {line.number: line for line in current}
    for item in wanted:
        operation, given = item["operation"], item.get("lineNumber")
        if operation == "Insert":
            free = given is not None and given not in lines
            number = int(given) if free else max(lines, default=0) + 1  # type: ignore[arg-type]
            lines[number] = _line(company, supplier, currency, number, {}, item)
            continue
        number = int(given or 0)
        if number not in lines:
            raise BusinessError(f"Line '{given}' cannot be found in the system.")
        if operation == "Delete":
            del lines[number]
        else:
            lines[number] = _line(company, supplier, currency, number, lines[number].fields, item)
    return list(lines.values())


def _read_line(item: Any, path: str) -> Json:
    if not isinstance(item, dict):
        raise ModelError(path, "an object is expected")
    operation = item.get("operation", "Insert")
    if operation not in _OPERATIONS:
        raise ModelError(path + "operation", f"'{operation}' is not one of {', '.join(_OPERATIONS)}")
    plain = read_fields(item, LINE, path) | {"operation": operation}
    branch = item.get("branch")
    if isinstance(branch, dict) and isinstance(branch.get("value"), str):
        plain.setdefault("branchNumber", branch["value"])
    if isinstance(item.get("subaccount"), list):
        plain["subaccount"] = item["subaccount"]
    return plain


def _line(
    company: Company, supplier: Supplier, currency: Currency, number: int, old: Json, item: Json
) -> InvoiceLine:
    fields = {**_kept_prices(old, item), **item}
    for name in ("operation", "lineNumber"):
        fields.pop(name, None)
    account = get_account(company, fields.get("accountNumber") or _default_account(supplier))
    fields["accountNumber"] = account.number
    fields["vatCodeId"] = require_category(company, fields.get("vatCodeId") or account.vat_category)
    require_known(company.branches, "BranchID", fields.get("branchNumber"))
    if len(fields.get("transactionDescription") or "") > _LONGEST_DESCRIPTION:
        raise BusinessError(f"'Transaction Descr.' is longer than {_LONGEST_DESCRIPTION} characters.")
    quantity, unit_cost, cost = _priced(company, fields, currency)
    subaccount = get_subaccount(company, fields.get("subaccount"))
    return InvoiceLine(number, fields, cost, quantity, unit_cost, subaccount)


def _kept_prices(old: Json, item: Json) -> Json:
    """The old fields without the prices that the new ones replace."""
    if "costInCurrency" in item:
        dropped = {"quantity", "unitCostInCurrency"}
    elif "quantity" in item or "unitCostInCurrency" in item:
        dropped = {"costInCurrency"}
    else:
        dropped = set()
    return {name: value for name, value in old.items() if name not in dropped}


def _default_account(supplier: Supplier) -> str | None:
    accounts = supplier.fields.get("glAccounts") or {}
    found = accounts.get("expenseAccount")
    return str(found) if found else None


def _priced(company: Company, fields: Json, currency: Currency) -> tuple[Decimal, Decimal, Decimal]:
    """(quantity, unit cost, line total); with only a total the quantity reads 0, as seen live."""
    quantity = fields.get("quantity") or Decimal(0)
    unit_cost = fields.get("unitCostInCurrency") or Decimal(0)
    if quantity < 0:
        raise BusinessError("Quantity must be greater than or equal to zero.")
    if unit_cost < 0 and company.settings.refuse_negative_unit_cost:
        raise BusinessError("Unit Cost must be greater than or equal to zero.")
    total = fields.get("costInCurrency")
    cost = total if total is not None else quantity * unit_cost
    if cost < 0 and company.settings.refuse_negative_unit_cost:
        raise BusinessError("Ext. Cost must be greater than or equal to zero.")
    return quantity, unit_cost, rounded(cost, currency.places)
