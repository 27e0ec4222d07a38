"""Documents of bills on real processes: all of them arrive, once, and harm nobody when they cannot."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping

import pytest

from shared import queues
from shared.store import attachments
from shared.store.watermarks import poll_now
from tests.acceptance.firm import Firm

pytestmark = pytest.mark.acceptance

DOCUMENTS: Mapping[str, bytes] = {
    "Räkning №7 – åäö 請求書.pdf": b"%PDF-1.7 seven",
    "ritning.pdf": os.urandom(1024) * 8 * 1024,
    "foto (1).jpg": os.urandom(90_000),
}


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def add_approved(firm: Firm, number: str, documents: Mapping[str, bytes]) -> str:
    """A bill that has its documents before it is approved; its id, once it is in Visma."""
    bill_id = firm.create_bill(firm.create_vendor(), number, approvalStatus="UNASSIGNED")
    firm.settle("bill", bill_id, "waiting")
    for name, content in documents.items():
        firm.control.add_document(firm.organization, bill_id, name, content)
    firm.control.approve_bill(firm.organization, bill_id)
    poll_now(firm.conn, firm.id)
    firm.settle("bill", bill_id)
    return bill_id


def arrived(firm: Firm) -> list[tuple[str, str, int]]:
    """Name, digest and revision of every file in Visma."""
    files = firm.control.company_state(firm.company, "attachments")
    return sorted((file["name"], file["sha256"], int(file["revision"])) for file in files)


def wait_copied(firm: Firm, bill_id: str) -> None:
    def is_copied() -> bool:
        return attachments.all_copied(firm.conn, firm.id, bill_id)

    firm.until(is_copied, f"the documents of {bill_id}")


def test_documents_arrive_once_though_an_answer_and_a_download_are_lost(firm: Firm) -> None:
    firm.apply(attachments=True)
    upload = {"system": "visma", "tenant": firm.company, "route": "/attachment$"}
    firm.control.add_fault("drop", **upload)
    firm.control.add_fault("truncate", system="bill", route="/downloads/", keep_bytes=100)
    bill_id = add_approved(firm, "2026-3001", DOCUMENTS)
    wait_copied(firm, bill_id)
    expected = sorted((name, digest(content), 1) for name, content in DOCUMENTS.items())
    assert arrived(firm) == expected
    assert [kind for kind, *_ in firm.effects()] == ["created"] * 2 + ["attached"] * 3

    late = b"added later"
    firm.control.add_document(firm.organization, bill_id, "ritning.pdf", late)
    poll_now(firm.conn, firm.id)  # the sweep is due with the others
    firm.until(lambda: len(arrived(firm)) == 4, "the document that was added later")
    wait_copied(firm, bill_id)
    assert arrived(firm) == sorted([*expected, ("ritning (2).pdf", digest(late), 1)])


def test_a_refused_document_becomes_a_dead_letter_and_its_bill_does_not(firm: Firm) -> None:
    firm.apply(attachments=True)
    firm.control.add_fault(
        "status", system="visma", tenant=firm.company, route="/attachment$", status=400, message="Too odd."
    )
    bill_id = add_approved(firm, "2026-3002", {"a.pdf": b"a"})
    query = "SELECT task, bill_id, error FROM dead_letters WHERE tenant = %s AND state = 'open'"
    letter = firm.until(lambda: firm.conn.execute(query, (firm.id,)).fetchone(), "the dead letter")
    assert (letter["task"], letter["bill_id"]) == (queues.COPY_ATTACHMENTS, bill_id)
    assert "a.pdf: Visma refused it" in letter["error"]
    assert firm.settle("bill", bill_id)["state"] == "synced"
    assert not attachments.all_copied(firm.conn, firm.id, bill_id)
    attachments.want(firm.conn, firm.id, bill_id, forced=True)
    wait_copied(firm, bill_id)
    assert arrived(firm) == [("a.pdf", digest(b"a"), 1)]
    assert firm.conn.execute(query, (firm.id,)).fetchone() is None
