"""What happens to a document after entry: release, reverse, void, payment, attachments."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from decimal import Decimal

from deploy.sandbox.ids import Ids
from deploy.sandbox.visma.company import Company, invoice_key, touch
from deploy.sandbox.visma.errors import BusinessError
from deploy.sandbox.visma.models import Attachment, Invoice
from deploy.sandbox.visma.status import require_releasable, require_reversible, require_voidable


def finish_release(company: Company, invoice: Invoice, by: str) -> None:
    """The second half of a release: the document is posted, if it still may be."""
    still_there = company.invoices.get(invoice_key(invoice.type, invoice.number)) is invoice
    if not still_there or invoice.status not in ("Balanced", "Prebooked"):
        return
    _set_status(company, invoice, "Open", "released", by)
    if invoice.balance == 0:
        _set_status(company, invoice, "Closed", "closed", by)


def release(company: Company, invoice: Invoice, by: str) -> None:
    """Check and post at once, as a person sees it; raises BusinessError."""
    require_releasable(invoice.status)
    finish_release(company, invoice, by)


def reverse(company: Company, invoice: Invoice, by: str) -> Invoice:
    """A debit adjustment that mirrors the document, which itself stays as it is until applied."""
    require_reversible(invoice.status)
    now = company.stamps.next()
    mirror = replace(
        invoice,
        id=company.next_id(),
        type="DebitAdj",
        number=company.next_number("DebitAdj"),
        fields=dict(invoice.fields),
        lines=list(invoice.lines),
        status="Balanced",
        version=company.versions.next(),
        created_at=now,
        modified_at=now,
        balance=invoice.totals.amount,
        attachments=[],
        text=None,
    )
    company.invoices.add(invoice_key(mirror.type, mirror.number), mirror)
    company.note("created", mirror, by)
    return mirror


def void(company: Company, invoice: Invoice, by: str) -> None:
    """The document counts no longer."""
    require_voidable(invoice.status)
    invoice.balance = Decimal(0)
    _set_status(company, invoice, "Voided", "voided", by)


def pay(company: Company, invoice: Invoice, amount: Decimal | None, by: str) -> None:
    """Pay a released document, whole without an amount; fully paid it is Closed."""
    if invoice.status != "Open":
        raise BusinessError("Only an open document can be paid.")
    paid = invoice.balance if amount is None else amount
    if not 0 < paid <= invoice.balance:
        raise BusinessError("The amount paid is more than the balance.")
    invoice.balance -= paid
    _set_status(company, invoice, "Closed" if invoice.balance == 0 else "Open", "paid", by)


def attach(
    company: Company, ids: Ids, invoice: Invoice, name: str, content: bytes, line: int | None, by: str
) -> Attachment:
    """Add a file; the same name at the same place is a new revision."""
    digest = hashlib.sha256(content).hexdigest()
    found = Attachment(ids.guid(), name, 1, content, digest, line)
    others = []
    for known in invoice.attachments:
        if known.name == name and known.line == line:
            found = replace(known, revision=known.revision + 1, content=content, sha256=digest)
        else:
            others.append(known)
    invoice.attachments = [*others, found]
    company.attachments[found.id] = found
    touch(company, invoice)
    company.note("attached", invoice, by)
    return found


def _set_status(company: Company, invoice: Invoice, status: str, kind: str, by: str) -> None:
    invoice.status = status
    touch(company, invoice)
    company.note(kind, invoice, by)
