"""Suggested counterparts in Visma for what has none in the tenant's file. Pure.

By number first: BILL's account number, a classification's short name or name, or the first word of its
name. Then by how alike the names are. Whoever pastes them decides: each says why it was suggested.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from rapidfuzz import fuzz, process, utils

from shared.tenants import MappingConfig, SegmentMapping
from shared.visma.models import Lists, Segment
from workers.mapping.codes import ACCOUNT_KEY, RESOURCES, Codes, map_code
from workers.mapping.usage import Code, Usage, list_codes

LIKENESS = 70
"""How alike two names must be, in percent; below, what is alike is chance."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A BILL classification without an entry; ``target`` is None where nothing in Visma is like it."""

    code: Code
    target: str | None
    why: str


@dataclass(frozen=True, slots=True)
class AccountTable:
    """``[mapping.accounts]`` as it is, and what to add."""

    entries: Mapping[str, str]
    suggestions: tuple[Suggestion, ...]


@dataclass(frozen=True, slots=True)
class SegmentTable:
    """One ``[[mapping.segments]]`` as it is, and what to add; ``why`` where the whole of it is suggested."""

    segment: SegmentMapping
    suggestions: tuple[Suggestion, ...]
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Suggestions:
    """All that can be suggested for a tenant's file."""

    accounts: AccountTable
    segments: tuple[SegmentTable, ...] = field(default=())

    @property
    def all(self) -> tuple[Suggestion, ...]:
        """Every suggestion, accounts first."""
        return (*self.accounts.suggestions, *(one for table in self.segments for one in table.suggestions))


def suggest_mapping(mapping: MappingConfig, codes: Codes, usage: Usage, lists: Lists) -> Suggestions:
    """A suggestion for every BILL classification that the file has no entry for."""
    accounts = _suggest(ACCOUNT_KEY, mapping.accounts, codes, usage, list_accounts(lists), "account")
    tables = [_suggest_values(segment, codes, usage, lists) for segment in mapping.segments]
    tables += _propose_segments(mapping, codes, usage, lists)
    return Suggestions(AccountTable(mapping.accounts, accounts), tuple(tables))


def list_accounts(lists: Lists) -> dict[str, str]:
    """Visma's accounts that may be posted to, with their descriptions."""
    return {
        number: account.description or "" for number, account in lists.accounts.items() if account.is_postable
    }


def list_values(segment: Segment) -> dict[str, str]:
    """The active values of a segment of Visma's, with their descriptions."""
    return {value: segment.descriptions.get(value, "") for value, active in segment.values.items() if active}


def suggest_target(code: Code, targets: Mapping[str, str], what: str) -> Suggestion:
    """The counterpart of one classification among ``targets``: Visma's codes with their descriptions.

    ``what`` names a target in the reason.
    """
    if code.entry is None:
        return Suggestion(code, None, "BILL does not say what it is")
    for name in code.names:
        if name and name.strip() in targets:
            return _by_number(code, name.strip(), targets, f"the same number as Visma's {what}")
    words = code.entry.name.split()
    if words and (first := words[0].strip(".,:;-")) in targets:
        return _by_number(code, first, targets, f"its name begins with the number of Visma's {what}")
    return _by_name(code, code.entry.name, targets, what)


def _suggest(
    key: str, entries: Mapping[str, str], codes: Codes, usage: Usage, targets: Mapping[str, str], what: str
) -> tuple[Suggestion, ...]:
    return tuple(
        suggest_target(code, targets, what)
        for code in list_codes(key, codes, usage)
        if map_code(entries, code.id, code.names) is None
    )


def _suggest_values(
    segment: SegmentMapping, codes: Codes, usage: Usage, lists: Lists, why: str | None = None
) -> SegmentTable:
    known = lists.segments.get(segment.segment)
    targets = list_values(known) if known else {}
    found = _suggest(segment.source, segment.values, codes, usage, targets, "value")
    return SegmentTable(segment, found, why)


def _propose_segments(
    mapping: MappingConfig, codes: Codes, usage: Usage, lists: Lists
) -> Iterable[SegmentTable]:
    """Segments of Visma that the file does not fill yet, each by the classification that is most like it."""
    taken = {segment.source for segment in mapping.segments}
    number = len(mapping.segments) + 1
    while number in lists.segments:
        tables = [
            _suggest_values(SegmentMapping(number, key), codes, usage, lists)
            for key in RESOURCES
            if key != ACCOUNT_KEY and key not in taken
        ]
        best = max(tables, key=_count_targets, default=None)
        if best is None or not _count_targets(best):
            return
        taken.add(best.segment.source)
        description = lists.segments[number].description
        why = f"Visma's segment {number} ({description}) has values like these"
        yield SegmentTable(best.segment, best.suggestions, why)
        number += 1


def _count_targets(table: SegmentTable) -> int:
    return sum(one.target is not None for one in table.suggestions)


def _by_number(code: Code, target: str, targets: Mapping[str, str], why: str) -> Suggestion:
    return Suggestion(code, target, f"{why} {_title(target, targets)}")


def _by_name(code: Code, name: str, targets: Mapping[str, str], what: str) -> Suggestion:
    named = {target: description for target, description in sorted(targets.items()) if description.strip()}
    found = process.extract(
        name,
        named,
        scorer=fuzz.token_sort_ratio,
        processor=utils.default_process,
        score_cutoff=LIKENESS,
        limit=2,
    )
    if not found:
        return Suggestion(code, None, f"no {what} in Visma is like it: choose one")
    (_, score, best), *others = found
    if others and others[0][1] == score:
        like = f"{_title(best, targets)} and {_title(others[0][2], targets)}"
        return Suggestion(code, None, f"as like {like}: choose one")
    why = f"the name is {score:.0f} % like Visma's {what} {_title(best, targets)}"
    return Suggestion(code, best, why)


def _title(target: str, targets: Mapping[str, str]) -> str:
    return f"{target} {targets[target]}".strip()
