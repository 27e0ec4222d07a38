"""Who may import whom, and who may construct what; the rooms are those of the package layout."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.support.source import PACKAGES, Module, called_name, is_within, load_modules

pytestmark = pytest.mark.unit

ROOMS: dict[str, tuple[str, ...]] = {
    "ingress": ("ingress", "shared"),
    # An entry point may know where its servers come from; nothing else of ours knows deploy.
    "ingress.wsgi": ("ingress", "shared", "deploy.embedded.resolve"),
    "workers.app": (
        "workers.base",
        "workers.schedule",
        "workers.shutdown",
        "workers.wiring",
        "shared",
        "deploy.embedded",
    ),
    "workers.base": ("workers.sync", "workers.wiring", "shared"),
    "workers.copying": ("workers.base", "workers.sync", "workers.wiring", "shared"),
    "workers.wiring": ("workers.sync", "shared"),
    "workers.schedule": ("shared",),
    "workers.shutdown": (),
    "workers.tasks": (
        "workers.base",
        "workers.copying",
        "workers.wiring",
        "workers.sync",
        "shared.queues",
        "shared.errors",
    ),
    "workers.sync": ("workers.sync", "workers.mapping", "shared"),
    "workers.mapping": (
        "workers.mapping",
        "shared.bill.models",
        "shared.visma.models",
        "shared.fields",
        "shared.errors",
        "shared.tenants",
    ),
    "workers.close": ("workers.close", "workers.mapping", "workers.sync", "shared"),
    "workers.cli": ("workers", "shared", "deploy.embedded.resolve"),
    "workers.cli.up": ("workers", "shared", "deploy"),
    "workers.flower": ("workers", "shared"),
    "workers": (),
    "shared": ("shared",),
    "shared.bill": ("shared",),
    "shared.visma": ("shared",),
    # The kind of a record, vendor or bill, is BILL's word for it.
    "shared.store": ("shared",),
    "deploy": ("deploy", "shared"),
    # The simulated systems are written after the references alone, or they would share our mistakes.
    "deploy.sandbox": ("deploy.sandbox",),
    # What plays and measures the whole system starts it as its users do.
    "deploy.bench": ("deploy", "shared", "workers"),
    "deploy.demo": ("deploy", "shared", "workers"),
}
"""What each room may import of ours; of several names the longest counts."""

STRANGERS = ("shared.bill", "shared.visma", "shared.store")
KNOWN_TO_STORE = ("shared.bill.models.Kind",)

PURE = ("shared.bill.models", "shared.visma.models", "shared.fields", "shared.errors", "shared.tenants")
IO_MODULES = {
    "asyncio", "celery", "http", "io", "logging", "os", "pathlib", "psycopg", "redis", "requests", "shutil",
    "socket", "subprocess", "tempfile", "threading", "time", "urllib",
}  # fmt: skip

BUILDERS = {
    "BillClient", "VismaClient", "HttpSession", "BillSessions", "VismaTokens", "Redis", "Redis.from_url",
    "make_pool", "make_producer", "ConnectionPool", "EventStream", "Places", "Budget", "Dispatcher",
    "ReferenceLists",
}  # fmt: skip
ROOTS = ("workers.wiring", "ingress.app")
BUILT_ELSEWHERE = {
    ("shared.store.pool", "ConnectionPool"),  # make_pool itself
}


def _room_of(name: str) -> str:
    return max((room for room in ROOMS if is_within(name, room)), key=len)


def _ours(module: Module) -> Iterator[str]:
    return (name for name in module.imports() if name.split(".")[0] in PACKAGES)


def _modules(*rooms: str) -> list[Module]:
    return [module for module in load_modules() if any(is_within(module.name, room) for room in rooms)]


def test_there_is_something_to_look_at() -> None:
    assert {module.name.split(".")[0] for module in load_modules()} == set(PACKAGES)
    assert sum(len(list(_ours(module))) for module in load_modules()) > 300


def test_imports_run_one_way() -> None:
    wrong = [
        f"{module.name} imports {name}"
        for module in load_modules()
        for name in _ours(module)
        if not any(is_within(name, allowed) for allowed in ROOMS[_room_of(module.name)])
    ]
    assert wrong == []


def test_both_systems_and_the_store_ignore_one_another() -> None:
    wrong = [
        f"{module.name} imports {name}"
        for room in STRANGERS
        for module in _modules(room)
        for name in _ours(module)
        for other in STRANGERS
        if other != room and is_within(name, other) and not (room == STRANGERS[2] and name in KNOWN_TO_STORE)
    ]
    assert wrong == []


def test_mapping_and_what_it_stands_on_does_no_io() -> None:
    wrong = [
        f"{module.name} imports {name}"
        for module in _modules("workers.mapping", *PURE)
        for name in module.imports()
        if name.split(".")[0] in IO_MODULES
    ]
    wrong += [
        f"{module.name} calls {called_name(call)}"
        for module in _modules("workers.mapping", *PURE)
        for call in module.calls()
        if called_name(call) in {"open", "print", "input", "datetime.now", "date.today"}
    ]
    assert wrong == []


def test_only_the_two_roots_construct_clients_and_pools() -> None:
    built = {
        (module.name, called_name(call))
        for module in _modules("ingress", "workers", "shared")
        for call in module.calls()
        if called_name(call) in BUILDERS
    }
    assert {(name, what) for name, what in built if name not in ROOTS} == BUILT_ELSEWHERE
    assert {("workers.wiring", "BillClient"), ("ingress.app", "make_pool")} <= built


def test_no_module_does_io_when_it_is_imported() -> None:
    """Building at the top of a module would happen before a fork, and in every command."""
    wrong = [
        f"{module.name}: {called_name(call)}"
        for module in load_modules()
        for statement in module.tree.body
        if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.If)
        for call in ast.walk(statement)
        if isinstance(call, ast.Call) and called_name(call) in BUILDERS | {"connect", "open", "os.getenv"}
    ]
    assert wrong == []
