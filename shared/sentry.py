"""Error reports to Sentry, where a DSN is set: without bodies, without local variables, scrubbed."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from shared.scrub import scrub
from shared.settings import Settings

if TYPE_CHECKING:
    from sentry_sdk.types import Breadcrumb, BreadcrumbHint, Event, Hint

_KEPT_OF_A_REQUEST = ("method", "url")


def init_sentry(settings: Settings) -> None:
    """Report errors of this process from now on; nothing happens without SENTRY_DSN."""
    if settings.sentry_dsn is None:
        return
    # Only here: most installations have no DSN, and every process starts sooner without.
    import sentry_sdk

    sentry_sdk.init(
        dsn=settings.sentry_dsn,
        environment=settings.sentry_environment,
        include_local_variables=False,
        max_request_body_size="never",
        # BILL and Visma get no headers about our traces.
        trace_propagation_targets=[],
        before_send=scrub_event,
        before_breadcrumb=scrub_breadcrumb,
    )


def send_message(text: str, *, group: Sequence[str], tags: Mapping[str, str]) -> None:
    """Report something that is no error of ours; messages of one ``group`` are one issue."""
    if "sentry_sdk" not in sys.modules:  # see init_sentry
        return
    import sentry_sdk

    with sentry_sdk.new_scope() as scope:
        scope.fingerprint = list(group)
        for name, value in tags.items():
            scope.set_tag(name, value)
        sentry_sdk.capture_message(text, level="warning")


def scrub_event(event: Event, hint: Hint) -> Event:
    """The report as it may leave the house."""
    request = event.get("request")
    if isinstance(request, dict):
        event["request"] = {name: request[name] for name in _KEPT_OF_A_REQUEST if name in request}
    return cast("Event", scrub(event))


def scrub_breadcrumb(crumb: Breadcrumb, hint: BreadcrumbHint) -> Breadcrumb:
    """A step before the error, scrubbed."""
    return cast(dict[str, Any], scrub(crumb))
