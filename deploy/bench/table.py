"""The table of a run, out of what goes into ``var/bench.json``."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table

from deploy.sandbox.jsonio import Json

Row = tuple[str, str, str]


def bench_table(result: Json) -> Table:
    """One row a figure, with what it is to be compared with beside it."""
    table = Table(title=f"Bench ({result['scale']})", title_justify="left")
    table.add_column("measured")
    table.add_column("figure", justify="right", no_wrap=True)
    table.add_column("beside it")
    for rows in (_webhooks, _records, _calls, _neighbour, _memory):
        for row in rows(result):
            table.add_row(*row)
        table.add_section()
    return table


def _webhooks(result: Json) -> Iterator[Row]:
    accepted, bare, drained = result["webhooks"], result["bare_flask"], result["drain"]
    yield (
        "webhooks accepted",
        f"{accepted['per_s']:,.0f}/s",
        f"bare Flask route {bare['per_s']:,.0f}/s: {accepted['share_of_bare']:.2f} of it",
    )
    yield (
        "their latency, p50 / p99",
        f"{accepted['p50_ms']} / {accepted['p99_ms']} ms",
        f"bare Flask route {bare['p50_ms']} / {bare['p99_ms']} ms",
    )
    pace = "" if drained["per_s"] is None else f"{drained['per_s']:,.0f}/s"
    yield "webhooks turned into rows", pace, f"{drained['stored']:,} of {drained['accepted']:,} accepted"


def _records(result: Json) -> Iterator[Row]:
    noop = result["noop_task"]
    for entry in result["records"]:
        tenants = "1 tenant" if entry["tenants"] == 1 else f"{entry['tenants']} tenants"
        if entry["latency_ms"]:
            name = f"the same at {entry['latency_ms']} ms upstream latency, {tenants}"
            beside = f"{entry['slots']} pool slots"
        else:
            name = f"records synced, {tenants}"
            beside = f"no-op Celery task {noop['per_s']:,.0f}/s: {entry['share_of_noop']:.3f} of it"
        yield name, f"{entry['per_s']:,.1f}/s", beside
    first = result["records"][0]
    yield (
        "worker's processor time for a record",
        f"{first['cpu_ms']:.1f} ms",
        f"no-op Celery task {noop['cpu_ms']:.1f} ms",
    )


def _calls(result: Json) -> Iterator[Row]:
    for entry in result["calls"]:
        yield (
            f"calls for a {entry['what']} {entry['kind']} by {entry['by']}",
            f"BILL {entry['bill']:g}, Visma {entry['visma']:g}",
            f"counted over {entry['records']} records" + (" of one poll" if entry["by"] == "poll" else ""),
        )


def _neighbour(result: Json) -> Iterator[Row]:
    found = result["neighbour"]
    quiet, beside = found["quiet"], found["beside_backfill"]
    yield (
        "bill to Visma while another tenant backfills, p50 / most",
        f"{beside['p50_ms']:,.0f} / {beside['most_ms']:,.0f} ms",
        f"quiet {quiet['p50_ms']:,.0f} / {quiet['most_ms']:,.0f} ms, at {found['latency_ms']} ms upstream"
        + ("" if found["backfill_lasted"] else "; the backfill ended too early"),
    )


def _memory(result: Json) -> Iterator[Row]:
    memory = result["memory"]
    for poll in memory["polls"]:
        yield (
            f"peak memory, poll of {poll['records']:,} unchanged records",
            f"{poll['peak_mb']:.0f} MB",
            f"{poll['rest_mb']:.0f} MB before it; {poll['per_s']:,.0f} records/s",
        )
    large = memory["polls"][-1]["records"]
    note = (
        "" if large == memory["wanted"] else f"{memory['wanted']:,} would take too long on this machine now"
    )
    yield "growth between the two", f"{memory['growth_mb']:+.1f} MB", note
