"""What ``connector webhook status`` says: a tenant's subscription, and BILL's log beside what arrived."""

from __future__ import annotations

from typing import Any

from shared.bill.models import Subscription
from shared.bill.webhook_keys import WebhookKeys
from shared.store.pool import Conn
from shared.store.watermarks import find_watermark
from workers.cli.output import print_facts
from workers.cli.subscription import missing_events
from workers.sync.recover import KIND, SOURCE, Comparison, DeliveryLog


def compare(conn: Conn, report: dict[str, Any], log: DeliveryLog | None) -> dict[str, Any]:
    """What BILL's log adds to the ``report``; nothing of it where there is no log."""
    tenant = report["tenant"]
    watermark = find_watermark(conn, tenant, SOURCE, KIND) or {}
    compared = log.compare(watermark.get("position")) if log else None
    fetch = f"fetch what never arrived: run `connector webhook recover {tenant}`"
    return {
        "advice": report["advice"] or (fetch if compared and compared.missing else None),
        "last_recovery_at": watermark.get("last_complete_at"),
        "listed": compared.listed if compared else None,
        "missing": compared.missing if compared else None,
        "unreadable": compared.unreadable if compared else None,
        "notifications": count(compared) if compared else None,
    }


def count(compared: Comparison) -> str:
    """``missing 0 of 214``."""
    unreadable = f", {compared.unreadable} cannot be read" if compared.unreadable else ""
    return f"missing {compared.missing} of {compared.listed}{unreadable}"


def report_on(
    tenant: str, url: str | None, stored: WebhookKeys | None, found: tuple[Subscription, ...]
) -> dict[str, Any]:
    """The subscription that is ours out of those BILL ``found``, and what to do about it."""
    key_id = stored.subscription_id if stored else None
    ours = next((one for one in found if one.id == key_id), None)
    ours = ours or next((one for one in found if one.notification_url == url), None)
    return {
        "tenant": tenant,
        "subscription_id": ours.id if ours else None,
        "enabled": ours.enabled if ours else False,
        "notification_url": ours.notification_url if ours else None,
        "expected_url": url,
        "missing_events": missing_events(ours) if ours else [],
        "has_key": ours is not None and ours.id == key_id,
        "others": len(found) - (ours is not None),
        "advice": _advise(tenant, url, ours, has_key=ours is not None and ours.id == key_id),
    }


def _advise(tenant: str, url: str | None, ours: Subscription | None, *, has_key: bool) -> str | None:
    again = f"run `connector webhook subscribe {tenant}`"
    if ours is None:
        return f"BILL does not notify us: {again}"
    if not has_key:
        return f"its security key is not stored here: {again}"
    if url is not None and ours.notification_url != url:
        return f"BILL delivers elsewhere than PUBLIC_BASE_URL says: {again}"
    if not ours.enabled:
        return f"BILL switched delivery off after too many failures: run `connector webhook recover {tenant}`"
    if missing_events(ours):
        return "it lacks events: delete it in BILL and subscribe again"
    return None


def print_report(report: dict[str, Any]) -> None:
    """The report for people."""
    print_facts(
        [
            ("subscription", report["subscription_id"] or "none"),
            ("enabled", "yes" if report["enabled"] else "no"),
            ("delivers to", report["notification_url"]),
            ("missing events", ", ".join(report["missing_events"])),
            ("key stored", "yes" if report["has_key"] else "no"),
            ("last recovery", report["last_recovery_at"] or "never"),
            ("notifications", report["notifications"]),
            ("others of this organization", report["others"] or None),
            ("next", report["advice"]),
        ]
    )
