"""What ``connector ping`` checks at Visma."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Final

from shared.bill.models import Kind
from shared.tenants import TenantConfig
from shared.visma.client import VismaClient
from shared.visma.token import VismaCredentials
from workers.cli.checks import Checks, Doubt, Fault, tell_skew

CREDENTIALS, TOKEN, COMPANY = "visma credentials", "visma token", "visma company"
SERIES: Final = "visma number series"
_FEW: Final = 20
_MANUAL: Final = (
    "in Visma, under Number series (CS201010) and the supplier ledger's preferences, let suppliers and "
    "supplier invoices be numbered automatically"
)
_KINDS: Final[dict[str, Kind]] = {"suppliers": "vendor", "supplier invoices": "bill"}


@dataclass(slots=True)
class VismaProbe:
    """One tenant's Visma company, asked as far as the sync needs it; nothing is changed there.

    ``created`` are the kinds of which Visma has numbered something for us before.
    """

    config: TenantConfig
    client: VismaClient
    get_credentials: Callable[[], VismaCredentials]
    find_created: Callable[[], Collection[Kind]]
    clock: Callable[[], datetime]
    _numbers: dict[str, list[str]] = field(default_factory=dict)
    _skew_s: float | None = None

    def check(self, checks: Checks) -> None:
        """Every check of Visma, in the order in which one builds on another."""
        visma = self.config.visma
        checks.run(
            CREDENTIALS, self._find_credentials, f"run `connector credentials set {self.config.id} visma`"
        )
        network = f"check visma.token_url ({visma.token_url}), name server and firewall"
        checks.run(TOKEN, self._renew_token, network, [CREDENTIALS])
        company = f"check visma.base_url ({visma.base_url}), visma.company_id and visma.tenant_id"
        checks.run(COMPANY, self._check_company, company, [TOKEN])
        checks.run("visma clock", self._compare_clocks, "", [COMPANY])
        for what, look in self._looks().items():
            checks.run(f"visma {what}", look, f"let the app read {what} in Visma", [COMPANY])
        needs = [f"visma {what}" for what in _KINDS]
        checks.run(SERIES, self._judge_numbers, _MANUAL, needs)

    def _looks(self) -> dict[str, Callable[[], str | Doubt]]:
        client = self.client
        lists: dict[str, Callable[[], Collection[Any]]] = {
            "accounts": client.fetch_accounts,
            "dimensions": client.fetch_segments,
            "vat categories": client.fetch_vat_categories,
            "currencies": client.fetch_currencies,
            "financial periods": client.fetch_periods,
        }
        looks: dict[str, Callable[[], str | Doubt]] = {
            "suppliers": self._read_suppliers,
            "supplier invoices": self._read_invoices,
        }
        return looks | {what: partial(self._count, fetch) for what, fetch in lists.items()}

    def _find_credentials(self) -> str:
        self.get_credentials()
        return "stored"

    def _renew_token(self) -> str:
        self.client.renew_token()
        return "Visma Connect gives a token with all four scopes"

    def _check_company(self) -> str:
        before = self.clock()
        answer = self.client.call("GET", "/v1/branch")
        if answer.date is not None:
            self._skew_s = (answer.date - (before + (self.clock() - before) / 2)).total_seconds()
        branch = self.config.mapping.branch
        if branch is not None and self.client.fetch_branches().get(branch) is not True:
            raise Fault(
                f"company {self.config.visma.company_id} has no active branch {branch}",
                "correct mapping.branch, or visma.company_id",
            )
        return f"company {self.config.visma.company_id} answers"

    def _compare_clocks(self) -> str | Doubt:
        if self._skew_s is None:
            return Doubt("Visma does not tell its time", "let this machine keep its time with NTP")
        return tell_skew(self._skew_s, "Visma's")

    def _read_suppliers(self) -> str:
        page = self.client.list_suppliers(page_size=_FEW)
        self._numbers["suppliers"] = [one.number for one in page.results]
        return f"may be read, {page.total_count} there"

    def _read_invoices(self) -> str:
        page = self.client.list_supplier_invoices(page_size=_FEW)
        self._numbers["supplier invoices"] = [one.number for one in page.results]
        return f"may be read, {page.total_count} there"

    def _count(self, fetch: Callable[[], Collection[Any]]) -> str:
        return f"may be read, {len(fetch())} there"

    def _judge_numbers(self) -> str | Doubt:
        """Visma tells nothing of its number series: what it has numbered has to speak for them."""
        created = self.find_created()
        open_ones = [what for what, kind in _KINDS.items() if kind not in created]
        if not open_ones:
            return "Visma has numbered what we created"
        odd = [what for what in open_ones if not _looks_automatic(self._numbers.get(what, []))]
        if odd:
            return Doubt(
                f"whether {' and '.join(odd)} are numbered automatically cannot be seen yet", _MANUAL
            )
        return "numbers in Visma look automatic"


def _looks_automatic(numbers: list[str]) -> bool:
    """Whether all are digits of one length, behind the same letters, as a series gives them."""
    shapes = {(number.rstrip("0123456789"), len(number)) for number in numbers}
    return bool(numbers) and len(shapes) == 1 and all(number[-1].isdigit() for number in numbers)
