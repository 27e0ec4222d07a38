"""The project's own source as a test reads it: modules, what they import, what they call."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("ingress", "workers", "shared", "deploy")


@dataclass(frozen=True)
class Module:
    """One module: its dotted name, and its syntax tree."""

    name: str
    path: Path
    tree: ast.Module

    def imports(self) -> Iterator[str]:
        """Every imported module or name, dotted; those inside functions and under conditions too."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield from (f"{self._origin(node)}.{alias.name}" for alias in node.names)

    def calls(self) -> Iterator[ast.Call]:
        """Every call in the module."""
        return (node for node in ast.walk(self.tree) if isinstance(node, ast.Call))

    def _origin(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        package = self.name.split(".") if self.path.name == "__init__.py" else self.name.split(".")[:-1]
        return ".".join([*package[: len(package) - node.level + 1], *filter(None, [node.module])])


@cache
def load_modules() -> tuple[Module, ...]:
    """All modules of the packages that are installed."""
    return tuple(_load(path) for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py")))


def called_name(call: ast.Call) -> str:
    """What a call calls, dotted as written: ``Redis.from_url``; empty for anything but names."""
    parts: list[str] = []
    node: ast.expr = call.func
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def is_within(name: str, room: str) -> bool:
    """Whether a dotted name is ``room`` or stands under it."""
    return name == room or name.startswith(room + ".")


def _load(path: Path) -> Module:
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    return Module(name, path, ast.parse(path.read_text("utf-8"), str(path)))
