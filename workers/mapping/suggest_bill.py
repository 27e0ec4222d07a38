"""The lines of a tenant's file that would free one held bill. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from shared.bill.models import Bill, BillLine
from shared.tenants import MappingConfig, SegmentMapping
from shared.visma.models import Lists
from workers.mapping.codes import ACCOUNT_KEY, Codes, find_code_id, map_code
from workers.mapping.suggest import list_accounts, list_values, suggest_target
from workers.mapping.suggest_toml import write_entry
from workers.mapping.usage import Code


@dataclass(frozen=True, slots=True)
class Missing:
    """A table of the file that lacks entries: its header, the lines to add, and what to do without an id."""

    header: str
    lines: tuple[str, ...]
    without_id: str | None = None


def suggest_for_bill(bill: Bill, mapping: MappingConfig, codes: Codes, lists: Lists) -> tuple[Missing, ...]:
    """What the file lacks for this bill's accounts and segments, table by table; empty where nothing."""
    found = [_find_segment_values(bill, one, codes, lists) for one in mapping.segments if one.default is None]
    if mapping.account is None:
        found.insert(0, _find_accounts(bill, mapping, codes, lists))
    return tuple(one for one in found if one.lines or one.without_id)


def _find_accounts(bill: Bill, mapping: MappingConfig, codes: Codes, lists: Lists) -> Missing:
    return _find_missing(
        bill,
        ACCOUNT_KEY,
        mapping.accounts,
        codes,
        list_accounts(lists),
        header="[mapping.accounts]",
        what="account",
        without_id="a line has no account in BILL: give it one there, or set mapping.account",
    )


def _find_segment_values(bill: Bill, segment: SegmentMapping, codes: Codes, lists: Lists) -> Missing:
    known = lists.segments.get(segment.segment)
    return _find_missing(
        bill,
        segment.source,
        segment.values,
        codes,
        list_values(known) if known else {},
        header=f"[mapping.segments.values]  # of segment {segment.segment}",
        what="value",
        without_id=f"a line has no {segment.source} in BILL: give it one there, or set the default "
        f"of segment {segment.segment}",
    )


def _find_missing(
    bill: Bill,
    key: str,
    entries: Mapping[str, str],
    codes: Codes,
    targets: Mapping[str, str],
    *,
    header: str,
    what: str,
    without_id: str,
) -> Missing:
    unmapped = list(dict.fromkeys(_unmapped(bill, key, entries, codes)))
    named = [Code(key, code_id, codes.find(key, code_id), bills=1) for code_id in unmapped if code_id]
    lines = tuple(write_entry(suggest_target(code, targets, what)) for code in named)
    return Missing(header, lines, without_id if None in unmapped else None)


def _unmapped(bill: Bill, key: str, entries: Mapping[str, str], codes: Codes) -> Iterator[str | None]:
    for line in bill.lines:
        code = _code_of(bill, line, key, codes)
        if code is None:
            yield None
        elif map_code(entries, code.id, code.names) is None:
            yield code.id


def _code_of(bill: Bill, line: BillLine, key: str, codes: Codes) -> Code | None:
    code_id = find_code_id(bill, line, key)
    return Code(key, code_id, codes.find(key, code_id)) if code_id else None
