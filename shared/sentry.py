"""Error reports to Sentry: scrubbed, and off where no DSN is set."""

from __future__ import annotations

import sentry_sdk

from shared.settings import Settings


def init_sentry(settings: Settings) -> None:
    """Report errors without bodies, without local variables and without who asked."""
    if settings.sentry_dsn is None:
        return
    sentry_sdk.init(
        dsn=settings.sentry_dsn,
        environment=settings.sentry_environment,
        include_local_variables=False,
        send_default_pii=False,
        max_request_body_size="never",
    )
