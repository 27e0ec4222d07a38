"""``connector mapping``: whether a tenant's file fits both systems, and what to put into it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import click

from shared.errors import ConnectorError
from shared.store.tenants import get_tenant
from workers.cli.errors import naming
from workers.cli.output import json_option, print_json, print_table, say, say_lines, working
from workers.cli.session import Session, pass_session
from workers.mapping.check import Finding, check_mapping
from workers.mapping.suggest import Suggestion, suggest_mapping
from workers.mapping.suggest_toml import write_suggestions
from workers.sync.mapping_facts import MappingFacts, mapped_keys, suggested_keys


@click.group(short_help="Check a tenant's mapping, or have one suggested.")
def mapping() -> None:
    """How BILL's accounts and classifications become Visma's: is it whole, and what is missing."""


@mapping.command("check", short_help="Find what has no counterpart, and what points to nothing.")
@click.argument("tenant")
@json_option
@pass_session
def check(session: Session, tenant: str, as_json: bool) -> None:
    """Compare a tenant's mapping with both systems as they are now.

    Finds every BILL account and classification in use that has no counterpart in Visma, and every
    mapping that points to an account, segment value, VAT category, credit terms, supplier class, VAT
    zone, branch or supplier that is missing or inactive there. Fails if anything is wrong; warnings
    alone do not.

    \b
    Example:
      connector mapping check acme-se
    """
    with _facts(session, tenant) as facts, working(f"{tenant}: reading both systems' lists"):
        config = facts.tenant.mapping
        keys = mapped_keys(config)
        found = check_mapping(config, facts.fetch_codes(keys), facts.count_usage(keys), facts.fetch_set_up())
    wrong = sum(finding.level == "wrong" for finding in found)
    if as_json:
        print_json({"tenant": tenant, "wrong": wrong, "findings": [asdict(finding) for finding in found]})
    else:
        columns = ("level", "key", "what", "bills")
        empty = f"{tenant}: every BILL code has its counterpart, and every mapping points to something"
        print_table(columns, (_row(finding) for finding in found), empty=empty)
    if wrong:
        mistakes = "1 mistake" if wrong == 1 else f"{wrong} mistakes"
        raise ConnectorError(
            f"the mapping of {tenant} has {mistakes}: correct its file and apply it; "
            f"`connector mapping suggest {tenant}` helps"
        )


@mapping.command("suggest", short_help="Print TOML to paste for what has no counterpart.")
@click.argument("tenant")
@json_option
@pass_session
def suggest(session: Session, tenant: str, as_json: bool) -> None:
    """Print TOML for a tenant's file: a counterpart in Visma for each BILL code that has no entry.

    Suggested by number, then by how alike the names are; each line says why. Nothing is saved.

    \b
    Example:
      connector mapping suggest acme-se > suggested.toml
    """
    with _facts(session, tenant) as facts, working(f"{tenant}: reading both systems' lists"):
        config, lists = facts.tenant.mapping, facts.visma.fetch_lists()
        keys = suggested_keys(config, lists)
        found = suggest_mapping(config, facts.fetch_codes(keys), facts.count_usage(keys), lists)
    if as_json:
        print_json([_suggestion_to_json(suggestion) for suggestion in found.all])
        return
    text = write_suggestions(found)
    if text:
        say_lines(text)
    else:
        say(f"# {tenant}: every BILL code has an entry of its own, nothing to suggest")


def _row(finding: Finding) -> tuple[str, str, str, int | None]:
    return (finding.level, finding.key, finding.what, finding.bills or None)


def _suggestion_to_json(suggestion: Suggestion) -> dict[str, Any]:
    code = suggestion.code
    return {
        "from": code.key,
        "bill_id": code.id,
        "title": code.title,
        "bills": code.bills,
        "visma": suggestion.target,
        "why": suggestion.why,
    }


@contextmanager
def _facts(session: Session, tenant: str) -> Iterator[MappingFacts]:
    with session.database() as conn:
        config = get_tenant(conn, tenant).config
        with session.context() as context, naming(tenant):
            yield MappingFacts(config, conn, context.bill(config), context.visma(config))
