"""A client of the control interface: one method per thing a person, a test or the demo can do."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any

import requests

from deploy.sandbox.jsonio import Json, dumps, loads

_TIMEOUT_S = 30.0


class ControlError(Exception):
    """The sandbox refused a control request; the message is its own."""


class WaitTimeout(ControlError):
    """What was waited for did not happen in time."""


class SandboxControl:
    """Talks to one running sandbox. Records go in and come out as JSON objects with Decimal numbers.

    ``organization`` is a BILL organization id, ``company`` a Visma company id. Every method raises
    ControlError when the sandbox refuses.
    """

    def __init__(self, control_url: str) -> None:
        self._url = control_url.rstrip("/")
        self._http = requests.Session()

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def __enter__(self) -> SandboxControl:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- seeding -----------------------------------------------------------------------------

    def seed_organization(self, seed: Json) -> Json:
        """A whole BILL organization; gives the ids of its users, vendors, bills and classifications."""
        return self._object("POST", "/organizations", seed)

    def seed_company(self, seed: Json) -> Json:
        """A whole Visma company; gives the numbers of its suppliers and invoices."""
        return self._object("POST", "/companies", seed)

    # --- what people do in BILL ----------------------------------------------------------------

    def create_vendor(self, organization: str, vendor: Json) -> Json:
        """Enter a vendor; fields as in BILL's API."""
        return self._object("POST", f"/organizations/{organization}/vendors", vendor)

    def change_vendor(self, organization: str, vendor_id: str, **fields: Any) -> Json:
        """Change fields of a vendor."""
        return self._object("PATCH", f"/organizations/{organization}/vendors/{vendor_id}", fields)

    def archive_vendor(self, organization: str, vendor_id: str) -> Json:
        """Archive a vendor."""
        return self._object("POST", f"/organizations/{organization}/vendors/{vendor_id}/archive")

    def restore_vendor(self, organization: str, vendor_id: str) -> Json:
        """Bring an archived vendor back."""
        return self._object("POST", f"/organizations/{organization}/vendors/{vendor_id}/restore")

    def create_bill(self, organization: str, bill: Json) -> Json:
        """Enter a bill; beside the API's fields ``approvalStatus`` and ``draft``."""
        return self._object("POST", f"/organizations/{organization}/bills", bill)

    def change_bill(self, organization: str, bill_id: str, **fields: Any) -> Json:
        """Change fields of a bill as PATCH does; with ``replace=True`` as PUT does."""
        return self._object("PATCH", f"/organizations/{organization}/bills/{bill_id}", fields)

    def approve_bill(self, organization: str, bill_id: str, users: Iterable[str] = ()) -> Json:
        """All approvers (by default the first user) approve."""
        return self._on_bill(organization, bill_id, "approve", users=list(users))

    def deny_bill(self, organization: str, bill_id: str, users: Iterable[str] = ()) -> Json:
        """The approvers deny."""
        return self._on_bill(organization, bill_id, "deny", users=list(users))

    def assign_bill(self, organization: str, bill_id: str, users: Iterable[str] = ()) -> Json:
        """Put the bill before approvers."""
        return self._on_bill(organization, bill_id, "assign", users=list(users))

    def withdraw_approval(self, organization: str, bill_id: str) -> Json:
        """Back to UNASSIGNED."""
        return self._on_bill(organization, bill_id, "withdraw")

    def archive_bill(self, organization: str, bill_id: str) -> Json:
        """Archive ("delete") a bill."""
        return self._on_bill(organization, bill_id, "archive")

    def restore_bill(self, organization: str, bill_id: str) -> Json:
        """Bring an archived bill back."""
        return self._on_bill(organization, bill_id, "restore")

    def activate_bill(self, organization: str, bill_id: str) -> Json:
        """Make a draft a bill."""
        return self._on_bill(organization, bill_id, "activate")

    def pay_bill(
        self, organization: str, bill_id: str, status: str = "PAID", amount: str | None = None
    ) -> Json:
        """Pay or schedule a bill, whole unless an amount is given."""
        extra = {} if amount is None else {"amount": amount}
        return self._on_bill(organization, bill_id, "pay", status=status, **extra)

    def add_document(self, organization: str, bill_id: str, name: str, content: bytes) -> Json:
        """Attach a file to a bill."""
        body = {"name": name, "content": base64.b64encode(content).decode()}
        return self._object("POST", f"/organizations/{organization}/bills/{bill_id}/documents", body)

    def create_classification(self, organization: str, kind: str, fields: Json) -> Json:
        """Add to ``chart-of-accounts``, ``departments``, ... (the API's resource names)."""
        return self._object("POST", f"/organizations/{organization}/classifications/{kind}", fields)

    def change_classification(self, organization: str, kind: str, entry_id: str, **fields: Any) -> Json:
        """Change one; ``archived`` archives or restores."""
        return self._object(
            "PATCH", f"/organizations/{organization}/classifications/{kind}/{entry_id}", fields
        )

    def organization_settings(self, organization: str, **settings: Any) -> Json:
        """Change BillSettings (see deploy/sandbox/bill/models.py); gives all of them."""
        return self._object("PATCH", f"/organizations/{organization}/settings", settings)

    def organization_access(self, organization: str, **access: Any) -> Json:
        """``locked``, ``dev_key_active``, ``passwords`` by username."""
        return self._object("PATCH", f"/organizations/{organization}/access", access)

    def expire_sessions(self, organization: str) -> int:
        """End every session of the organization; gives how many."""
        return int(self._object("POST", f"/organizations/{organization}/expire-sessions")["ended"])

    # --- what people do in Visma ---------------------------------------------------------------

    def create_supplier(self, company: str, supplier: Json) -> Json:
        """Enter a supplier; write names without wrappers, e.g. ``{"name": "Kontorsvaror AB"}``."""
        return self._object("POST", f"/companies/{company}/suppliers", supplier)

    def change_supplier(self, company: str, number: str, **fields: Any) -> Json:
        """Change fields of a supplier."""
        return self._object("PATCH", f"/companies/{company}/suppliers/{number}", fields)

    def create_invoice(self, company: str, invoice: Json) -> Json:
        """Enter a supplier invoice; write names without wrappers, lines in ``invoiceLines``."""
        return self._object("POST", f"/companies/{company}/invoices", invoice)

    def change_invoice(self, company: str, number: str, type: str = "Invoice", **fields: Any) -> Json:
        """Change fields of a supplier invoice; lines with their ``operation``."""
        return self._object("PATCH", f"/companies/{company}/invoices/{type}/{number}", fields)

    def release_invoice(self, company: str, number: str, type: str = "Invoice") -> Json:
        """Release at once."""
        return self._on_invoice(company, type, number, "release")

    def reverse_invoice(self, company: str, number: str, type: str = "Invoice") -> Json:
        """Reverse; gives the new DebitAdj."""
        return self._on_invoice(company, type, number, "reverse")

    def void_invoice(self, company: str, number: str, type: str = "Invoice") -> Json:
        """Void."""
        return self._on_invoice(company, type, number, "void")

    def delete_invoice(self, company: str, number: str, type: str = "Invoice") -> Json:
        """Delete an unreleased document; gives it as it was."""
        return self._on_invoice(company, type, number, "delete")

    def pay_invoice(
        self, company: str, number: str, amount: str | None = None, type: str = "Invoice"
    ) -> Json:
        """Pay a released document, whole unless an amount is given."""
        return self._on_invoice(
            company, type, number, "pay", **({} if amount is None else {"amount": amount})
        )

    def set_account(self, company: str, number: str, **fields: Any) -> Json:
        """Add an account or change it: ``description, active, allow_manual_entry, control_module``, ..."""
        return self._object("PUT", f"/companies/{company}/accounts/{number}", fields)

    def set_segment_value(self, company: str, segment: int, value: str, **fields: Any) -> Json:
        """Add a segment value or change it: ``description``, ``active``."""
        return self._object("PUT", f"/companies/{company}/segments/{segment}/values/{value}", fields)

    def set_period(self, company: str, key: str, **fields: Any) -> Json:
        """Change a period (YYYYPP): ``active, closed_in_supplier_ledger, closed_in_general_ledger``.

        A new one needs ``start`` and ``end``.
        """
        return self._object("PUT", f"/companies/{company}/periods/{key}", fields)

    def set_rate(self, company: str, currency: str, rate: str | None) -> Json:
        """Set an exchange rate, or take it away with None."""
        return self._object("PUT", f"/companies/{company}/rates/{currency}", {"rate": rate})

    def set_vat_category(self, company: str, category: str, **fields: Any) -> Json:
        """Add a VAT category or change it: ``description``, ``active``, ``vat``."""
        return self._object("PUT", f"/companies/{company}/vat-categories/{category}", fields)

    def preferences(self, company: str, **preferences: Any) -> Json:
        """Change Preferences (see deploy/sandbox/visma/models.py); gives all of them."""
        return self._object("PATCH", f"/companies/{company}/preferences", preferences)

    def company_settings(self, company: str, **settings: Any) -> Json:
        """Change VismaSettings (see deploy/sandbox/visma/models.py); gives all of them."""
        return self._object("PATCH", f"/companies/{company}/settings", settings)

    def change_client(self, company: str, client_id: str, **fields: Any) -> Json:
        """A client application's ``secret``, ``scopes``, and whether the company ``approved`` it."""
        return self._object("PATCH", f"/companies/{company}/clients/{client_id}", fields)

    def expire_tokens(self, company: str) -> int:
        """End every token of the company; gives how many."""
        return int(self._object("POST", f"/companies/{company}/expire-tokens")["ended"])

    # --- faults and time -----------------------------------------------------------------------

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

    # --- looking and waiting -------------------------------------------------------------------

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
        answer = self._object("GET", "/wait", query=query, timeout_s=timeout_s + _TIMEOUT_S)
        if not answer["reached"]:
            raise WaitTimeout(f"{what} {wanted}: {answer['count']} instead of {count} after {timeout_s} s")
        return int(answer["count"])

    def _on_bill(self, organization: str, bill_id: str, action: str, **body: Any) -> Json:
        return self._object("POST", f"/organizations/{organization}/bills/{bill_id}/{action}", body)

    def _on_invoice(self, company: str, type: str, number: str, action: str, **body: Any) -> Json:
        return self._object("POST", f"/companies/{company}/invoices/{type}/{number}/{action}", body)

    def _object(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        query: dict[str, str] | None = None,
        timeout_s: float = _TIMEOUT_S,
    ) -> Json:
        found: Json = self._call(method, path, body, query, timeout_s)
        return found

    def _list(self, path: str, query: dict[str, str] | None = None) -> list[Json]:
        found: list[Json] = self._call("GET", path, None, query)
        return found

    def _call(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        query: dict[str, str] | None = None,
        timeout_s: float = _TIMEOUT_S,
    ) -> Any:
        data = None if body is None else dumps(body).encode()
        response = self._http.request(method, self._url + path, data=data, params=query, timeout=timeout_s)
        answer = loads(response.content) if response.content else {}
        if response.status_code >= 400:
            raise ControlError(str(answer.get("error", response.status_code)))
        return answer
