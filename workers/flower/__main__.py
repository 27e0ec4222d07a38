"""``python -m workers.flower [OPTION]...``: Flower, with the connector's pages in it.

Options and FLOWER_ variables are Flower's own. It has a BILL session and a Visma token of its own, under
the name ``flower``, so that it never takes a worker's.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from celery.bin.celery import celery
from celery.bin.celery import main as celery_main
from flower.command import flower

from shared import logs, sentry
from workers.app import get_settings
from workers.flower.install import install_pages
from workers.wiring import Context, set_context_maker

NAME = "flower"


def main(argv: Sequence[str]) -> None:
    """Run until it is told to stop."""
    settings = get_settings()
    settings.get_flower_basic_auth()
    os.environ.pop("FLOWER_UNAUTHENTICATED_API", None)  # it would open the API to everybody
    logs.configure_logging(settings)
    sentry.init_sentry(settings)
    set_context_maker(lambda: Context(settings, worker_name=NAME))
    install_pages()
    celery.add_command(flower)
    sys.argv = ["celery", "--app=workers.app", "flower", *argv]
    celery_main()


if __name__ == "__main__":
    main(sys.argv[1:])
