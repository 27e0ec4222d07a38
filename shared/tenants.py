"""A tenant: one BILL organization paired with one Visma.net company, and its settings.

The settings come from a TOML file without secrets; ``shared.tenant_file`` reads and checks it. What
each key means to an accountant is told in the README and in the comments of a sample file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

Vat = Literal["gross", "none"]


@dataclass(frozen=True, slots=True)
class BillConfig:
    """Where the tenant's BILL organization is; calls go to ``{base_url}/v3/...``."""

    base_url: str
    events_url: str
    organization_id: str


@dataclass(frozen=True, slots=True)
class VismaConfig:
    """Where the tenant's Visma company is; ``company_id`` is sent as ``ipp-company-id`` on every call."""

    base_url: str
    token_url: str
    tenant_id: str
    company_id: str


@dataclass(frozen=True, slots=True)
class SyncConfig:
    """What is carried over, when, and what happens to what does not fit. Durations in seconds."""

    bills_since: date
    unmatched_vendors: Literal["create", "hold"] = "create"
    match_suppliers_by: tuple[str, ...] = ("account_reference", "corporate_id", "vat_registration_id", "name")
    approval_statuses: tuple[str, ...] = ("APPROVED",)
    poll_interval_s: int = 300
    poll_overlap_s: int = 600
    sweep_interval_s: int = 86400
    sweep_days: int = 30
    release_invoices: bool = False
    hold: bool = False
    attachments: bool = True
    archived_vendors: Literal["leave", "on_hold"] = "leave"
    closed_period: Literal["hold", "next_open"] = "hold"
    update_matched_suppliers: bool = True
    adopt_existing: bool = True
    payments: Literal["bill", "visma"] = "bill"


@dataclass(frozen=True, slots=True)
class LimitsConfig:
    """How hard the tenant's two systems may be worked."""

    bill_concurrency: int = 3
    bill_calls_per_hour: int = 20000
    visma_calls_per_hour: int = 15000
    visma_concurrency: int = 1
    visma_request_cap_s: int = 240


@dataclass(frozen=True, slots=True)
class AlertsConfig:
    """Where an alert is raised: lag in seconds, and counts."""

    lag_s: int = 3600
    dead_letters: int = 1
    held: int = 50


@dataclass(frozen=True, slots=True)
class CountryMapping:
    """What differs for vendors of a foreign country; None means as at home."""

    supplier_class: str | None = None
    vat_zone: str | None = None
    vat: Vat | None = None
    vat_category: str | None = None


@dataclass(frozen=True, slots=True)
class SegmentMapping:
    """How one segment of the subaccount is found: the BILL classification ``source`` through ``values``."""

    segment: int
    source: str
    values: Mapping[str, str] = field(default_factory=dict)
    default: str | None = None


@dataclass(frozen=True, slots=True)
class MappingConfig:
    """How BILL's words become Visma's. None means the key was left out."""

    supplier_class: str
    currency: str
    vat_category: str
    vat: Vat = "gross"
    vat_category_exempt: str | None = None
    country: str | None = None
    account: str | None = None
    branch: str | None = None
    accounts: Mapping[str, str] = field(default_factory=dict)
    vat_categories: Mapping[str, str] = field(default_factory=dict)
    countries: Mapping[str, CountryMapping] = field(default_factory=dict)
    credit_terms: Mapping[str, str] = field(default_factory=dict)
    segments: tuple[SegmentMapping, ...] = ()
    suppliers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TenantConfig:
    """The whole of a tenant's file."""

    id: str
    name: str
    bill: BillConfig
    visma: VismaConfig
    sync: SyncConfig
    mapping: MappingConfig
    locale: str = "sv_SE"
    limits: LimitsConfig = field(default_factory=LimitsConfig)
    alerts: AlertsConfig = field(default_factory=AlertsConfig)
