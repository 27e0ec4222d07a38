"""A tenant's mapping against both systems: what has no counterpart, and what points to nothing. Pure."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from shared.tenants import MappingConfig, SegmentMapping
from shared.visma.models import Lists
from workers.mapping.checks import find_account_problem, find_category_problem, find_segment_problem
from workers.mapping.codes import ACCOUNT_KEY, RESOURCES, Codes, map_code
from workers.mapping.usage import Code, Usage, list_codes

Level = Literal["wrong", "warning"]


@dataclass(frozen=True, slots=True)
class SetUp:
    """What a company has set up in Visma; ``missing_suppliers`` are numbers of [mapping.suppliers]."""

    lists: Lists
    credit_terms: Collection[str]
    supplier_classes: Collection[str]
    vat_zones: Collection[str]
    branches: Mapping[str, bool]
    missing_suppliers: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to correct. ``key`` is its path in the tenant's file, ``bills`` counts those concerned."""

    level: Level
    key: str
    what: str
    bills: int = 0


def check_mapping(mapping: MappingConfig, codes: Codes, usage: Usage, set_up: SetUp) -> list[Finding]:
    """Everything found, what is wrong first; a mapping without mistakes gives warnings at most."""
    found = [
        *_check_accounts(mapping, codes, usage),
        *_check_segments(mapping, codes, usage),
        *_check_targets(mapping, set_up),
        *_check_suppliers(mapping, set_up),
        *_check_names(mapping, codes, usage),
        *_check_left_out(mapping, set_up.lists),
    ]
    return sorted(found, key=lambda finding: finding.level == "warning")


def path(*names: str) -> str:
    """A key of ``[mapping]`` as TOML writes it, the user's own names in quotes."""
    *tables, last = names
    return ".".join(["mapping", *tables, last if len(names) == 1 else json.dumps(last, ensure_ascii=False)])


def _check_accounts(mapping: MappingConfig, codes: Codes, usage: Usage) -> Iterator[Finding]:
    if mapping.account is not None:
        return
    for code in list_codes(ACCOUNT_KEY, codes, usage):
        if map_code(mapping.accounts, code.id, code.names) is None:
            yield _unmapped(path("accounts", code.id), code, "account")
    yield from _check_empty("account", ACCOUNT_KEY, usage, "set mapping.account")


def _check_segments(mapping: MappingConfig, codes: Codes, usage: Usage) -> Iterator[Finding]:
    for number, segment in enumerate(mapping.segments, start=1):
        if segment.default is not None:
            continue
        for code in list_codes(segment.source, codes, usage):
            if map_code(segment.values, code.id, code.names) is None:
                what = f"value of segment {segment.segment}"
                yield _unmapped(path(f"segments[{number}].values", code.id), code, what)
        key = f"segments[{number}].default"
        yield from _check_empty(key, segment.source, usage, "give the segment a default")


def _unmapped(key: str, code: Code, what: str) -> Finding:
    return Finding("wrong", key, f"BILL's {code.title} has no {what} in Visma", code.bills)


def _check_empty(key: str, source: str, usage: Usage, advice: str) -> Iterator[Finding]:
    bills = usage.get(source, {}).get(None, 0)
    if bills:
        yield Finding("wrong", path(key), f"lines of bills have no {source} in BILL: {advice}", bills)


def _check_targets(mapping: MappingConfig, set_up: SetUp) -> Iterator[Finding]:
    for key, problem in (
        *_account_problems(mapping, set_up.lists),
        *_category_problems(mapping, set_up.lists),
        *_segment_problems(mapping.segments, set_up.lists),
        *_term_problems(mapping, set_up),
        *_country_problems(mapping, set_up),
    ):
        if problem is not None:
            yield Finding("wrong", key, problem)


_Problems = Iterator[tuple[str, str | None]]


def _account_problems(mapping: MappingConfig, lists: Lists) -> _Problems:
    if mapping.account is not None:
        yield path("account"), find_account_problem(mapping.account, lists)
    for name, account in mapping.accounts.items():
        yield path("accounts", name), find_account_problem(account, lists)
    for account in mapping.vat_categories:
        unknown = f"account {account} is not in Visma" if account not in lists.accounts else None
        yield path("vat_categories", account), unknown


def _category_problems(mapping: MappingConfig, lists: Lists) -> _Problems:
    yield path("vat_category"), find_category_problem(mapping.vat_category, lists)
    if mapping.vat_category_exempt is not None:
        yield path("vat_category_exempt"), find_category_problem(mapping.vat_category_exempt, lists)
    for account, category in mapping.vat_categories.items():
        yield path("vat_categories", account), find_category_problem(category, lists)
    for name, country in mapping.countries.items():
        if country.vat_category is not None:
            key = f"countries.{name}.vat_category"
            yield path(key), find_category_problem(country.vat_category, lists)


def _segment_problems(segments: tuple[SegmentMapping, ...], lists: Lists) -> _Problems:
    for number, segment in enumerate(segments, start=1):
        if segment.segment not in lists.segments:
            yield path(f"segments[{number}]"), find_segment_problem(segment.segment, "", lists)
            continue
        if segment.default is not None:
            problem = find_segment_problem(segment.segment, segment.default, lists)
            yield path(f"segments[{number}].default"), problem
        for name, value in segment.values.items():
            problem = find_segment_problem(segment.segment, value, lists)
            yield path(f"segments[{number}].values", name), problem


def _term_problems(mapping: MappingConfig, set_up: SetUp) -> _Problems:
    currency = mapping.currency
    unknown = None if currency in set_up.lists.currencies else f"currency {currency} is not in Visma"
    yield path("currency"), unknown
    for name, terms in mapping.credit_terms.items():
        yield path("credit_terms", name), _missing("credit terms", terms, set_up.credit_terms)
    if mapping.branch is not None:
        inactive = f"branch {mapping.branch} is inactive in Visma"
        missing = _missing("branch", mapping.branch, set_up.branches)
        active = set_up.branches.get(mapping.branch, False)
        yield path("branch"), missing or (None if active else inactive)


def _country_problems(mapping: MappingConfig, set_up: SetUp) -> _Problems:
    yield path("supplier_class"), _missing("supplier class", mapping.supplier_class, set_up.supplier_classes)
    for name, country in mapping.countries.items():
        if country.supplier_class is not None:
            problem = _missing("supplier class", country.supplier_class, set_up.supplier_classes)
            yield path(f"countries.{name}.supplier_class"), problem
        if country.vat_zone is not None:
            problem = _missing("VAT zone", country.vat_zone, set_up.vat_zones)
            yield path(f"countries.{name}.vat_zone"), problem


def _missing(what: str, value: str, known: Collection[str]) -> str | None:
    return None if value in known else f"{what} {value} is not in Visma"


def _check_suppliers(mapping: MappingConfig, set_up: SetUp) -> Iterator[Finding]:
    first: dict[str, str] = {}
    for vendor_id, number in mapping.suppliers.items():
        key = path("suppliers", vendor_id)
        if number in set_up.missing_suppliers:
            yield Finding("wrong", key, f"supplier {number} is not in Visma")
        if first.setdefault(number, vendor_id) != vendor_id:
            what = f"supplier {number} is vendor {first[number]}'s already, and can be one vendor's only"
            yield Finding("wrong", key, what)


def _check_names(mapping: MappingConfig, codes: Codes, usage: Usage) -> Iterator[Finding]:
    """Entries for which BILL has nothing of that id, number or name: typing mistakes, most of them."""
    tables = [("accounts", ACCOUNT_KEY, mapping.accounts)]
    tables += [
        (f"segments[{number}].values", segment.source, segment.values)
        for number, segment in enumerate(mapping.segments, start=1)
    ]
    for table, source, values in tables:
        if source not in RESOURCES:  # BILL has no list of them
            continue
        entries = codes.by_key.get(source, {})
        listed = [Code(source, code_id, entry) for code_id, entry in entries.items()]
        known = {name for code in listed for name in (code.id, *code.names)}
        known |= set(usage.get(source, {}))
        for name in values:
            if name not in known:
                what = f"BILL has no {source} with this id, number or name: check the spelling, or remove it"
                yield Finding("warning", path(table, name), what)


def _check_left_out(mapping: MappingConfig, lists: Lists) -> Iterator[Finding]:
    if mapping.country is None:
        what = (
            "is left out, so no vendor is judged by its country: bills of foreign vendors are booked "
            "with the VAT of home"
        )
        yield Finding("warning", path("country"), what)
    filled = {segment.segment for segment in mapping.segments}
    for segment_id, segment in sorted(lists.segments.items()):
        if segment_id not in filled:
            what = f"nothing fills Visma's segment {segment_id} ({segment.description})"
            yield Finding("warning", path("segments"), what)
