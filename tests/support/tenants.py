"""Tenants for tests: the TOML text an operator would write, and the settings it is read into."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from shared.tenant_file import parse_tenant
from shared.tenants import TenantConfig

Table = Mapping[str, Any]

_BASE: dict[str, dict[str, Any]] = {
    "bill": {
        "base_url": "http://127.0.0.1:1/bill",
        "events_url": "http://127.0.0.1:1/events",
        "organization_id": "00801TESTORG00000001",
    },
    "visma": {
        "base_url": "http://127.0.0.1:1/visma",
        "token_url": "http://127.0.0.1:1/token",
        "tenant_id": "00000000-0000-4000-8000-000000000001",
        "company_id": "1234567",
    },
    "sync": {"bills_since": date(2026, 1, 1)},
    "limits": {},
    "mapping": {
        "supplier_class": "1",
        "country": "SE",
        "currency": "SEK",
        "vat_category": "25",
        "vat_category_exempt": "0",
        "account": "4000",
    },
}


def tenant_text(tenant: str, tables: Mapping[str, Table] | None = None) -> str:
    """A tenant's file; ``tables`` changes keys of it, None takes one out."""
    whole = {"tenant": {"id": tenant, "name": f"{tenant} AB"}, **_BASE}
    for name, changes in (tables or {}).items():
        merged = {**whole.get(name, {}), **changes}
        whole[name] = {key: value for key, value in merged.items() if value is not None}
    return "\n".join(line for name, table in whole.items() for line in _table(name, table)) + "\n"


def tenant_config(tenant: str = "acme", tables: Mapping[str, Table] | None = None) -> TenantConfig:
    """The settings that ``tenant_text`` is read into."""
    return parse_tenant(tenant_text(tenant, tables), source=f"{tenant}.toml")


def _table(name: str, table: Table) -> Iterator[str]:
    yield f"[{name}]"
    for key, value in table.items():
        if not isinstance(value, Mapping):
            yield f"{_key(key)} = {_value(value)}"
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _table(f"{name}.{_key(key)}", value)


def _key(key: str) -> str:
    return json.dumps(key)


def _value(value: Any) -> str:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(key)} = {_value(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
