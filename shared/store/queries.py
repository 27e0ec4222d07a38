"""Named SQL: every statement lives in a ``.sql`` file under ``shared/store/sql``, under its name.

A file holds statements, each under a header ``-- name: the_name``; comments between the header and
the statement say what it is for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import resources

_HEADER = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


def load_queries(noun: str) -> Mapping[str, bytes]:
    """The statements of ``shared/store/sql/{noun}.sql`` by name."""
    text = resources.files("shared.store").joinpath("sql", f"{noun}.sql").read_text("utf-8")
    parts = _HEADER.split(text)[1:]
    names, statements = parts[::2], parts[1::2]
    if len(set(names)) != len(names):
        raise ValueError(f"{noun}.sql names a statement twice")
    return {name: statement.strip().encode() for name, statement in zip(names, statements, strict=True)}
