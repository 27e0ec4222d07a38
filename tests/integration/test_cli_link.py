"""``connector link`` at the command line."""

from __future__ import annotations

import getpass
from typing import Any

import pytest

from shared.errors import NotFound
from shared.store import history, records, visma_index
from shared.store.pool import Conn, connect
from shared.store.tenants import apply_tenant, set_paused
from shared.store.visma_index import SUPPLIER_TYPE, Entry
from shared.tenant_file import parse_tenant
from tests.command_line import MASTER_KEYS, TENANT_FILE, run, the_line
from workers.wiring import Context

pytestmark = pytest.mark.integration


@pytest.fixture
def conn(store_dsn: str) -> Any:
    with connect(store_dsn, name="test") as conn:
        apply_tenant(conn, parse_tenant(TENANT_FILE.format(id="acme"), source="test"))
        visma_index.put_entries(
            conn, [Entry("acme", "supplier", SUPPLIER_TYPE, "50002", "Active", "1", name="Bröd AB")]
        )
        records.make_due(conn, "acme", [records.Heard("vendor", "009V", label="Åsas bröd")])
        yield conn


@pytest.fixture
def environ(
    conn: Conn, store_dsn: str, redis_url: str, redis_client: Any, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """Settings of a command that must ask neither system."""
    monkeypatch.setattr(Context, "bill", lambda *_: _Silent())
    monkeypatch.setattr(Context, "visma", lambda *_: _Silent())
    return {"DATABASE_URL": store_dsn, "REDIS_URL": redis_url, "CONNECTOR_MASTER_KEYS": MASTER_KEYS}


class _Silent:
    def fetch(self, *_: object) -> None:
        raise NotFound("BDC_1205")

    def fetch_supplier(self, *_: object) -> None:
        raise NotFound("404")


def test_linking_says_what_it_did_and_who_did_it_stands_in_the_history(
    environ: dict[str, str], conn: Conn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: "anna")
    records.make_due(conn, "acme", [records.Heard("bill", "00nB", vendor_id="009V")])
    conn.execute("UPDATE records SET state = 'held', reason = 'vendor_held' WHERE kind = 'bill'")
    done = run(environ, "link", "acme", "009V", "50002")
    assert done.exit_code == 0, done.stderr
    assert done.stdout == (
        "acme: vendor 009V (Åsas bröd) is supplier 50002 (Bröd AB); 1 bill that waited for it goes on\n"
    )
    (entry,) = history.list_entries(conn, "acme", "vendor", "009V")
    assert (entry["actor"], entry["action"], entry["visma_number"]) == ("anna", "linked_by_hand", "50002")


def test_a_resting_tenant_is_told_to_wait(environ: dict[str, str], conn: Conn) -> None:
    set_paused(conn, "acme", paused=True)
    assert "once work goes on" in run(environ, "link", "acme", "009V", "50002").stdout


def test_a_user_without_a_name_can_link_too(
    environ: dict[str, str], conn: Conn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nameless() -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr(getpass, "getuser", nameless)
    assert run(environ, "link", "acme", "009V", "50002").exit_code == 0
    assert history.list_entries(conn, "acme", "vendor", "009V")[0]["actor"] == "command line"


@pytest.mark.parametrize(
    ("vendor", "supplier", "told"),
    [("009V", "1", "Visma has no supplier 1"), ("009X", "50002", "BILL has no vendor 009X")],
)
def test_what_does_not_exist_is_refused_in_one_line(
    environ: dict[str, str], vendor: str, supplier: str, told: str
) -> None:
    assert told in the_line(run(environ, "link", "acme", vendor, supplier))
