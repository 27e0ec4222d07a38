"""A worker that is frozen between announcing a write and sending it wakes when the record is another's."""

from __future__ import annotations

import time
from typing import Any

import pytest

from shared.store import records
from shared.store.pool import Conn
from shared.store.records import Due, Record, Urgency
from tests.support.bench import Bench
from tests.support.rows import expire_claim

pytestmark = pytest.mark.integration

FROZEN_S = 61.0
"""Longer than a claim lasts."""


class Freezer:
    """Freezes the worker right after it prolonged its claim; another takes the record meanwhile."""

    def __init__(self, bench: Bench, due: Due, patch: pytest.MonkeyPatch) -> None:
        self.bench, self.due = bench, due
        self.taken: Record | None = None
        self._extend, self._monotonic = records.extend, time.monotonic
        self._slept_s = 0.0
        patch.setattr(records, "extend", self._extend_and_freeze)
        patch.setattr(time, "monotonic", lambda: self._monotonic() + self._slept_s)

    def _extend_and_freeze(self, conn: Conn, record: Record, intention: dict[str, Any] | None) -> None:
        self._extend(conn, record, intention)
        self._slept_s += FROZEN_S
        with self.bench.conn() as other:
            expire_claim(other, self.due.bill_id)
            self.taken = records.claim(other, self.due)


@pytest.mark.parametrize("change", [False, True], ids=["create", "update"])
def test_it_writes_neither_to_visma_nor_to_the_row(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, change: bool
) -> None:
    bill = bench.add_bill(bench.add_vendor())
    bench.poll()
    if change:
        bench.work_off()
        bench.change_bill(bill, dueDate="2026-12-24")
        bench.poll("bill")
    else:
        bench.run("vendor", bench.record("bill", bill).vendor_id or "")
    before = bench.effects()

    with monkeypatch.context() as patch:
        freezer = Freezer(bench, Due(bench.tenant, "bill", bill, Urgency.WEBHOOK), patch)
        bench.run("bill", bill)
    assert freezer.taken is not None
    assert bench.effects() == before
    row = bench.record("bill", bill)
    assert row.claim_token == freezer.taken.claim_token
    assert row.intention is not None, "the other one looks first"
