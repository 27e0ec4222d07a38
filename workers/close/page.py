"""The proof as one page: to file, to print, to sort, to check; nothing in it is fetched from anywhere."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from importlib import resources
from itertools import groupby
from typing import Final

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from workers.close.formats import Formats
from workers.close.models import Notice
from workers.close.report import Report

_HEADINGS: Final = {
    "held": "Held: a person must decide",
    "dead": "Failed for good",
    "pending": "Not carried over yet",
    "waiting": "Waiting for approval in BILL",
    "withdrawn": "Approval withdrawn, on hold in Visma",
    "not_released": "Not released in Visma yet",
    "other_period": "Posted into another period",
    "adopted": "Entered by a person in Visma, coded differently",
    "not_from_bill": "Not from BILL",
    "before_start": "Before the connector's start",
    "audit": "The audit trail",
    "unreadable": "Could not be read",
    "not_compared": "Not compared",
}
"""Kinds of notices, in the order of the page."""


def write_page(report: Report) -> str:
    """The HTML of a report. Everything that came from outside is escaped, and no script but ours may run."""
    proof = report.proof
    style, script = _read("close.css"), _read("close.js")
    template = _environment().from_string(_read("close.html"))
    return template.render(
        report=report,
        proof=proof,
        stamp=report.stamp,
        show=Formats.of(proof.tenant.locale),
        notices=_grouped(proof.notices),
        # Ours, and the data without any "<": safe inside their elements.
        style=Markup(style),  # noqa: S704
        script=Markup(script),  # noqa: S704
        data=Markup(report.text),  # noqa: S704
        style_hash=_hash(style),
        script_hash=_hash(script),
    )


def _grouped(notices: Sequence[Notice]) -> list[tuple[str, list[Notice]]]:
    order = list(_HEADINGS)
    ranked = sorted(notices, key=lambda one: order.index(one.kind))
    return [(_HEADINGS[kind], list(group)) for kind, group in groupby(ranked, key=lambda one: one.kind)]


@cache
def _environment() -> Environment:
    return Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def _read(name: str) -> str:
    return resources.files("workers.close").joinpath("templates", name).read_text("utf-8")


def _hash(text: str) -> str:
    """As a Content-Security-Policy names an element of ours."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
