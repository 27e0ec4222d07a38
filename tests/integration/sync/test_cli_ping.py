"""``connector ping`` against both simulated systems, whole and with this or that out of order."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from deploy.sandbox.jsonio import Json
from shared.bill.session import BillCredentials
from shared.http import HttpSession
from tests.command_line import run, run_json
from tests.integration.sync.conftest import MakeBench
from tests.integration.sync.test_plan import dump, environ
from tests.support.bench import Bench
from workers.cli.checks import Doubt, Fault, tell_skew
from workers.cli.ping_bill import BillProbe

pytestmark = pytest.mark.integration


def ping(bench: Bench, **settings: str) -> dict[str, Json]:
    """The checks by name; the command fails exactly when one of them does."""
    result = run({**environ(bench), **settings}, "ping", bench.tenant, "--json")
    found = {check["check"]: check for check in json.loads(result.stdout)}
    failed = [f"acme {name}" for name, check in found.items() if check["state"] == "failed"]
    assert result.exit_code == (1 if failed else 0), result.stderr
    assert not failed or f"{len(failed)} failed: {', '.join(failed)}" in result.stderr
    assert all(check["next"] or check["detail"] for check in found.values())
    return found


def states(found: dict[str, Json], *kinds: str) -> dict[str, list[str]]:
    return {kind: [name for name, check in found.items() if check["state"] == kind] for kind in kinds if kind}


def test_all_is_well_and_nothing_is_written(bench: Bench) -> None:
    bench.add_bill(bench.add_vendor())
    bench.sync()
    before, effects = dump(bench), bench.effects()
    bench.sandbox.reset_calls()
    found = ping(bench)
    assert states(found, "warning", "failed", "skipped") == {
        "warning": ["webhook"],
        "failed": [],
        "skipped": [],
    }
    assert len(found) >= 20
    assert found["bill rights"]["detail"].endswith("cannot move money")
    assert found["visma number series"]["detail"] == "Visma has numbered what we created"
    assert (dump(bench), bench.effects()) == (before, effects)
    written = [line for line in bench.sandbox.calls()["lines"] if line["method"] != "GET"]
    assert sorted(line["route"].rsplit("/", 1)[1] for line in written) == ["login", "token"]


def test_people_get_one_line_a_check(bench: Bench) -> None:
    result = run(environ(bench), "ping")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert "ok       bill login: BILL gives a session" in lines
    assert any(line.startswith("WARNING  webhook: ") and "webhook subscribe acme" in line for line in lines)
    assert result.stderr == ""


def test_a_log_in_that_could_move_money_is_warned_of(bench: Bench) -> None:
    old = bench.context.bill_credentials("acme")
    bench.store_credentials("bill", {"username": "anna", "password": "anna", "dev_key": old.dev_key})
    check = ping(bench)["bill rights"]
    assert check["state"] == "warning"
    assert "could move money" in check["detail"]
    assert "sync token" in check["next"]


@pytest.mark.parametrize(("username", "asked"), [("lars@example.com", False), ("lars", True)])
def test_a_person_instead_of_a_token_is_warned_of(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, username: str, asked: bool
) -> None:
    answer = BillCredentials(username, "hunter2", "key")
    monkeypatch.setattr(BillProbe, "_log_in", lambda _: "in")
    monkeypatch.setattr("shared.bill.client.BillClient.check_session", lambda _: asked)
    monkeypatch.setattr("workers.wiring.Context.bill_credentials", lambda *_: answer)
    check = ping(bench)["bill rights"]
    assert (check["state"], "a person's log-in" in check["detail"]) == ("warning", True)


def wrong_password(bench: Bench) -> None:
    old = bench.context.bill_credentials("acme")
    bench.store_credentials("bill", {"username": old.username, "password": "hunter2", "dev_key": old.dev_key})


def wrong_secret(bench: Bench) -> None:
    bench.store_credentials("visma", {"client_id": "isv_connector", "client_secret": "hunter2"})


def no_credentials(bench: Bench) -> None:
    with bench.conn() as conn:
        conn.execute("DELETE FROM secrets WHERE kind = 'bill'")


def move(bench: Bench, **changes: Any) -> None:
    config = bench.config
    tables = {name: replace(getattr(config, name), **values) for name, values in changes.items()}
    bench.apply(replace(config, **tables))


def unknown_host(bench: Bench) -> None:
    move(bench, bill={"base_url": "https://no-such-host.invalid"})


def closed_port(bench: Bench) -> None:
    move(bench, visma={"base_url": "http://127.0.0.1:1"})


def no_tls(bench: Bench) -> None:
    move(bench, visma={"token_url": bench.config.visma.token_url.replace("http://", "https://")})


def no_events(bench: Bench) -> None:
    move(bench, bill={"events_url": "http://127.0.0.1:1"})


def wrong_company(bench: Bench) -> None:
    move(bench, visma={"company_id": "999"})


def wrong_branch(bench: Bench) -> None:
    move(bench, mapping={"branch": "77"})


def no_reading_of_bills(bench: Bench) -> None:
    bench.sandbox.add_fault("status", system="bill", route="/v3/bills", times=None, status=403)


def no_reading_of_accounts(bench: Bench) -> None:
    bench.sandbox.add_fault("status", system="visma", route="/v1/account", times=None, status=500)


@pytest.mark.parametrize(
    ("spoil", "failed", "said"),
    [
        (wrong_password, "bill login", "BILL refuses the user name or password"),
        (wrong_secret, "visma token", "credentials set acme visma"),
        (no_credentials, "bill credentials", "connector credentials set acme bill"),
        (unknown_host, "bill login", "its host name is not known"),
        (closed_port, "visma company", "connection refused"),
        (no_tls, "visma token", "its certificate is not accepted"),
        (no_events, "webhook", "connection refused"),
        (wrong_company, "visma company", "visma.company_id"),
        (wrong_branch, "visma company", "no active branch 77"),
        (no_reading_of_bills, "bill bills", "let the BILL user or sync token read bills"),
        (no_reading_of_accounts, "visma accounts", "let the app read accounts in Visma"),
    ],
)
def test_what_fails_says_what_to_do_and_the_rest_is_still_checked(
    bench: Bench, spoil: Callable[[Bench], None], failed: str, said: str
) -> None:
    spoil(bench)
    found = ping(bench)
    assert states(found, "failed")["failed"] == [failed]
    check = found[failed]
    assert said in f"{check['detail']}; {check['next']}"
    assert "hunter2" not in json.dumps(found)
    system, other = failed.split()[0], {"bill": "visma", "visma": "bill"}.get(failed.split()[0], "bill")
    assert found[f"{other} credentials"]["state"] == "ok"
    assert found["visma suppliers" if other == "visma" else "bill vendors"]["state"] == "ok"
    skipped = [name for name in states(found, "skipped")["skipped"] if not name.startswith(system)]
    assert skipped in ([], ["webhook"])


def test_a_server_that_never_answers_fails_alone(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.wiring.HttpSession", partial(HttpSession, deadline_s=3.0))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        move(bench, bill={"events_url": f"http://127.0.0.1:{silent.getsockname()[1]}"})
        found = ping(bench)
    assert states(found, "failed")["failed"] == ["webhook"]


def test_a_subscription_that_bill_switched_off_fails(bench: Bench) -> None:
    public = {"PUBLIC_BASE_URL": "https://connector.example.com"}
    done = run({**environ(bench), **public}, "webhook", "subscribe", "acme")
    assert done.exit_code == 0, done.stderr
    assert ping(bench, **public)["webhook"]["state"] == "ok"
    (one,) = bench.context.subscriptions(bench.config).fetch_all()
    bench.context.subscriptions(bench.config).set_enabled(one.id, False)
    check = ping(bench, **public)["webhook"]
    assert (check["state"], check["next"]) == ("failed", "run `connector webhook recover acme`")


def test_a_clock_that_is_off_is_told() -> None:
    assert tell_skew(0.4, "BILL's") == "agrees with ours to 1 s"
    assert isinstance(tell_skew(-30, "BILL's"), Doubt)
    with pytest.raises(Fault, match="behind ours"):
        tell_skew(-600, "BILL's")


def test_a_tenant_without_country_or_numbers_is_warned_of(make_bench: MakeBench) -> None:
    found = ping(make_bench(mapping={"country": None, "countries": {}}))
    assert set(states(found, "warning")["warning"]) == {"mapping.country", "webhook", "visma number series"}
    assert "CS201010" in found["visma number series"]["next"]


def test_no_tenant_and_an_unknown_one(bench: Bench) -> None:
    unknown = run(environ(bench), "ping", "nobody")
    assert (unknown.exit_code, unknown.stderr.count("\n")) == (1, 1)
    with bench.conn() as conn:
        conn.execute("DELETE FROM tenants")
    assert run_json(environ(bench), "ping") == []
    assert "tenant apply" in run(environ(bench), "ping").stdout
