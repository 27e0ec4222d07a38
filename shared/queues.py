"""Queues and tasks by name, and the one set of Celery settings that every process shares.

The ingress knows tasks only by these names. Celery on Redis carries nudges: what is to be done is
in the event stream and in PostgreSQL, so a lost or doubled message costs time, never a record.
"""

from __future__ import annotations

from typing import Any, Final

from celery import Celery

INTAKE: Final = "intake"
WEBHOOKS: Final = "webhooks"
POLLS: Final = "polls"
BACKFILL: Final = "backfill"
CONTROL: Final = "control"

QUEUES: Final = (CONTROL, INTAKE, WEBHOOKS, POLLS, BACKFILL)
"""All queues in the order in which a free worker looks into them."""

DRAIN_EVENTS: Final = "connector.drain_events"
TICK: Final = "connector.tick"
POLL_BILL: Final = "connector.poll_bill"
POLL_VISMA: Final = "connector.poll_visma"
READ_WAITING: Final = "connector.read_waiting"
SWEEP: Final = "connector.sweep"
SYNC_TENANT: Final = "connector.sync_tenant"
UPSERT_SUPPLIER: Final = "connector.upsert_supplier"
UPSERT_SUPPLIER_INVOICE: Final = "connector.upsert_supplier_invoice"
RECOVER_EVENTS: Final = "connector.recover_events"
COPY_ATTACHMENTS: Final = "connector.copy_attachments"
REPLAY_DEAD_LETTER: Final = "connector.replay_dead_letter"
SEAL_HISTORY: Final = "connector.seal_history"

ROUTES: Final = {
    DRAIN_EVENTS: INTAKE,
    TICK: CONTROL,
    POLL_BILL: POLLS,
    POLL_VISMA: POLLS,
    READ_WAITING: POLLS,
    SWEEP: BACKFILL,
    SYNC_TENANT: BACKFILL,
    UPSERT_SUPPLIER: WEBHOOKS,
    UPSERT_SUPPLIER_INVOICE: WEBHOOKS,
    RECOVER_EVENTS: INTAKE,
    COPY_ATTACHMENTS: POLLS,
    REPLAY_DEAD_LETTER: CONTROL,
    SEAL_HISTORY: CONTROL,
}
"""Where a task goes unless its sender names another queue, as dispatching upserts does."""

TASK_SOFT_TIME_LIMIT_S: Final = 90
TASK_TIME_LIMIT_S: Final = 120
MAX_COUNTDOWN_S: Final = 60
COPYING_SOFT_TIME_LIMIT_S: Final = 240
"""A run begins a further document for half a minute only; then one goes down and up within its deadlines."""

COPYING_TIME_LIMIT_S: Final = 270
VISIBILITY_TIMEOUT_S: Final = 660
"""After this long an unacknowledged message is given to another worker. It must exceed the longest
countdown plus the wait for a slot, where the longest task may run, plus the message's own time limit; and
be the same everywhere: the worker that sweeps applies its own. Nothing hangs on its being short: what is
due is sent again from PostgreSQL."""


def celery_settings(redis_url: str) -> dict[str, Any]:
    """The settings of every Celery app of the connector, for Celery 5.6.3 on kombu 5.7."""
    return {
        "broker_url": redis_url,
        "broker_transport_options": _transport_options(),
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        # A Redis that refuses writes, its disk being full, ends a worker without it.
        "broker_channel_error_retry": True,
        "task_queues": {name: {"exchange": name, "routing_key": name} for name in QUEUES},
        "task_routes": {task: {"queue": queue} for task, queue in ROUTES.items()},
        "task_default_queue": CONTROL,
        "task_create_missing_queues": False,
        "task_serializer": "json",
        "accept_content": ["json"],
        "task_ignore_result": True,
        "task_send_sent_event": False,
        "task_acks_late": True,
        # Rejecting requeues without a count: a task that kills its process would run for ever.
        "task_reject_on_worker_lost": False,
        "task_soft_time_limit": TASK_SOFT_TIME_LIMIT_S,
        "task_time_limit": TASK_TIME_LIMIT_S,
        "worker_prefetch_multiplier": 1,
        "worker_eta_task_limit": 1000,
        "worker_max_tasks_per_child": 500,
        "worker_max_memory_per_child": 200_000,  # KiB
        "worker_hijack_root_logger": False,
        "worker_send_task_events": True,
        "enable_utc": True,
        "timezone": "UTC",
    }


def make_producer(redis_url: str) -> Celery:
    """An app that can only send, for a process that must never hang on the broker.

    It gives up within about two seconds and never retries; send with ``retry=False``.
    """
    settings = celery_settings(redis_url)
    settings["broker_transport_options"] |= {
        "socket_timeout": 1.0,
        "socket_connect_timeout": 1.0,
        "retry_on_timeout": False,
        # kombu reads these when a pooled connection is opened; without them it tries for ever.
        "max_retries": 0,
        "connect_retries_timeout": 1.0,
    }
    settings["broker_connection_timeout"] = 1.0
    settings["task_publish_retry"] = False
    app = Celery("connector-producer", set_as_current=False)
    app.conf.update(settings)
    return app


def _transport_options() -> dict[str, Any]:
    return {
        "visibility_timeout": VISIBILITY_TIMEOUT_S,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 2,
        # "priority" keeps the declared order; the default rotates, and backfills would share evenly.
        "queue_order_strategy": "priority",
        "priority_steps": [0],
        "socket_timeout": 15,
        "socket_connect_timeout": 5,
        "socket_keepalive": True,
        "health_check_interval": 10,
        # With it redis-py repairs a lost subscription by itself and then reads from it without end,
        # while the worker takes no task: seen when Redis is back before the worker looks.
        "retry_on_timeout": False,
    }
