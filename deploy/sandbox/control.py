"""A client of the control interface: one method per thing a person, a test or the demo can do."""

from __future__ import annotations

from typing import Any

from deploy.sandbox.control_bill import BillControl
from deploy.sandbox.control_http import TIMEOUT_S, ControlError, WaitTimeout
from deploy.sandbox.control_visma import VismaControl
from deploy.sandbox.jsonio import Json

__all__ = ["ControlError", "SandboxControl", "WaitTimeout"]


class SandboxControl(BillControl, VismaControl):
    """Talks to one running sandbox. Records go in and come out as JSON objects with Decimal numbers.

    What people do in BILL is in ``control_bill``, what they do in Visma in ``control_visma``; seeding,
    faults, time, looking and waiting are here. Every method raises ControlError when the sandbox refuses.
    """

    def seed_organization(self, seed: Json) -> Json:
        """A whole BILL organization; gives the ids of its users, vendors, bills and classifications."""
        return self._object("POST", "/organizations", seed)

    def seed_company(self, seed: Json) -> Json:
        """A whole Visma company; gives the numbers of its suppliers and invoices."""
        return self._object("POST", "/companies", seed)

    def add_fault(
        self,
        kind: str,
        *,
        system: str | None = None,
        tenant: str | None = None,
        method: str | None = None,
        route: str | None = None,
        body: str | None = None,
        skip: int = 0,
        times: int | None = 1,
        probability: float = 1.0,
        seed: int = 1,
        **action: Any,
    ) -> str:
        """Spoil matching requests or notifications; gives the rule's id.

        ``kind``: latency, status, expire, drop, late, drip, truncate, race, empty_page, expire_cursor;
        for webhooks drop_hook, repeat_hook, delay_hook, reorder_hooks, disable_hook, shape_hook. Their
        settings are further keywords; README.md lists them. ``system``: bill, events, visma, token.
        ``tenant``: organization or company id. ``route``: regular expression searched in the path, or
        in a webhook's event type. ``body``: one searched in the request's body. ``times`` None: always.
        """
        match = {"system": system, "tenant": tenant, "method": method, "route": route, "body": body}
        rule = {
            "match": {name: value for name, value in match.items() if value is not None},
            "action": {"kind": kind, **action},
            "skip": skip,
            "times": times,
            "probability": probability,
            "seed": seed,
        }
        return str(self._object("POST", "/faults", rule)["id"])

    def faults(self) -> list[Json]:
        """The rules in force, with how often each was ``seen`` and ``applied``."""
        return self._list("/faults")

    def clear_faults(self, rule_id: str | None = None) -> None:
        """Remove one rule, or all."""
        self._call("DELETE", f"/faults/{rule_id}" if rule_id else "/faults")

    def advance_clock(self, seconds: float) -> Json:
        """Let time pass in the sandbox: sessions and tokens age, rate windows end."""
        return self._object("PATCH", "/clock", {"advance_s": seconds})

    def reset_clock(self) -> Json:
        """Back to the machine's time."""
        return self._object("PATCH", "/clock", {"offset_s": 0})

    def calls(self) -> Json:
        """Counts: ``total``, ``lines``, ``most_at_once``, ``violations``."""
        return self._object("GET", "/calls")

    def count_calls(self, **wanted: Any) -> int:
        """Calls that agree with ``system, tenant, method, route, status``."""
        lines = self.calls()["lines"]
        return sum(
            line["count"]
            for line in lines
            if all(str(line[key]) == str(value) for key, value in wanted.items())
        )

    def recent_calls(self) -> list[Json]:
        """The last calls one by one: ``at, system, tenant, method, path, query, status``."""
        found: list[Json] = self._object("GET", "/calls", query={"recent": "1"})["recent"]
        return found

    def reset_calls(self) -> None:
        """Start counting anew."""
        self._call("DELETE", "/calls")

    def visma_log(self, company: str, after: int = 0) -> list[Json]:
        """Effects in a company since number ``after``: ``seq, at, kind, entity, type, number, by, body``."""
        return self._list(f"/visma/{company}/log", {"after": str(after)})

    def organization_state(self, organization: str, what: str) -> list[Json]:
        """``vendors``, ``bills``, ``subscriptions``, ``sessions`` or a classification's resource name."""
        return self._list(f"/state/organizations/{organization}/{what}")

    def company_state(self, company: str, what: str) -> list[Json]:
        """``suppliers``, ``invoices``, ``accounts``, ``periods``, ``segments`` or ``attachments``."""
        return self._list(f"/state/companies/{company}/{what}")

    def webhooks(self, **wanted: Any) -> list[Json]:
        """Delivery attempts that agree with ``organization, subscription, event, type, entity, status``."""
        return self._list("/webhooks", {name: str(value) for name, value in wanted.items()})

    def flush_webhooks(self) -> int:
        """Send what a reorder rule still holds; gives how many."""
        return int(self._object("POST", "/webhooks/flush")["sent"])

    def wait(self, what: str, count: int = 1, timeout_s: float = 10.0, **wanted: Any) -> int:
        """Wait until at least ``count`` things are there; gives how many. Raises WaitTimeout.

        ``what``: ``calls`` (system, tenant, method, route, status), ``webhooks`` (organization, status,
        type, ...), ``log`` (company, kind, entity, number, by), ``suppliers`` (company), ``invoices``
        (company, status, type, supplier, reference), ``vendors``, ``bills``, ``enabled``, ``disabled``
        (organization). ``below=1`` waits until there are at most ``count``.
        """
        query = {"what": what, "count": str(count), "timeout": str(timeout_s)}
        query |= {name: str(value) for name, value in wanted.items()}
        answer = self._object("GET", "/wait", query=query, timeout_s=timeout_s + TIMEOUT_S)
        if not answer["reached"]:
            raise WaitTimeout(f"{what} {wanted}: {answer['count']} instead of {count} after {timeout_s} s")
        return int(answer["count"])
