"""Events in any number and any order: repeated, late, too early, missing, or in the middle of the work."""

from __future__ import annotations

import json
import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.acceptance.firm import Firm, difference

pytestmark = pytest.mark.acceptance


def test_every_event_ten_times_in_any_order_changes_nothing_more(firm: Firm) -> None:
    vendors = [firm.create_vendor(place) for place in range(3)]
    bills = [firm.create_bill(vendor, f"F-{vendor[-4:]}-{n}") for vendor in vendors for n in range(2)]
    for bill in bills:
        firm.settle("bill", bill)
    firm.control.change_vendor(firm.organization, vendors[0], name="Nytt Namn AB")
    firm.until(lambda: firm.effects()[-1][:2] == ("updated", "supplier"), "the new name")
    firm.settle("vendor", vendors[0])
    events = firm.heard()
    assert len(events) == 10, "three vendors, six bills, one change"
    effects, calls = firm.effects(), firm.calls()

    repeated = events * 10
    random.Random(7).shuffle(repeated)
    with ThreadPoolExecutor(8) as posting:
        answers = list(posting.map(firm.post, repeated))
    # The same content under new event ids: BILL may be asked again, Visma not.
    fresh = [renamed(body, number) for number, body in enumerate(events)]
    answers += [firm.post(body) for body in fresh]

    assert {answer.status_code for answer in answers} == {200}
    firm.until(lambda: set(fresh) <= set(firm.heard()), "the last events became rows")
    firm.until(lambda: count_due(firm) == 0, "nothing is left to do")
    assert firm.effects() == effects
    spent = difference(calls, firm.calls())
    assert set(spent) <= {"GET /v3/bills/{id}"}, "not one call to Visma"
    assert spent.get("GET /v3/bills/{id}", 0) <= len(bills)


def renamed(body: bytes, number: int) -> bytes:
    """The notification under another event id."""
    content = json.loads(body)
    content["metadata"]["eventId"] = f"again-{number}"
    return json.dumps(content, ensure_ascii=False).encode()


def count_due(firm: Firm) -> int:
    """How many of the tenant's records have work left."""
    query = "SELECT count(*) AS count FROM records WHERE tenant = %s AND wanted > done"
    row = firm.conn.execute(query, (firm.id,)).fetchone()
    return int(row["count"]) if row else 0


def test_a_bill_that_comes_before_its_vendor_follows_it(firm: Firm) -> None:
    firm.control.add_fault("reorder_hooks", tenant=firm.organization, times=2, count=2)
    vendor_id = firm.create_vendor()
    bill_id = firm.create_bill(vendor_id, "F-1")

    firm.settle("bill", bill_id)
    types = [json.loads(body)["metadata"]["eventType"] for body in firm.heard()]
    assert types == ["bill.created", "vendor.created"]
    assert [(kind, entity) for kind, entity, _ in firm.effects()] == [
        ("created", "supplier"),
        ("created", "supplierInvoice"),
    ]


def test_a_vendor_that_was_never_announced_is_fetched_for_its_bill(firm: Firm) -> None:
    firm.control.add_fault("drop_hook", tenant=firm.organization, route="vendor", times=None)
    vendor_id = firm.create_vendor()
    bill_id = firm.create_bill(vendor_id, "F-1")

    firm.settle("bill", bill_id)
    assert [(kind, entity) for kind, entity, _ in firm.effects()] == [
        ("created", "supplier"),
        ("created", "supplierInvoice"),
    ]
    assert firm.calls()["GET /v3/vendors/{id}"] == 1


def test_an_unapproved_bill_waits_until_a_poll_finds_it_approved(firm: Firm) -> None:
    vendor_id = firm.sync_vendor()
    bill_id = firm.create_bill(vendor_id, "F-1", approvalStatus="ASSIGNED")
    firm.settle("bill", bill_id, "waiting")
    assert firm.invoices() == []

    heard = len(firm.heard())
    firm.control.approve_bill(firm.organization, bill_id)
    firm.apply(poll_interval_s=1)
    firm.settle("bill", bill_id)
    assert [one["supplierReference"] for one in firm.invoices()] == ["F-1"]
    assert len(firm.heard()) == heard, "BILL sends no webhook for an approval"


def test_an_older_version_that_comes_late_never_overwrites_a_newer_one(firm: Firm) -> None:
    vendor_id = firm.sync_vendor(name="Gamla Namnet AB")
    bill_id = firm.sync_bill(vendor_id, "F-1")
    old = [renamed(body, number) for number, body in enumerate(firm.heard())]
    firm.control.change_vendor(firm.organization, vendor_id, name="Nya Namnet AB")
    firm.control.change_bill(firm.organization, bill_id, invoice={"invoiceNumber": "F-2"})
    firm.until(lambda: len(firm.effects()) == 4, "both changes")
    effects, calls = firm.effects(), firm.calls()

    for body in old:
        assert firm.post(body).status_code == 200
    firm.until(lambda: set(old) <= set(firm.heard()), "the old versions became rows")
    firm.until(lambda: count_due(firm) == 0, "nothing is left to do")
    assert (firm.effects(), firm.calls()) == (effects, calls)
    assert firm.suppliers()[0]["name"] == "Nya Namnet AB"
    assert firm.invoices()[0]["supplierReference"] == "F-2"


@pytest.mark.parametrize("kind", ["vendor", "bill"])
def test_an_event_that_arrives_while_its_row_is_worked_on_is_not_lost(firm: Firm, kind: str) -> None:
    vendor_id = firm.sync_vendor()
    record_id = vendor_id if kind == "vendor" else firm.sync_bill(vendor_id, "F-1")
    heard = len(firm.heard())
    firm.control.add_fault("latency", system="visma", tenant=firm.company, method="PUT", seconds=2)

    rename(firm, kind, record_id, "first")
    firm.until(lambda: is_claimed(firm, kind, record_id), "a worker at it")
    rename(firm, kind, record_id, "second")
    firm.until(lambda: len(firm.heard()) == heard + 2, "both events as rows")
    assert is_claimed(firm, kind, record_id), "the second came while the first was worked on"

    firm.settle(kind, record_id)
    shown = firm.suppliers()[0]["name"] if kind == "vendor" else firm.invoices()[0]["supplierReference"]
    assert shown == "second"


def rename(firm: Firm, kind: str, record_id: str, word: str) -> None:
    """Change a vendor's name or a bill's number."""
    if kind == "vendor":
        firm.control.change_vendor(firm.organization, record_id, name=word)
    else:
        firm.control.change_bill(firm.organization, record_id, invoice={"invoiceNumber": word})


def is_claimed(firm: Firm, kind: str, record_id: str) -> bool:
    """Whether a worker is at it right now."""
    row = firm.record(kind, record_id)
    return row is not None and row["claim_token"] is not None
