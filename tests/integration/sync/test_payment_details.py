"""A payee's account is changed by people in Visma; the history says when BILL's has changed."""

from __future__ import annotations

import pytest

from tests.support.bench import Bench

pytestmark = pytest.mark.integration


def test_changed_payment_details_are_told_once_and_never_copied(bench: Bench) -> None:
    vendor = bench.add_vendor(paymentInformation={"payByType": "CHECK"})
    bench.sync()
    bench.force("vendor", vendor)
    writes = len(bench.effects())
    bench.change_vendor(vendor, paymentInformation={"payByType": "ACH"})
    bench.sync()
    bench.sync()
    told = [text for text in bench.details("vendor", vendor) if "payment details changed in BILL" in text]
    assert len(told) == 1
    assert len(bench.effects()) == writes
