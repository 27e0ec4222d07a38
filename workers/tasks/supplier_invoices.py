"""The task that makes one bill true."""

from __future__ import annotations

from celery import shared_task

from shared import queues
from workers.base import ConnectorTask
from workers.sync.supplier_invoice import upsert_supplier_invoice as upsert


@shared_task(name=queues.UPSERT_SUPPLIER_INVOICE, bind=True)
def upsert_supplier_invoice(self: ConnectorTask, tenant: str, bill_id: str) -> str:
    """Create or update the supplier invoice of a bill; one word for what came of it."""
    return self.make_true("bill", tenant, bill_id, upsert)
