"""One bill of the month beside its documents in Visma. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from shared.bill.models import Bill
from shared.visma.models import SupplierInvoice
from workers.close.document import contrast
from workers.close.expected import expect_document
from workers.close.models import VOIDED, Difference, Facts, Known, Notice, Side, show_amount, show_key, signed
from workers.mapping.keys import fold_reference
from workers.sync.judge import judge_bill

_UNRELEASED = frozenset({"Hold", "Balanced", "Prebooked"})


@dataclass(slots=True)
class Found:
    """What comparing one bill gave."""

    sides: list[Side] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)


def compare_bill(facts: Facts, bill: Bill, documents: Sequence[SupplierInvoice]) -> Found:
    """A bill whose invoice date is in the month, beside the documents that are its own."""
    job = _Job(facts, bill, documents)
    verdict = judge_bill(bill, facts.tenant)
    if verdict.decision in ("go", "held"):
        job.compare_approved()
    else:
        job.compare_unwanted(verdict.detail or verdict.decision, waits=verdict.decision == "waiting")
    return job.found


class _Job:
    """One bill on its way through the comparison."""

    def __init__(self, facts: Facts, bill: Bill, documents: Sequence[SupplierInvoice]) -> None:
        self.facts, self.bill = facts, bill
        self.known = facts.known.get(bill.id)
        self.alive = [document for document in documents if document.status != VOIDED]
        self.voided = [document for document in documents if document.status == VOIDED]
        self.expected = expect_document(facts, bill)
        self.found = Found()

    def compare_approved(self) -> None:
        """The bill must stand in Visma once, and be equal."""
        self._note_state()
        if not self.alive:
            self._differ("missing in Visma", self._show_bill(), self._why_missing())
            self._add_side(None, "missing in Visma")
            return
        main = self._choose_main()
        self._compare_several(main)
        for one in contrast(self.expected, main, self.facts.supplier_names):
            if one.coding and self._is_adopted(main):
                self._note(
                    "adopted",
                    f"entered by a person in Visma: {one.what} BILL {one.bill}, Visma {one.visma}",
                    main,
                )
            else:
                self._differ(one.what, one.bill, one.visma, main)
        self._compare_period(main)
        self._note_unreleased(main)
        self._add_side(main, "differs" if self.found.differences else "equal")

    def compare_unwanted(self, why: str, *, waits: bool) -> None:
        """The bill must not stand in Visma, or on hold only while its approval was withdrawn."""
        if not self.alive:
            if waits:
                self._note("waiting", f"not carried over: {why}")
            return
        for document in self.alive:
            if waits and document.hold and document.status == "Hold":
                told = f"{_describe(document)}, until it is approved again: {why}"
                self._note("withdrawn", told, document)
                self._add_side(None, "withdrawn", wanted=False)
            else:
                self._differ("status", why, _describe(document), document)
                self._add_side(document, "differs", wanted=False)

    def _choose_main(self) -> SupplierInvoice:
        """The document our row names, else the first that is of the right type."""
        key = self.known.key if self.known else None
        fitting = [one for one in self.alive if one.document_type == self.expected.document_type]
        by_row = [one for one in self.alive if (one.document_type, one.number) == key]
        return (by_row or fitting or self.alive)[0]

    def _compare_several(self, main: SupplierInvoice) -> None:
        others = [one for one in self.alive if one is not main]
        reversals = [one for one in others if _reverses(one, main)]
        for one in reversals:
            reversed_by = f"{_name(main)} is reversed by {_name(one)}, {one.status}"
            self._differ("status", "approved", reversed_by, main)
            self._add_side(one, "differs", wanted=False)
        doubles = [one for one in others if one not in reversals]
        if doubles:
            both = " and ".join(f"{_name(one)} ({_amount(one)})" for one in (main, *doubles))
            self._differ("doubled", self._show_bill(), f"{both} carry this bill's marker", main)
        for one in doubles:
            self._add_side(one, "differs", wanted=False)
        self._compare_loose(main)

    def _compare_loose(self, main: SupplierInvoice) -> None:
        """A document that a person entered for the same supplier under the same number."""
        place = (main.supplier_number.strip(), fold_reference(main.supplier_reference))
        if not place[1]:
            return
        for loose in self.facts.loose.get(place, ()):
            if loose.key[0] == main.document_type and loose.key != (main.document_type, main.number):
                self._differ(
                    "doubled",
                    self._show_bill(),
                    f"{_name(main)}, and {show_key(loose.key)} ({show_amount(loose.amount, loose.currency)}) "
                    "that a person entered with the same number",
                    main,
                )

    def _compare_period(self, main: SupplierInvoice) -> None:
        own, actual = self.expected.period, main.fields.get("financialPeriod")
        if own is None or actual is None or own == actual:
            return
        next_open = self.facts.tenant.sync.closed_period == "next_open"
        if next_open or (self.known is not None and self.known.written_period == actual):
            self._note(
                "other_period", f"dated in period {own}, posted into {actual} since {own} was closed", main
            )
        elif main.date == self.bill.invoice_date:  # else it follows from the date, which is named
            self._differ("period", own, str(actual), main)

    def _note_state(self) -> None:
        known = self.known
        if known is not None and known.state in ("held", "dead", "waiting", "pending"):
            why = ": ".join(filter(None, (known.reason, known.detail)))
            self._note(known.state, f"{known.state}: {why}" if why else known.state)

    def _note_unreleased(self, main: SupplierInvoice) -> None:
        if main.status in _UNRELEASED:
            what = "on hold" if main.status == "Hold" else "not released yet"
            self._note("not_released", f"{_name(main)} is {what} in Visma", main)

    def _why_missing(self) -> str:
        if self.voided:
            return f"{' and '.join(map(_name, self.voided))} is voided"
        known = self.known
        if known is None:
            return "nothing; the connector has not seen the bill yet"
        if known.key is not None:
            return f"nothing; {show_key(known.key)} was deleted in Visma"
        return f"nothing; {_explain(known)}"

    def _is_adopted(self, document: SupplierInvoice) -> bool:
        known = self.known
        is_ours = known is not None and known.key == (document.document_type, document.number)
        return is_ours and known is not None and known.adopted

    def _show_bill(self) -> str:
        return f"{show_amount(self.bill.amount, self.expected.currency)}, approved"

    def _differ(self, what: str, bill: str, visma: str, document: SupplierInvoice | None = None) -> None:
        number = document.number if document else self._known_number()
        self.found.differences.append(
            Difference(self.bill.id, self.bill.invoice_number, number, what, bill, visma)
        )

    def _note(self, kind: str, what: str, document: SupplierInvoice | None = None) -> None:
        number = document.number if document else self._known_number()
        self.found.notices.append(Notice(kind, what, self.bill.id, self.bill.invoice_number, number))

    def _known_number(self) -> str | None:
        return self.known.key[1] if self.known and self.known.key else None

    def _add_side(self, document: SupplierInvoice | None, verdict: str, *, wanted: bool = True) -> None:
        """One line of the proof; ``wanted`` False for a document that no bill asks for."""
        bill, expected = self.bill, self.expected
        vendor = self.facts.vendors.get(bill.vendor_id)
        self.found.sides.append(
            Side(
                bill_id=bill.id,
                reference=bill.invoice_number,
                date=bill.invoice_date,
                supplier=vendor.name if vendor else bill.vendor_name,
                supplier_number=self.facts.supplier_numbers.get(bill.vendor_id),
                currency=expected.currency,
                bill_amount=bill.amount if wanted else None,
                visma_amount=signed(document) if document else None,
                visma_number=_name(document) if document else None,
                visma_status=document.status if document else None,
                verdict=verdict,
            )
        )


def describe_outside(bill: Bill, document: SupplierInvoice) -> Notice:
    """A document posted into the month's period whose bill and date are of another month."""
    period = document.fields.get("financialPeriod")
    return Notice(
        "other_period",
        f"{_name(document)} is posted into period {period} and dated {document.date}: it belongs to the "
        f"bill of {bill.invoice_date}",
        bill.id,
        bill.invoice_number,
        document.number,
    )


def _reverses(one: SupplierInvoice, main: SupplierInvoice) -> bool:
    return one.document_type != main.document_type and one.amount == main.amount


def _explain(known: Known) -> str:
    why = ": ".join(filter(None, (known.reason, known.detail)))
    words = {
        "waiting": "approved since the connector last looked; it goes on by itself",
        "pending": f"not carried over yet{f' ({why})' if why else ''}",
        "dead": f"failed for good: {why}; see `connector dead-letters list`",
        "ignored": f"ignored when it was last looked at: {why}",
    }
    return words.get(known.state, f"{known.state}: {why}")


def _name(document: SupplierInvoice) -> str:
    return show_key((document.document_type, document.number))


def _amount(document: SupplierInvoice) -> str:
    return show_amount(document.amount, document.currency_id)


def _describe(document: SupplierInvoice) -> str:
    return f"{_name(document)}, {_amount(document)}, {document.status}"
