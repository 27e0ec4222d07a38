from __future__ import annotations

import io
import sys

import pytest

from workers.cli.bars import counting

pytestmark = pytest.mark.unit


class Terminal(io.StringIO):
    """A stderr that people watch."""

    def isatty(self) -> bool:
        return True


def test_a_bar_tells_count_total_and_text_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with counting("reading [bold]\x1b[2J") as show:
        show(1, 4)
        show(3, 4, "judging")
    shown = terminal.getvalue()
    assert "3/4" in shown
    assert "judging" in shown
    assert "\x1b[2J" not in shown


def test_nothing_is_shown_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    with counting("reading") as show:
        show(1, 4)
    assert capsys.readouterr() == ("", "")
