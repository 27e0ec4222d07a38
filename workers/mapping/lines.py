"""The lines of a bill as the lines of a supplier invoice."""

from __future__ import annotations

from shared.bill.models import Bill, BillLine
from shared.fields import Fields, FieldValue
from shared.tenants import MappingConfig, SegmentMapping
from workers.mapping.amounts import split_amount
from workers.mapping.codes import ACCOUNT_KEY, Codes, find_code_id, map_code
from workers.mapping.problems import Problems
from workers.mapping.text import is_blank, shorten_line
from workers.mapping.vat import VatRule

_ADVICE = {
    "unmapped_account": "add it to [mapping.accounts], or set mapping.account as the default",
    "unmapped_segment": "add it to the segment's values, or give the segment a default",
}


def map_lines(
    bill: Bill, *, text: str, vat: VatRule, mapping: MappingConfig, codes: Codes
) -> tuple[Fields, ...]:
    """The lines in BILL's order, with all signs turned where the bill is negative.

    ``text`` stands in for a line's missing description. Raises NeedsPerson (``unmapped_account``,
    ``unmapped_segment``) naming every line it concerns.
    """
    problems = Problems()
    lines = tuple(
        _map_line(bill, number, text=text, vat=vat, mapping=mapping, codes=codes, problems=problems)
        for number in range(1, len(bill.lines) + 1)
    )
    problems.raise_first(_ADVICE)
    return lines


def _map_line(
    bill: Bill,
    number: int,
    *,
    text: str,
    vat: VatRule,
    mapping: MappingConfig,
    codes: Codes,
    problems: Problems,
) -> Fields:
    line = bill.lines[number - 1]
    quantity, cost = split_amount(line, negate=bill.amount < 0)
    account = _find_account(bill, line, mapping, codes)
    if account is None:
        problems.add("unmapped_account", f"line {number}: {_describe(bill, line, ACCOUNT_KEY, codes)}")
    own_text = text if is_blank(line.description) else line.description
    fields: dict[str, FieldValue] = {
        "quantity": quantity,
        "unitCostInCurrency": cost,
        "transactionDescription": shorten_line(own_text or ""),
        "accountNumber": account,
    }
    for segment in mapping.segments:
        value = _find_segment_value(bill, line, segment, codes)
        if value is None:
            what = _describe(bill, line, segment.source, codes)
            problems.add("unmapped_segment", f"line {number}, segment {segment.segment}: {what}")
        fields[f"subaccount.{segment.segment}"] = value
    fields["vatCodeId"] = vat.category_of(account or "")
    if mapping.branch is not None:
        fields["branchNumber"] = mapping.branch
    return fields


def _find_account(bill: Bill, line: BillLine, mapping: MappingConfig, codes: Codes) -> str | None:
    code_id = find_code_id(bill, line, ACCOUNT_KEY)
    code = codes.find(ACCOUNT_KEY, code_id) if code_id else None
    names = (code.number, code.name) if code else ()
    return map_code(mapping.accounts, code_id, names) or mapping.account


def _find_segment_value(bill: Bill, line: BillLine, segment: SegmentMapping, codes: Codes) -> str | None:
    code_id = find_code_id(bill, line, segment.source)
    code = codes.find(segment.source, code_id) if code_id else None
    names = (code.short_name, code.name) if code else ()
    return map_code(segment.values, code_id, names) or segment.default


def _describe(bill: Bill, line: BillLine, key: str, codes: Codes) -> str:
    code_id = find_code_id(bill, line, key)
    if code_id is None:
        return f"BILL gives no {key}"
    code = codes.find(key, code_id)
    words = " ".join(word for word in (code.number, code.name) if word) if code else "not in BILL's list"
    return f"{key} {code_id} ({words}) has no counterpart in Visma"
