"""Running the command ``connector`` inside a test."""

from __future__ import annotations

import base64
import json
from typing import Any

from click.testing import CliRunner, Result

from workers.cli.main import connector

MASTER_KEYS = "test:" + base64.b64encode(b"k" * 32).decode()
NOWHERE = {
    "DATABASE_URL": "postgresql://operator:hunter2@127.0.0.1:1/none",
    "REDIS_URL": "redis://:hunter2@127.0.0.1:1/0",
    "CONNECTOR_MASTER_KEYS": MASTER_KEYS,
}
"""Settings whose servers refuse every connection."""


def run(environ: dict[str, str], *args: str, stdin: str = "") -> Result:
    """The command's end, as a shell would see it; an exception that escaped it fails the test."""
    result = CliRunner(env=environ).invoke(connector, args, input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def run_json(environ: dict[str, str], *args: str) -> Any:
    """What a command that succeeds prints with ``--json``."""
    result = run(environ, *args, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def the_line(result: Result) -> str:
    """The one line on stderr of a command that failed."""
    assert result.exit_code == 1, (result.exit_code, result.output)
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1, result.stderr
    return result.stderr.strip()


TENANT_FILE = """
[tenant]
id = "{id}"
name = "Åkeri & Söner AB"

[bill]
base_url = "https://bill.example/connect"
events_url = "https://bill.example/connect-events"
organization_id = "00801TEST"

[visma]
base_url = "https://visma.example"
token_url = "https://visma.example/token"
tenant_id = "7f3c"
company_id = "1234567"

[sync]
bills_since = 2026-01-01

[mapping]
supplier_class = "1"
currency = "SEK"
vat_category = "1"
[mapping.accounts]
"0ca01" = "5010"
"""
