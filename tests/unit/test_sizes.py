"""What keeps the source readable and whole: sizes, named SQL, reason codes."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.support.source import ROOT, called_name, load_modules

pytestmark = pytest.mark.unit

MODULE_LINES = 350
TEST_LINES = 600
FUNCTION_LINES = 40

REASONS = {
    "no_supplier", "ambiguous_supplier", "supplier_taken", "vendor_held", "foreign_vat",
    "currency_mismatch", "unknown_currency", "no_exchange_rate", "unmapped_account", "inactive_account",
    "unmapped_segment", "unknown_segment_value", "unknown_vat_category", "period_missing", "period_closed",
    "missing_reference", "zero_amount", "mixed_signs", "amount_mismatch", "duplicate_reference", "doubled",
    "adopted_changed", "edited_in_visma", "invoice_released", "archived_paid", "not_in_bill",
}  # fmt: skip
"""Why a record may be held: stable codes that scripts rely on."""


def _lines(path: Path) -> int:
    return len(path.read_text("utf-8").splitlines())


def test_modules_fit_on_a_few_screens() -> None:
    found = {m.name: _lines(m.path) for m in load_modules() if _lines(m.path) > MODULE_LINES}
    tests = {str(p): _lines(p) for p in (ROOT / "tests").rglob("*.py") if _lines(p) > TEST_LINES}
    assert (found, tests) == ({}, {})


def test_functions_fit_on_one_screen() -> None:
    found = {
        f"{module.name}.{node.name}": size
        for module in load_modules()
        if not module.name.startswith("deploy.sandbox")  # long records in the shape of the real ones
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (size := (node.end_lineno or 0) - node.lineno + 1) > FUNCTION_LINES
    }
    assert found == {}


def _named_statements() -> set[tuple[str, str]]:
    folder = ROOT / "shared" / "store" / "sql"
    return {
        (path.stem, name)
        for path in folder.glob("*.sql")
        for name in re.findall(r"^-- name: (\w+)\s*$", path.read_text("utf-8"), re.MULTILINE)
    }


def _used_statements() -> set[tuple[str, str]]:
    used = set()
    for module in load_modules():
        names = {  # SQL = load_queries("records")
            str(target.id): str(ast.literal_eval(node.value.args[0]))
            for node in module.tree.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)
            if called_name(node.value) == "load_queries"
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(module.tree):
            if (
                isinstance(node, ast.Subscript)
                and isinstance(node.value, ast.Name)
                and node.value.id in names
            ):
                used |= {(names[node.value.id], text) for text in _texts(node.slice)}
    return used


def _texts(node: ast.expr) -> set[str]:
    """The texts an index may be: one, or either of ``"a" if lock else "b"``."""
    if isinstance(node, ast.IfExp):
        return _texts(node.body) | _texts(node.orelse)
    return {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()


def test_every_named_statement_is_used_and_every_use_is_named() -> None:
    named, used = _named_statements(), _used_statements()
    assert len(named) > 40
    assert (named - used, used - named) == (set(), set())


def _reasons() -> set[tuple[str, str]]:
    """(module, reason) of every NeedsPerson, Verdict and Action that is held, and of gathered problems."""
    places = {"NeedsPerson": 0, "Verdict": 1, "Action": 1, "problems.add": 0}
    found = set()
    for module in load_modules():
        for call in module.calls():
            at = places.get(called_name(call))
            arguments = call.args[at : at + 1] if at is not None else []
            found |= {
                (module.name, argument.value)
                for argument in arguments
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
            }
    return found


def test_every_reason_is_one_of_the_stable_codes() -> None:
    found = _reasons()
    assert {reason for _, reason in found} - REASONS == set(), sorted(found)
    assert len({reason for _, reason in found}) >= 18
