"""What a WSGI server loads: ``ingress.wsgi:application``.

The application is made when a server process asks for it, after the fork; importing reads nothing. A
server process takes no request before that is done.
"""

from __future__ import annotations

import atexit
import os
import sys
from typing import NoReturn

from flask import Flask

from ingress.app import CLOSE, create_app
from shared.errors import UsageError
from shared.logs import configure_logging
from shared.sentry import init_sentry

GUNICORN_BOOT_ERROR = 3  # gunicorn stops on it; on any other status it would start the process again


def __getattr__(name: str) -> Flask:
    if name != "application":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    application = make_application()
    globals()[name] = application
    return application


def make_application() -> Flask:
    """The ingress as the environment wants it; a wrong setting ends the process with one line."""
    from deploy.embedded.resolve import resolve  # only an entry point may know where servers come from

    try:
        settings = resolve(os.environ)
        configure_logging(settings)
        init_sentry(settings)
        application = create_app(settings)
    except UsageError as error:
        _stop(str(error))
    atexit.register(application.extensions[CLOSE])
    return application


def _stop(line: str) -> NoReturn:
    print(f"web: {line}", file=sys.stderr, flush=True)
    raise SystemExit(GUNICORN_BOOT_ERROR)
