"""Suggestions as TOML to put into a tenant's file. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping

from workers.mapping.suggest import SegmentTable, Suggestion, Suggestions

_HEAD = (
    "# Look through every line. A table that stands in the tenant's file already is repeated here with",
    "# what it has: put these in place of those, then run `connector tenant apply`.",
)
_UNPRINTABLE = frozenset({"Cc", "Cs"})


def write_suggestions(suggestions: Suggestions) -> str:
    """The tables to paste; empty where the file needs nothing.

    What nothing in Visma is like stands in comments.
    """
    accounts = suggestions.accounts
    lines: list[str] = []
    if accounts.suggestions:
        lines += [*_table("mapping.accounts", accounts.entries, accounts.suggestions), ""]
    if any(table.suggestions for table in suggestions.segments):
        lines += [line for table in suggestions.segments for line in _segment(table)]
    return "\n".join([*_HEAD, "", *lines]).rstrip() + "\n" if lines else ""


def _segment(table: SegmentTable) -> Iterator[str]:
    segment = table.segment
    if table.why is not None:
        yield _comment(table.why)
    yield "[[mapping.segments]]"
    yield f"segment = {segment.segment}"
    yield f"from = {_text(segment.source)}"
    if segment.default is not None:
        yield f"default = {_text(segment.default)}"
    if segment.values or table.suggestions:
        yield from _table("mapping.segments.values", segment.values, table.suggestions)
    yield ""


def _table(name: str, entries: Mapping[str, str], suggestions: tuple[Suggestion, ...]) -> Iterator[str]:
    yield f"[{name}]"
    for key, value in entries.items():
        yield f"{_text(key)} = {_text(value)}"
    for suggestion in suggestions:
        yield write_entry(suggestion)


def write_entry(suggestion: Suggestion) -> str:
    """One line to add to a table; in a comment where a person must choose."""
    code, target = suggestion.code, suggestion.target
    why = _comment(f"{code.title}: {suggestion.why}")
    if target is not None and _fits(target) and _fits(code.id):
        return f"{_text(code.id)} = {_text(target)}  {why}"
    return f'# {_clean(_text(code.id))} = ""  {why}'


def _fits(text: str) -> bool:
    """Whether the tenant's file takes it as a key or value."""
    return bool(text.strip()) and all(unicodedata.category(letter) not in _UNPRINTABLE for letter in text)


def _text(text: str) -> str:
    """A TOML basic string; what some programs take for the end of a line is escaped."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    escaped = escaped.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return f'"{escaped}"'


def _comment(text: str) -> str:
    return f"# {_clean(text)}"


def _clean(text: str) -> str:
    """One line without what TOML, or a terminal, does not take."""
    line = " ".join(text.split())
    return "".join("\ufffd" if unicodedata.category(letter) in _UNPRINTABLE else letter for letter in line)
