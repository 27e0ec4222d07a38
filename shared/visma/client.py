"""Visma.net ERP's API as far as the sync needs it: suppliers, supplier invoices, reference lists."""

from __future__ import annotations

from shared.visma.attachments import AttachmentCalls
from shared.visma.lists import ListCalls
from shared.visma.supplier_invoices import SupplierInvoiceCalls
from shared.visma.suppliers import SupplierCalls


class VismaClient(SupplierCalls, SupplierInvoiceCalls, AttachmentCalls, ListCalls):
    """Everything the connector asks of one tenant's Visma company."""
