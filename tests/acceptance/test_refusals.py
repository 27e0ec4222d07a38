"""What is refused: strangers at our door, our credentials at theirs, documents that Visma does not want."""

from __future__ import annotations

import json

import pytest
import requests

from tests.acceptance.firm import Firm
from tests.command_line import run, run_json

pytestmark = pytest.mark.acceptance

KNOCKS = 8
"""So many in a row, that every process of the ingress has most likely been asked."""


def test_strangers_and_paused_tenants_get_the_same_answer_and_an_old_key_its_grace(
    firm: Firm, other_firm: Firm
) -> None:
    vendor_id = firm.sync_vendor()
    other_firm.sync_vendor()
    (body,), (other_body,) = firm.heard(), other_firm.heard()
    old_key = firm.keys[0]
    environ = dict(firm.stage.composition.environ)
    assert run(environ, "tenant", "pause", other_firm.id).exit_code == 0
    assert run(environ, "webhook", "rotate", firm.id).exit_code == 0
    new_key = firm.keys[0]
    assert new_key != old_key

    def is_known() -> bool:
        knocks = range(KNOCKS)
        return all(firm.post(body, key=new_key).ok for _ in knocks) and not any(
            other_firm.post(other_body).ok for _ in knocks
        )

    firm.until(is_known, "the ingress knows the new key and the pause")
    refused = [
        firm.post(body, key="not-the-key"),
        firm.post(b"not JSON", key=old_key[::-1]),
        firm.post(body, tenant="no-such-tenant"),
        other_firm.post(other_body),
    ]
    assert {seen(answer) for answer in refused} == {(401, b'{"status":"unauthorized"}', "application/json")}
    assert firm.post(body, key=old_key).status_code == 200
    firm.sync_bill(vendor_id, "F-1")
    assert len(other_firm.heard()) == 1


def seen(answer: requests.Response) -> tuple[int, bytes, str]:
    """What a stranger sees."""
    return answer.status_code, answer.content, answer.headers["Content-Type"]


@pytest.mark.parametrize("system", ["bill", "visma"])
def test_refused_credentials_suspend_the_tenant_until_new_ones_are_set(firm: Firm, system: str) -> None:
    vendor_id = firm.sync_vendor()
    firm.sync_bill(vendor_id, "F-0")
    change_password(firm, system)
    bills = [firm.create_bill(vendor_id, "F-1")]
    row = firm.until(lambda: find_suspended(firm), "the tenant is suspended")
    assert "refuses" in row
    attempts = firm.count_calls("bill", "/login") + firm.count_calls("token", "/token")

    bills.append(firm.create_bill(vendor_id, "F-2"))
    firm.control.wait("webhooks", organization=firm.organization, entity=bills[1], status=200)
    firm.until(lambda: firm.record("bill", bills[1]), "the event is a row")
    assert len(firm.invoices()) == 1
    assert firm.count_calls("bill", "/login") + firm.count_calls("token", "/token") == attempts

    environ = dict(firm.stage.composition.environ)
    done = run(environ, "credentials", "set", firm.id, system, stdin=json.dumps(firm.credentials[system]))
    assert done.exit_code == 0, done.stderr
    for bill_id in bills:
        firm.settle("bill", bill_id)
    assert sorted(one["supplierReference"] for one in firm.invoices()) == ["F-0", "F-1", "F-2"]
    assert find_suspended(firm) is None


def change_password(firm: Firm, system: str) -> None:
    """Someone changes a password and forgets to tell us."""
    if system == "bill":
        firm.password += "-new"
        firm.control.organization_access(firm.organization, passwords={firm.username: firm.password})
        firm.control.expire_sessions(firm.organization)
    else:
        firm.client_secret += "-new"
        firm.control.change_client(firm.company, firm.client_id, secret=firm.client_secret)
        firm.control.expire_tokens(firm.company)


def find_suspended(firm: Firm) -> str | None:
    """Why the tenant is suspended, if it is."""
    row = firm.conn.execute("SELECT suspended FROM tenants WHERE id = %s", (firm.id,)).fetchone()
    return row["suspended"] if row else None


def test_a_document_that_visma_refuses_for_good_ends_as_one_dead_letter_after_one_post(firm: Firm) -> None:
    vendor_id = firm.sync_vendor()
    firm.control.add_fault(
        "status",
        system="visma",
        tenant=firm.company,
        method="POST",
        route="/supplierInvoice",
        times=None,
        status=400,
        message="Dokumentet kan inte sparas: Kontakta din återförsäljare.",
    )
    bill_id = firm.create_bill(vendor_id, "F-1")
    firm.settle("bill", bill_id, "dead")

    environ = dict(firm.stage.composition.environ)
    (letter,) = run_json(environ, "dead-letters", "list", firm.id)
    shown = {name: letter[name] for name in ("tenant", "kind", "bill_id", "task", "state")}
    assert shown == {
        "tenant": firm.id,
        "kind": "bill",
        "bill_id": bill_id,
        "task": "connector.upsert_supplier_invoice",
        "state": "open",
    }
    assert "Kontakta din återförsäljare." in letter["error"]
    assert firm.calls()["POST /v1/supplierInvoice"] == 1

    firm.control.change_bill(firm.organization, bill_id, invoice={"invoiceNumber": "F-2"})
    firm.until(lambda: len(firm.heard()) == 3, "a later event became a row")
    row = firm.record("bill", bill_id)
    assert row is not None and row["state"] == "dead" and row["wanted"] > row["done"]
    assert firm.calls()["POST /v1/supplierInvoice"] == 1, "it waits behind its dead letter"
