"""What ``connector ping`` checks at BILL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final, cast

from shared.bill.client import BillClient, ClassificationResource
from shared.bill.models import Kind, Subscription
from shared.bill.session import BillCredentials, LogIn
from shared.bill.subscriptions import Subscriptions
from shared.bill.webhook_keys import WebhookKeys
from shared.tenants import TenantConfig
from workers.cli.checks import Checks, Doubt, Fault, tell_skew
from workers.cli.delivery import report_on
from workers.cli.subscription import notification_url
from workers.mapping.codes import RESOURCES
from workers.sync.mapping_facts import mapped_keys

CREDENTIALS, LOGIN, SESSION = "bill credentials", "bill login", "bill session"
_KINDS: Final[tuple[Kind, ...]] = ("vendor", "bill")
_INSTEAD: Final = (
    "use an AP & AR sync token instead, which cannot move money (Settings > Sync & Integrations > Tokens)"
)


@dataclass(slots=True)
class BillProbe:
    """One tenant's BILL, asked as far as the sync needs it; nothing is changed there."""

    config: TenantConfig
    client: BillClient
    subscriptions: Subscriptions
    get_credentials: Callable[[], BillCredentials]
    find_keys: Callable[[], WebhookKeys | None]
    clock: Callable[[], datetime]
    public_base_url: str | None
    _login: LogIn | None = None
    _skew_s: float | None = None
    _is_person: bool = False

    def check(self, checks: Checks) -> None:
        """Every check of BILL, in the order in which one builds on another."""
        tenant = self.config.id
        network = f"check bill.base_url ({self.config.bill.base_url}), name server and firewall"
        checks.run(CREDENTIALS, self._find_credentials, f"run `connector credentials set {tenant} bill`")
        checks.run(LOGIN, self._log_in, network, [CREDENTIALS])
        checks.run(SESSION, self._check_session, "check bill.organization_id", [LOGIN])
        checks.run("bill rights", self._judge_login, "", [LOGIN])
        checks.run("bill clock", self._compare_clocks, "", [LOGIN])
        for kind in _KINDS:
            advice = f"let the BILL user or sync token read {kind}s"
            checks.run(f"bill {kind}s", partial(self._read, kind), advice, [LOGIN])
        for key in sorted(mapped_keys(self.config.mapping) & RESOURCES.keys()):
            advice = f"let the BILL user or sync token read {RESOURCES[key]}"
            checks.run(f"bill {RESOURCES[key]}", partial(self._read_list, key), advice, [LOGIN])
        events = f"check bill.events_url ({self.config.bill.events_url})"
        checks.run("webhook", self._check_webhook, events, [LOGIN])

    def _find_credentials(self) -> str:
        return f"stored, for {'a log-in' if _is_address(self.get_credentials().username) else 'a token'}"

    def _log_in(self) -> str:
        before = self.clock()
        self._login = self.client.log_in()
        if self._login.server_time is not None:
            middle = before + (self.clock() - before) / 2
            self._skew_s = (self._login.server_time - middle).total_seconds()
        return "BILL gives a session"

    def _check_session(self) -> str:
        self._is_person = self.client.check_session()
        return f"it is of organization {self.config.bill.organization_id}"

    def _judge_login(self) -> str | Doubt:
        if self._login is not None and self._login.trusted:
            return Doubt("this log-in is trusted with a second factor, so it could move money", _INSTEAD)
        if self._is_person or _is_address(self.get_credentials().username):
            return Doubt("this is a person's log-in, which may be allowed to move money", _INSTEAD)
        return "a session without a second factor: it cannot move money"

    def _compare_clocks(self) -> str | Doubt:
        if self._skew_s is None:
            return Doubt("BILL does not tell its time", "let this machine keep its time with NTP")
        return tell_skew(self._skew_s, "BILL's")

    def _read(self, kind: Kind) -> str:
        self.client.list_page(kind, since=self.clock())
        return "may be read"

    def _read_list(self, key: str) -> str:
        found = self.client.fetch_classifications(cast("ClassificationResource", RESOURCES[key]))
        return f"may be read, {len(found)} there"

    def _check_webhook(self) -> str | Doubt:
        tenant = self.config.id
        url = None if self.public_base_url is None else notification_url(self.public_base_url, tenant)
        found: tuple[Subscription, ...] = self.subscriptions.fetch_all()
        report = report_on(tenant, url, self.find_keys(), found)
        if report["subscription_id"] is None:
            return Doubt(
                "BILL does not notify us, so changes are seen by polling only",
                f"set PUBLIC_BASE_URL and run `connector webhook subscribe {tenant}`",
            )
        if report["advice"] is not None:
            detail, _, next_step = str(report["advice"]).partition(": ")
            raise Fault(detail, next_step)
        return f"subscription {report['subscription_id']} is enabled and delivers to us"


def _is_address(username: str) -> bool:
    """Whether this is an e-mail address: people sign in with one, a token's name is none."""
    return "@" in username
