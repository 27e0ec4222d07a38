"""The task that makes one vendor true."""

from __future__ import annotations

from celery import shared_task

from shared import queues
from workers.base import ConnectorTask
from workers.sync.supplier import upsert_supplier as upsert


@shared_task(name=queues.UPSERT_SUPPLIER, bind=True)
def upsert_supplier(self: ConnectorTask, tenant: str, vendor_id: str) -> str:
    """Create or update the supplier of a vendor; one word for what came of it."""
    return self.make_true("vendor", tenant, vendor_id, upsert)
