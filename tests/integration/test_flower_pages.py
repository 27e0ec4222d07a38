"""The handlers behind our pages in Flower: who gets in, what is done in whose name, what is shown and how."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis
from celery import Celery

from shared import jsontext, queues
from shared.settings import load_settings
from shared.store import attachments, dead_letters, history, records, tenants, visma_index
from shared.store.dead_letters import DeadLetter
from shared.store.pool import Conn
from shared.store.records import Due, Finish, Heard, Urgency
from tests.command_line import MASTER_KEYS
from tests.integration.flower_server import Visitor, serving
from tests.support.rows import at_once
from workers import wiring
from workers.mapping.keys import fold_name
from workers.wiring import Context, set_context_maker

pytestmark = pytest.mark.integration

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)> & Söner"
IBAN = "SE4550000000058398257466"
PAGES = (
    "/dead-letters",
    "/dead-letters/1",
    "/held",
    "/held/acme/vendor/009",
    "/tenants",
    "/dead-letters/1/progress",
)
ACTIONS = (
    "/dead-letters/1/replay", "/dead-letters/1/discard", "/dead-letters/many", "/held/acme/vendor/009/link",
    "/tenants/acme/pause", "/tenants/acme/resume",
)  # fmt: skip


@pytest.fixture(scope="module")
def capp() -> Celery:
    """An app that reaches no broker."""
    return Celery("test", broker="memory://", set_as_current=False)


@pytest.fixture
def context(empty_dsn: str, redis_url: str, redis_client: redis.Redis) -> Iterator[Context]:
    """The context of the Flower in this process."""
    environ = {
        "DATABASE_URL": empty_dsn, "REDIS_URL": redis_url, "CONNECTOR_MASTER_KEYS": MASTER_KEYS,
        "PUBLIC_BASE_URL": "https://connector.example",
    }  # fmt: skip
    found = Context(load_settings(environ), worker_name="flower")
    before = wiring._process.make
    set_context_maker(lambda: found)
    yield found
    found.close()
    wiring._process.make, wiring._process.context = before, None


@pytest.fixture
def anna(capp: Celery, context: Context, conn: Conn) -> Iterator[Visitor]:
    """Anna, signed in; the tenant ``acme`` is there."""
    with serving(capp) as url:
        visitor = Visitor(url)
        yield visitor
        visitor.http.close()


def bury(conn: Conn, bill_id: str, label: str | None = None, error: str = "no") -> int:
    """A bill that failed for good; its letter."""
    records.make_due(conn, "acme", [Heard("bill", bill_id, label=label)])
    claimed = records.claim(conn, Due("acme", "bill", bill_id, Urgency.WEBHOOK))
    assert claimed is not None
    records.bury(conn, claimed, error, nothing_ran=True)
    task = queues.UPSERT_SUPPLIER_INVOICE
    letter = DeadLetter(task, ["acme", bill_id], "Refused", error, f"t-{bill_id}", "acme", "bill", bill_id)
    return dead_letters.add_letter(conn, letter)


def unreadable(conn: Conn, raw: bytes, error: str = "no") -> int:
    """A webhook that could not be read; its letter."""
    letter = DeadLetter(
        queues.DRAIN_EVENTS, [], "UnreadableEvent", error, "event:1-0", "acme", traceback=error, raw=raw
    )
    return dead_letters.add_letter(conn, letter)


def hold(conn: Conn, kind: Any, bill_id: str, reason: str, detail: str, **heard: Any) -> None:
    """A held record."""
    records.make_due(conn, "acme", [Heard(kind, bill_id, **heard)])
    claimed = records.claim(conn, Due("acme", kind, bill_id, Urgency.WEBHOOK))
    assert claimed is not None
    records.finish(conn, claimed, Finish("held", reason=reason, detail=detail))


def add_supplier(conn: Conn, number: str, name: str) -> None:
    """A supplier that Visma's list showed."""
    entry = visma_index.Entry(
        "acme",
        "supplier",
        visma_index.SUPPLIER_TYPE,
        number,
        "Active",
        "1",
        name=name,
        name_key=fold_name(name),
    )
    visma_index.put_entries(conn, [entry])


def letter_of(conn: Conn, letter_id: int) -> Any:
    found = dead_letters.find_letter(conn, letter_id)
    assert found is not None
    return found


def actors(conn: Conn, kind: Any, bill_id: str) -> list[tuple[str, str]]:
    """Who did what to a record, or to a tenant."""
    return [(entry["actor"], entry["action"]) for entry in history.list_entries(conn, "acme", kind, bill_id)]


@pytest.mark.parametrize("user", [None, ("anna", "wrong"), ("nobody", "s3cret")])
def test_no_stranger_gets_in(anna: Visitor, conn: Conn, user: tuple[str, str] | None) -> None:
    letter_id = bury(conn, "00n1")
    stranger = Visitor(anna.url, user)
    for path in PAGES:
        stranger.get(path, 401)
    for path in ACTIONS:
        assert stranger.post(path, token=False).status_code == 401
    assert letter_of(conn, letter_id)["state"] == "open"
    stranger.http.close()


def test_without_a_sign_in_configured_nothing_is_open(capp: Celery, context: Context, conn: Conn) -> None:
    with serving(capp, basic_auth=None) as url:
        visitor = Visitor(url)
        for path in (*PAGES, "/api/workers", "/api/tasks"):
            visitor.get(path, 401)
        for path in (*ACTIONS, "/api/task/async-apply/connector.replay_dead_letter"):
            assert visitor.post(path, token=False).status_code == 401
        visitor.http.close()


def test_an_action_needs_the_token_and_our_own_origin(anna: Visitor, conn: Conn) -> None:
    path = f"/dead-letters/{bury(conn, '00n1')}/replay"
    assert anna.post(path, token=False).status_code == 403
    assert anna.post(path, {"_xsrf": "0" * 32}, token=False).status_code == 403
    assert anna.post(path, **{"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert anna.post(path, Origin="https://evil.example").status_code == 403
    assert anna.http.get(anna.url + path, auth=anna.user, timeout=20).status_code == 405
    assert actors(conn, "bill", "00n1") == []
    assert anna.post(path).status_code == 303
    assert actors(conn, "bill", "00n1") == [("anna", "replayed")]


def test_read_only_hides_the_actions_and_refuses_them(capp: Celery, context: Context, conn: Conn) -> None:
    letter_id = bury(conn, "00n1")
    hold(conn, "vendor", "009", "no_supplier", "none")
    with serving(capp, read_only=True) as url:
        visitor = Visitor(url)
        for path in ("/dead-letters", f"/dead-letters/{letter_id}", "/held/acme/vendor/009", "/tenants"):
            shown = visitor.get(path)
            buttons = re.findall(r"<button[^>]*>([^<]*)</button>", shown.partition("<main")[2])
            assert set(buttons) <= {"Filter"}, path
            assert "read-only" in shown
        visitor.get("/dead-letters")
        for path in ACTIONS:
            assert visitor.post(path.replace("/1/", f"/{letter_id}/")).status_code == 403
        api = visitor.http.post(
            f"{url}/api/task/async-apply/connector.replay_dead_letter", json={"args": [letter_id]},
            auth=visitor.user, timeout=20,
        )  # fmt: skip
        assert api.status_code == 403
        visitor.http.close()
    assert letter_of(conn, letter_id)["state"] == "open"


def test_of_many_who_press_replay_at_once_one_does_it_and_the_others_are_told(
    anna: Visitor, conn: Conn
) -> None:
    letter_id = bury(conn, "00n1")
    crowd = [Visitor(anna.url, user) for user in [("anna", "s3cret"), ("lars", "other")] * 3]
    for one in crowd:
        one.get("/tenants")
    answers = at_once([lambda one=one: one.post(f"/dead-letters/{letter_id}/replay") for one in crowd])  # type: ignore[misc]
    assert [answer.status_code for answer in answers] == [303] * 6
    shown = [one.get(f"/dead-letters/{letter_id}") for one in crowd]
    assert sum("is replayed already, by" in text for text in shown) == 5
    (actor, action), *more = actors(conn, "bill", "00n1")
    assert (actor in {"anna", "lars"}, action, more) == (True, "replayed", [])
    record = records.find(conn, "acme", "bill", "00n1")
    assert record is not None and record.wanted - record.done == 1
    for one in crowd:
        one.http.close()


def test_a_letter_is_discarded_with_a_reason_only(anna: Visitor, conn: Conn) -> None:
    letter_id = bury(conn, "00n1")
    anna.post(f"/dead-letters/{letter_id}/discard", {"why": "  "})
    assert "give the reason" in anna.get(f"/dead-letters/{letter_id}")
    anna.post(f"/dead-letters/{letter_id}/discard", {"why": "booked by hand"})
    letter = letter_of(conn, letter_id)
    assert (letter["state"], letter["settled_by"], letter["why"]) == ("discarded", "anna", "booked by hand")
    assert actors(conn, "bill", "00n1") == [("anna", "discarded")]


def test_nothing_from_outside_becomes_markup(anna: Visitor, conn: Conn) -> None:
    letter_id = bury(conn, "00n1", label=HOSTILE, error=HOSTILE)
    content = jsontext.dumps({"id": "009", "name": HOSTILE}).encode()
    hold(conn, "vendor", "009", "no_supplier", HOSTILE, label=HOSTILE, content=content)
    add_supplier(conn, "50001", HOSTILE)
    webhook = unreadable(conn, HOSTILE.encode())
    anna.post(f"/dead-letters/{webhook}/discard", {"why": HOSTILE})
    paths = (
        "/dead-letters?state=all", f"/dead-letters?q={HOSTILE}", f"/dead-letters/{letter_id}",
        f"/dead-letters/{letter_id}/mapping", f"/dead-letters/{webhook}", "/held", "/held/acme/vendor/009",
    )  # fmt: skip
    for path in paths:
        shown = anna.get(path)
        assert "alert(1)" not in shown or "&lt;script&gt;alert(1)" in shown, path
        assert not re.search(r"<script>alert|<img src=x", shown), path
    answer = anna.http.get(anna.url + "/held", auth=anna.user, timeout=20)
    assert "script-src 'self';" in answer.headers["Content-Security-Policy"]


def test_secrets_and_bank_details_are_masked(anna: Visitor, conn: Conn) -> None:
    error = f"cannot pay {IBAN} with password=hunter2hunter2"
    letter_id = bury(conn, "00n1", error=error)
    body = jsontext.dumps({"vendor": {"paymentInformation": {"bankAccount": {"accountNumber": "998877665"}}}})
    webhook = unreadable(conn, body.encode(), error)
    hold(conn, "bill", "00n2", "zero_amount", error)
    for path in ("/dead-letters", f"/dead-letters/{letter_id}", f"/dead-letters/{webhook}", "/held",
                 "/held/acme/bill/00n2"):  # fmt: skip
        shown = anna.get(path)
        assert "cannot pay ***" in shown, path
        assert not any(one in shown for one in (IBAN, "hunter2", "998877665")), path


def test_letters_are_filtered_searched_and_paged(anna: Visitor, conn: Conn) -> None:
    ids = [bury(conn, f"00n{number}", label=f"F-{number}") for number in range(1, 53)]
    assert shown_letters(anna, "/dead-letters") == ids[:1:-1]
    assert shown_letters(anna, f"/dead-letters?below={ids[2]}") == [ids[1], ids[0]]
    assert shown_letters(anna, "/dead-letters?q=f-52") == [ids[51]]
    assert shown_letters(anna, "/dead-letters?tenant=other") == []
    assert shown_letters(anna, "/dead-letters?kind=vendor") == []
    assert shown_letters(anna, "/dead-letters?state=replayed") == []
    assert "Nothing matches" in anna.get("/dead-letters?error=KeyError")
    for wrong in ("below=x", "below=99999999999999999999", "kind=other", "state=none"):
        anna.get(f"/dead-letters?{wrong}", 400)


def shown_letters(visitor: Visitor, path: str) -> list[int]:
    """The letters that a page lists, in its order."""
    return [int(found) for found in re.findall(r'href="/dead-letters/([0-9]+)"', visitor.get(path))]


def follow_job(visitor: Visitor, answer: Any) -> dict[str, Any]:
    """What a bulk job tells in the end."""
    assert answer.status_code == 303
    place = answer.headers["Location"]
    while True:  # ends with the test's own time-out
        told: dict[str, Any] = jsontext.loads(visitor.get(f"{place}/progress"))
        if told["share"] == 1 and not told["text"].endswith("…"):
            assert told["text"] in visitor.get(place)
            return told


def test_chosen_letters_are_replayed_together_each_once(anna: Visitor, conn: Conn) -> None:
    ids = [bury(conn, f"00n{number}") for number in range(4)]
    anna.post(f"/dead-letters/{ids[0]}/replay")
    told = follow_job(anna, anna.post("/dead-letters/many", {"action": "replay", "id": ids[:3]}))
    assert told["text"] == "2 of 3 replayed, 1 refused."
    assert told["refused"] == [f"#{ids[0]}: dead letter {ids[0]} is replayed already, by anna"]
    assert told["outcomes"] == [["still being worked on", 2]]
    assert [letter_of(conn, one)["state"] for one in ids] == ["replayed"] * 3 + ["open"]


def test_all_that_match_are_settled_and_no_others(anna: Visitor, conn: Conn) -> None:
    ids = [bury(conn, f"00n{number}", label=f"{'A' if number % 2 else 'B'}-1") for number in range(130)]
    sent = {"action": "discard", "all": "1", "q": "A-1", "why": "test data"}
    told = follow_job(anna, anna.post("/dead-letters/many", sent))
    assert told["text"] == "65 of 65 discarded."
    states = [letter_of(conn, one)["state"] for one in ids]
    assert states == ["open", "discarded"] * 65


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ({"action": "replay"}, "Select at least one dead letter."),
        ({"action": "discard", "all": "1"}, "Give the reason why they are discarded."),
    ],
)
def test_an_unfinished_choice_is_told_and_does_nothing(
    anna: Visitor, conn: Conn, sent: dict[str, str], told: str
) -> None:
    letter_id = bury(conn, "00n1")
    assert anna.post("/dead-letters/many", sent).headers["Location"] == "/dead-letters"
    assert told in anna.get("/dead-letters")
    assert told not in anna.get("/dead-letters"), "it is said once"
    assert letter_of(conn, letter_id)["state"] == "open"


def test_a_vendor_is_linked_in_the_operators_name_and_its_bills_go(anna: Visitor, conn: Conn) -> None:
    content = jsontext.dumps({"id": "009", "name": "Granit AB"}).encode()
    hold(conn, "vendor", "009", "ambiguous_supplier", "two", label="Granit AB", content=content)
    hold(conn, "bill", "00n1", "vendor_held", "its vendor", vendor_id="009")
    add_supplier(conn, "50001", "Granit")
    add_supplier(conn, "50002", "Tall")
    shown = anna.get("/held/acme/vendor/009")
    assert "1 bill waits for it" in shown
    assert shown.count('value="50001"') == 1 and 'value="50002"' not in shown
    anna.post("/held/acme/vendor/009/link", {"supplier": "50001"})
    assert "is linked to supplier 50001 (Granit). 1 bill that waited for it goes on." in anna.get(
        "/held/acme/vendor/009"
    )
    assert actors(conn, "vendor", "009") == [("anna", "linked_by_hand")]
    assert anna.post("/held/acme/bill/00n1/link", {"supplier": "50001"}).status_code == 400


def test_held_records_stand_by_reason_the_oldest_first(anna: Visitor, conn: Conn) -> None:
    for number, reason in enumerate(["zero_amount", "vendor_held", "zero_amount"]):
        hold(conn, "bill", f"00n{number}", reason, "why", label=f"F-{number}")
    shown = anna.get("/held")
    places = [shown.index(f"F-{number}") for number in (1, 0, 2)]
    assert places == sorted(places)
    assert shown.index("F-1") > shown.index("Vendor held")
    assert "F-1" not in anna.get("/held?reason=zero_amount")
    anna.get("/held?behind=nonsense", 400)
    anna.get("/held?reason=nonsense", 400)


def test_judging_a_held_record_anew_does_not_make_it_younger(conn: Conn) -> None:
    hold(conn, "bill", "00n1", "zero_amount", "why")
    query = "SELECT held_at FROM records WHERE bill_id = '00n1'"
    first = conn.execute(query).fetchone()
    hold(conn, "bill", "00n1", "mixed_signs", "why", forced=True)
    assert first is not None and conn.execute(query).fetchone() == first
    claimed_again = Heard("bill", "00n1", forced=True)
    records.make_due(conn, "acme", [claimed_again])
    claimed = records.claim(conn, Due("acme", "bill", "00n1", Urgency.WEBHOOK))
    assert claimed is not None
    records.finish(conn, claimed, Finish("waiting"))
    assert conn.execute(query).fetchone() == {"held_at": None}


def test_a_tenant_is_paused_and_resumed_in_the_operators_name(anna: Visitor, conn: Conn) -> None:
    anna.post("/tenants/acme/pause")
    assert tenants.get_tenant(conn, "acme").paused
    shown = anna.get("/tenants")
    assert "acme is paused." in shown and "paused by anna" in shown
    anna.post("/tenants/acme/resume")
    assert not tenants.get_tenant(conn, "acme").paused
    assert actors(conn, history.TENANT, "acme") == [("anna", "paused"), ("anna", "resumed")]
    anna.post("/tenants/other/pause")
    assert "there is no tenant &#x27;other&#x27;" in anna.get("/tenants")


def test_a_letter_of_documents_and_one_of_a_webhook_have_pages_too(anna: Visitor, conn: Conn) -> None:
    attachments.want(conn, "acme", "00n1")
    letter = DeadLetter(
        queues.COPY_ATTACHMENTS, ["acme", "00n1"], "Refused", "no", "t-1", "acme", "bill", "00n1"
    )
    copying = dead_letters.add_letter(conn, letter)
    webhook = unreadable(conn, b"{")
    assert "The bill&#x27;s documents" in anna.get(f"/dead-letters/{copying}").replace("'", "&#x27;")
    assert "Webhook as received" in anna.get(f"/dead-letters/{webhook}")
    anna.post(f"/dead-letters/{webhook}/replay")
    assert "still cannot be read: see dead letter" in anna.get(f"/dead-letters/{webhook}")
    anna.get("/dead-letters/999999", 404)
    anna.get("/held/acme/bill/absent", 404)


def test_a_database_that_does_not_answer_is_one_line(anna: Visitor, context: Context, conn: Conn) -> None:
    conn.execute("ALTER TABLE dead_letters RENAME TO elsewhere")
    try:
        shown = anna.get("/dead-letters", 503)
    finally:
        conn.execute("ALTER TABLE elsewhere RENAME TO dead_letters")
    assert "connector migrate" in shown and "Traceback" not in shown
    assert 'aria-label="Primary navigation"' in shown


def test_pages_do_not_wait_for_one_another(anna: Visitor, conn: Conn) -> None:
    """A page whose rows are locked keeps no other page from being served."""
    letter_id = bury(conn, "00n1")
    anna.get("/tenants")
    with ThreadPoolExecutor(1) as pool:
        with conn.transaction():
            records.lock(conn, "acme", "bill", "00n1")
            waiting = pool.submit(anna.post, f"/dead-letters/{letter_id}/replay")
            other = Visitor(anna.url)
            other.get("/dead-letters")
            assert not waiting.done()
            other.http.close()
        assert waiting.result(20).status_code == 303
    assert letter_of(conn, letter_id)["state"] == "replayed"
