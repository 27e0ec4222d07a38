"""The shape of a tenant's file: every key, its kind, its limits. Defaults stand in ``shared.tenants``."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, ClassVar

from marshmallow import RAISE, Schema, ValidationError, fields, post_load, validates_schema

from shared.tenant_fields import MISSING, Choices, Day, Flag, Table, Text, Url, Whole, one_of
from shared.tenants import (
    AlertsConfig,
    BillConfig,
    CountryMapping,
    LimitsConfig,
    MappingConfig,
    SegmentMapping,
    SyncConfig,
    VismaConfig,
)

CLASSIFICATION_KEYS = (
    "chartOfAccountId",
    "accountingClassId",
    "departmentId",
    "locationId",
    "itemId",
    "jobId",
    "employeeId",
    "customerId",
)
"""The classifications a line or a bill can have (BILL reference: bills, fields)."""

MATCH_KEYS = ("account_reference", "corporate_id", "vat_registration_id", "name")
APPROVAL_STATUSES = ("UNASSIGNED", "ASSIGNED", "APPROVING", "APPROVED", "UNDEFINED")
"""BILL's approval statuses without DENIED, which is never carried over."""

_DAY_S = 86_400
_UNKNOWN = "unknown key"
_VAT = one_of(("gross", "none"))


class _TableSchema(Schema):
    """A table of the file; loads into ``target``, and names the key that was probably meant."""

    target: ClassVar[type[Any]] = dict
    error_messages = {"unknown": _UNKNOWN, "type": "must be a table"}  # noqa: RUF012 - marshmallow's own shape

    class Meta:
        unknown = RAISE

    def handle_error(self, error: ValidationError, data: Any, **kwargs: Any) -> None:
        """Say which key was probably meant."""
        known = [field.data_key or name for name, field in self.load_fields.items()]
        messages = error.messages if isinstance(error.messages, dict) else {}
        for key, problems in messages.items():
            near = difflib.get_close_matches(str(key), known, n=1)
            if problems == [_UNKNOWN] and near:
                messages[key] = [f"{_UNKNOWN}; did you mean {near[0]}?"]

    @post_load
    def _build(self, data: dict[str, Any], **_: Any) -> Any:
        return self.target(**data)


class _Tenant(_TableSchema):
    id = Text(r"[a-z0-9-]{1,40}", "1 to 40 of a-z, 0-9 and -", required=True)
    name = Text(required=True)
    locale = Text(r"[a-z]{2,3}_[A-Z]{2}", "a locale such as sv_SE")


class _Bill(_TableSchema):
    target = BillConfig
    base_url = Url(required=True)
    events_url = Url(required=True)
    organization_id = Text(r"[A-Za-z0-9_-]{1,64}", "BILL's organization id", required=True)


class _Visma(_TableSchema):
    target = VismaConfig
    base_url = Url(required=True)
    token_url = Url(required=True)
    tenant_id = Text(required=True)
    company_id = Text(r"[!-~]+", "a company id without spaces", required=True)


class _Sync(_TableSchema):
    target = SyncConfig
    bills_since = Day(required=True)
    unmatched_vendors = Text(validate=one_of(("create", "hold")))
    match_suppliers_by = Choices(MATCH_KEYS)
    approval_statuses = Choices(APPROVAL_STATUSES)
    poll_interval_s = Whole(1, 31 * _DAY_S)
    poll_overlap_s = Whole(0, 31 * _DAY_S)
    sweep_interval_s = Whole(1, 366 * _DAY_S)
    sweep_days = Whole(1, 3660)
    release_invoices = Flag()
    hold = Flag()
    attachments = Flag()
    archived_vendors = Text(validate=one_of(("leave", "on_hold")))
    closed_period = Text(validate=one_of(("hold", "next_open")))
    update_matched_suppliers = Flag()
    adopt_existing = Flag()
    payments = Text(validate=one_of(("bill", "visma")))


class _Limits(_TableSchema):
    target = LimitsConfig
    bill_concurrency = Whole(1, 100)
    bill_calls_per_hour = Whole(1)
    visma_calls_per_hour = Whole(1)
    visma_concurrency = Whole(1, 100)
    visma_request_cap_s = Whole(1, _DAY_S)


class _Alerts(_TableSchema):
    target = AlertsConfig
    lag_s = Whole(1, 366 * _DAY_S)
    dead_letters = Whole(1)
    held = Whole(1)


class _Country(_TableSchema):
    target = CountryMapping
    supplier_class = Text()
    vat_zone = Text()
    vat = Text(validate=_VAT)
    vat_category = Text()


class _Segment(_TableSchema):
    target = SegmentMapping
    segment = Whole(1, required=True)
    source = Text(data_key="from", required=True, validate=one_of(CLASSIFICATION_KEYS))
    default = Text()
    values = Table(Text())


class _Mapping(_TableSchema):
    target = MappingConfig
    supplier_class = Text(required=True)
    currency = Text(r"[A-Z]{3}", "an ISO currency such as SEK", required=True)
    vat_category = Text(required=True)
    vat = Text(validate=_VAT)
    vat_category_exempt = Text()
    country = Text(r"[A-Z]{2}", "an ISO country such as SE")
    account = Text()
    branch = Text()
    accounts = Table(Text())
    vat_categories = Table(Text())
    countries = Table(
        fields.Nested(_Country), Text(r"[A-Z]{2}|OTHER", "an ISO country such as NO, or EU, or OTHER")
    )
    credit_terms = Table(Text())
    segments = fields.List(
        fields.Nested(_Segment), error_messages={"invalid": "must be tables [[mapping.segments]]"}
    )
    suppliers = Table(Text())

    @validates_schema(skip_on_field_errors=False)
    def _require_exempt(self, data: Mapping[str, Any], **_: Any) -> None:
        entries = data.get("countries", {}).values()
        used = data.get("vat") == "none" or any(entry.vat == "none" for entry in entries)
        if used and "vat_category_exempt" not in data:
            raise ValidationError(f'{MISSING}, and needed where vat = "none"', "vat_category_exempt")

    @validates_schema(skip_on_field_errors=False)
    def _require_order(self, data: Mapping[str, Any], **_: Any) -> None:
        numbers = [getattr(entry, "segment", None) for entry in data.get("segments", [])]
        if None not in numbers and numbers != list(range(1, len(numbers) + 1)):
            raise ValidationError("must be numbered 1, 2, 3 in order", "segments")

    @post_load
    def _build(self, data: dict[str, Any], **_: Any) -> Any:
        return MappingConfig(**{**data, "segments": tuple(data.get("segments", ()))})


class TenantSchema(_TableSchema):
    """The whole file. Loads into a dict of its tables."""

    tenant = fields.Nested(_Tenant)
    bill = fields.Nested(_Bill)
    visma = fields.Nested(_Visma)
    sync = fields.Nested(_Sync)
    limits = fields.Nested(_Limits)
    alerts = fields.Nested(_Alerts)
    mapping = fields.Nested(_Mapping)
