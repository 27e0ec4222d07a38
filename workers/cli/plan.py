"""``connector plan``: what a sync would do, without doing it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final

import click

from shared.store.shadow import copy_tenant
from shared.store.tenants import get_tenant
from workers.cli.bars import counting
from workers.cli.errors import naming
from workers.cli.output import clean, json_option, note, print_json_array, say
from workers.cli.session import NAME, Session, pass_session
from workers.sync.plan import Plan, Planned

_QUIET: Final = frozenset({"none", "ignore"})
_WORDS: Final = {
    "create": "to create",
    "update": "to update",
    "delete": "to delete",
    "none": "as they should be",
    "hold": "held for a person",
    "wait": "waiting",
    "ignore": "ignored",
}


@click.command(short_help="Show what a sync would do, and write nothing.")
@click.argument("tenant")
@json_option
@pass_session
def plan(session: Session, tenant: str, as_json: bool) -> None:
    """Show what a sync of a tenant would create, change or delete in Visma, and what is held and why.

    Reads both systems and writes to neither, nor to the database. Also for a tenant that is paused: look
    before it begins. With --json every vendor and bill is listed, also those with nothing to do.

    \b
    Examples:
      connector plan acme-se
      connector plan acme-se --json > plan.json
    """
    with session.database() as conn:
        config = get_tenant(conn, tenant).config
    if config.mapping.country is None:
        note(f"{tenant}: mapping.country is left out, so no vendor is judged by its country")
    with (
        copy_tenant(session.settings.database_url, tenant, name=NAME) as shadow,
        session.context() as context,
        naming(tenant),
    ):
        found = context.plan(config, shadow)
        _make(found, tenant)
        if as_json:
            print_json_array(_to_json(one) for one in found.iterate())
        else:
            _print(tenant, found.iterate())


def _make(plan: Plan, tenant: str) -> None:
    with counting(f"{tenant}: reading both systems") as show:
        plan.read(lambda text, done, total: show(done, total, f"{tenant}: {text}"))
        plan.judge(lambda text, done, total: show(done, total, f"{tenant}: {text}"))


def _to_json(one: Planned) -> dict[str, Any]:
    return {"kind": one.kind, "bill_id": one.bill_id, **one.line.to_json()}


def _print(tenant: str, planned: Iterable[Planned]) -> None:
    counts: Counter[str] = Counter()
    for one in planned:
        counts[one.line.action] += 1
        if one.line.action not in _QUIET or (one.line.reason and one.line.action == "none"):
            for text in _describe(one):
                click.echo(text)
    told = ", ".join(f"{counts[action]} {words}" for action, words in _WORDS.items() if counts[action])
    say(f"{tenant}: {told or 'no vendors and bills in BILL'}")


def _describe(one: Planned) -> Iterator[str]:
    line = one.line
    number = f"Visma {line.visma_number}" if line.visma_number else None
    why = one.detail if line.action == "hold" else None
    told = [one.label or None, number, line.reason, why if why != line.reason else None]
    yield clean(f"{line.action:6}  {one.kind} {one.bill_id}: {', '.join(text for text in told if text)}")
    for change in line.changes:
        before, after = (_shown(change[key]) for key in ("before", "after"))
        yield "    " + clean(f"{change['field']}: {before} -> {after}")


def _shown(value: Any) -> str:
    return "(none)" if value is None else str(value)
