"""Bills come in: with new vendors, before their approval, as a credit, and in another currency."""

from __future__ import annotations

from decimal import Decimal

from deploy.demo.chapters.proofs import prove_document
from deploy.demo.clients import ACME, NORDWIND
from deploy.demo.day import Day, since
from deploy.sandbox import seeds
from deploy.sandbox.countries import Country
from deploy.sandbox.jsonio import Json


def bring_morning_post(day: Day) -> None:
    """New vendors with bills of several lines; the vendor always goes first."""
    started = day.clock()
    freight = day.new_vendor(ACME, 1)
    office = day.new_vendor(NORDWIND, 0)
    transport = day.new_vendor(NORDWIND, 1)
    lines = [
        _line(seeds.SWEDEN, "Frakt vecka 42", "3120.50", "4000", "100"),
        _line(seeds.SWEDEN, "Lagerhyra oktober", "8400.00", "5010", "200"),
    ]
    bills = [
        (ACME, day.new_bill(ACME, freight, "2026-1187", billLineItems=lines)),
        (NORDWIND, day.new_bill(NORDWIND, office, "RK 4410", "618.75")),
        (NORDWIND, day.new_bill(NORDWIND, transport, "BT-903", "12480.00")),
    ]
    day.tell("Three vendors that Visma has never heard of are entered in BILL, each with an approved bill.")
    for client, bill in bills:
        day.wait_for_document(client, bill)
    day.control.clear_faults()
    day.tell(
        f"After {since(day, started)} Visma has three new suppliers and their three documents: one each, "
        "although BILL has sent every notification of this morning twice."
    )


def wait_for_approval(day: Day) -> None:
    """A bill that is not approved waits; its approval sends no notification and is found all the same."""
    vendor = day.get_vendor(ACME, "Östersunds Frakt & Åkeri AB")
    bill = day.new_bill(ACME, vendor, "2026-1190", "2300.00", approvalStatus="UNASSIGNED")
    other = day.get_vendor(NORDWIND, "Blåbjerg Transport A/S")
    waiting = day.new_bill(NORDWIND, other, "BT-904", "9900.00", approvalStatus="UNASSIGNED")
    for client, one in ((ACME, bill), (NORDWIND, waiting)):
        day.wait_for_state(client, "bill", one["id"], "waiting")
    day.story.waiting.add((NORDWIND.id, waiting["id"]))
    day.tell("Each client enters a bill that nobody has approved yet. Neither goes to Visma.")
    day.control.approve_bill(ACME.organization, bill["id"])
    started = day.clock()
    day.tell("Anna approves Acme's in BILL. BILL sends no notification for that.")
    day.wait_for_document(ACME, bill)
    day.tell(
        f"The connector looked for itself: {since(day, started)} later the bill is in Visma. "
        "Nordwind's still waits, and will at the end of the day."
    )


def bring_credit_and_euros(day: Day) -> None:
    """A negative bill becomes a debit adjustment; a German vendor's bill stays in euros, reverse charge."""
    started = day.clock()
    known = day.get_vendor(NORDWIND, "Rønne Kontorforsyning ApS")
    credit = day.new_bill(NORDWIND, known, "RK 4410-K", "-118.75")
    german = day.control.create_vendor(ACME.organization, _german_vendor())
    foreign = day.new_bill(ACME, german, "RE-20261", "480.00")
    day.tell(
        "Rønne Kontorforsyning credits 118.75 kroner, a bill with a minus in BILL. And Acme gets an invoice "
        "over 480 euros from Germany."
    )
    day.wait_for_document(NORDWIND, credit)
    document = day.wait_for_document(ACME, foreign)
    day.tell(
        f"After {since(day, started)} the credit is a debit adjustment in Visma. The German invoice is there "
        f"in euros at Visma's own rate of {Decimal(document['exchangeRate']):f}, with reverse charge as for "
        "all vendors in the EU."
    )
    day.story.promise(
        "the credit is a debit adjustment of 118.75",
        prove_document(NORDWIND, "RK 4410-K", {"documentType": "DebitAdj", "amount": Decimal("118.75")}),
    )
    day.story.promise(
        "the German invoice is in euros, and the VAT is reverse charge",
        prove_document(
            ACME,
            "RE-20261",
            {
                "currencyId": "EUR",
                "amount": Decimal(480),
                "supplierTaxZone": {"id": "02", "description": "EU"},
            },
        ),
    )


def _german_vendor() -> Json:
    return seeds.vendor(
        seeds.SWEDEN,
        0,
        name="Müller & Söhne Bürobedarf GmbH",
        email="rechnung@example.com",
        phone="+49 40 123456",
        billCurrency="EUR",
        address={
            "line1": "Große Straße 9",
            "city": "Hamburg",
            "zipOrPostalCode": "20095",
            "country": "DE",
        },
        additionalInfo={"taxId": "DE811111111"},
    )


def _line(country: Country, text: str, amount: str, account: str, centre: str) -> Json:
    classes = {
        "chartOfAccountId": seeds.account_id(country, account),
        "departmentId": seeds.department_id(country, centre),
    }
    return {"amount": Decimal(amount), "description": text, "classifications": classes}
