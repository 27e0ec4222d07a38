from __future__ import annotations

from datetime import UTC, datetime
from io import StringIO

import pytest
from rich.console import Console

from deploy.demo.chapters import deciding
from deploy.demo.clients import CLIENTS, Client
from deploy.demo.narrator import Narrator
from deploy.demo.plot import CHAPTERS
from deploy.stage import Addresses
from shared.tenant_file import parse_tenant

pytestmark = pytest.mark.unit

AT = Addresses(*(f"http://127.0.0.1:1/{name}" for name in "abcdefg"))


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.id)
def test_each_clients_settings_are_a_tenant_file_that_is_accepted(client: Client) -> None:
    config = parse_tenant(client.settings_text(AT, visma_tenant="t-1").encode(), source=client.file_name)
    assert (config.id, config.bill.organization_id, config.visma.company_id) == (
        client.id,
        client.organization,
        client.company,
    )
    assert config.sync.poll_interval_s == 2


def test_the_mended_settings_differ_in_the_missing_cost_centre() -> None:
    text = CLIENTS[0].settings_text(AT, visma_tenant="t-1")
    before, after = (parse_tenant(one.encode(), source="x") for one in (text, deciding.mend(text)))
    assert {"Ledning": "300"}.items() <= dict(after.mapping.segments[0].values).items()
    assert "Ledning" not in before.mapping.segments[0].values


def test_every_chapter_has_a_title_and_a_scene_of_its_own() -> None:
    assert len({chapter.title for chapter in CHAPTERS}) == len({chapter.play for chapter in CHAPTERS}) >= 14


def test_what_happens_is_told_with_its_time() -> None:
    out = StringIO()
    narrator = Narrator(Console(file=out, width=60), lambda: datetime(2026, 11, 2, 9, 30, tzinfo=UTC))
    narrator.chapter("Morning")
    narrator.tell("A bill [of glass] arrives, and it is told in more words than one line has.")
    assert [line.rstrip() for line in out.getvalue().splitlines()] == [
        "",
        "1. Morning",
        "09:30:00  A bill [of glass] arrives, and it is told in more",
        "          words than one line has.",
    ]
