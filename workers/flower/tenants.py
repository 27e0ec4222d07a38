"""The page Tenants: how each one is doing; pause and resume."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import DictRow

from shared import logs
from shared.bill.webhook_keys import SECRET_KIND
from shared.errors import ConnectorError, Retryable, UsageError
from shared.store import history, tenants
from shared.store.letter_pages import PAGE_SIZE
from shared.store.secrets import list_secrets
from shared.store.tenants import TenantRow
from workers.cli.delivery import report_on
from workers.cli.pace import ask_redis, shown_backlog
from workers.cli.reasons import STATES
from workers.cli.status import collect
from workers.cli.subscription import KeyKeeper, notification_url
from workers.flower.masking import mask_text
from workers.flower.page import Action, Desk, Page
from workers.flower.words import duration
from workers.sync.pausing import pause_tenant, resume_tenant

log = logs.get_logger(__name__)

POLLED = ("bill", "visma")


@dataclass(frozen=True, slots=True)
class TenantCard:
    """One tenant as the page shows it; ``facts`` are those of ``connector status``."""

    facts: dict[str, Any]
    polled_at: datetime | None
    errors: list[str]
    is_subscribed: bool
    last_change: DictRow | None

    @property
    def circuits(self) -> dict[str, str]:
        """``open`` or ``closed`` by system; ``not known`` where Redis does not answer."""
        return {system: state or "not known" for system, state in self.facts["circuit"].items()}

    @property
    def calls(self) -> list[tuple[str, str]]:
        """How many calls each system allows for the rest of the hour."""
        return [(system, _tell_calls(usage)) for system, usage in self.facts["calls"].items()]

    @property
    def backlog(self) -> str | None:
        """What is left to do and until when; None for nothing."""
        return shown_backlog(self.facts["backlog"])

    @property
    def lag(self) -> str:
        """How long its oldest due record has waited."""
        seconds = max(self.facts["lag_s"].values())
        return duration(seconds) if seconds else "none"


@dataclass(frozen=True, slots=True)
class TenantList:
    """One page of tenants; ``last`` is where the next one begins."""

    cards: list[TenantCard]
    last: str | None


class TenantsPage(Page):
    """``/tenants``."""

    tab = "tenants"

    async def get(self) -> None:
        """The tenants by id."""
        behind = self.pick("behind")
        found = await self.ask("tenants", lambda desk: list_cards(desk, behind))
        self.show("tenants.html", found=found, states=tuple(STATES), behind=behind)


class TenantAction(Action):
    """``POST /tenants/ID/pause`` and ``/tenants/ID/resume``."""

    async def post(self, tenant: str, what: str) -> None:
        """Pause or resume it, and show the page it stands on."""
        by = self.actor

        def change(desk: Desk) -> str:
            if what == "pause":
                pause_tenant(desk.conn, tenant, by=by)
                return f"{tenant} is paused. Nothing is lost: polling catches up once it is resumed."
            resume_tenant(desk.conn, tenant, by=by)
            return f"{tenant} goes on, and both systems are polled at once."

        await self.act(what, change, self.address("tenants", behind=self.pick("behind")))


class WebhookPart(Page):
    """``/tenants/ID/webhook``: what BILL says of the subscription, asked now."""

    async def get(self, tenant: str) -> None:
        """One line."""
        text = await self.ask("webhook", lambda desk: ask_about_webhook(desk, tenant))
        self.show_part("part_text.html", text=text)


def list_cards(desk: Desk, behind: str | None) -> TenantList:
    """A page of tenants."""
    rows = tenants.list_page(desk.conn, after=behind, most=PAGE_SIZE + 1)
    shown = rows[:PAGE_SIZE]
    subscribed = {one.tenant for one in list_secrets(desk.conn, SECRET_KIND)}
    cards = [
        TenantCard(
            facts=facts,
            polled_at=_find_polled_at(facts["polls"]),
            errors=[
                f"{poll['source']} {poll['kind']}: {mask_text(poll['last_error'])}"
                for poll in facts["polls"]
                if poll["last_error"]
            ],
            is_subscribed=facts["tenant"] in subscribed,
            last_change=_find_last_change(desk, facts["tenant"]),
        )
        for facts in read_facts(desk, shown)
    ]
    return TenantList(cards, shown[-1].config.id if len(rows) > PAGE_SIZE else None)


def read_facts(desk: Desk, rows: list[TenantRow]) -> list[dict[str, Any]]:
    """What ``connector status`` tells; without what Redis alone knows where it does not answer."""
    report = collect(desk.conn, rows)
    try:
        ask_redis(desk.context, rows, report)
    except Retryable:
        log.warning("Redis does not answer", action="flower.redis_away")
    return report


def ask_about_webhook(desk: Desk, tenant: str) -> str:
    """What BILL says of the tenant's subscription, in one line."""
    config = tenants.get_tenant(desk.conn, tenant).config
    base_url = desk.context.settings.public_base_url
    url = None if base_url is None else notification_url(base_url, tenant)
    try:
        stored = KeyKeeper(desk.conn, desk.context.vault, tenant).find()
        report = report_on(tenant, url, stored, desk.context.subscriptions(config).fetch_all())
    except UsageError:
        raise
    except ConnectorError as error:
        return f"BILL could not be asked: {mask_text(str(error))}"
    if report["advice"]:
        return str(report["advice"])
    return f"BILL delivers to {report['notification_url']}."


def _find_polled_at(polls: list[dict[str, Any]]) -> datetime | None:
    """When the list that was read longest ago was last read whole; None while one never was."""
    times = [poll["last_complete_at"] for poll in polls if poll["source"] in POLLED]
    return min(times) if times and all(times) else None


def _find_last_change(desk: Desk, tenant: str) -> DictRow | None:
    """The last pause or resumption."""
    entries = history.list_entries(desk.conn, tenant, history.TENANT, tenant)
    return entries[-1] if entries else None


def _tell_calls(usage: dict[str, Any] | None) -> str:
    if usage is None:
        return "not known"
    wait = f", none for {duration(usage['blocked_s'])}" if usage["blocked_s"] else ""
    return f"{usage['left']:,} of {usage['limit']:,} left{wait}"
