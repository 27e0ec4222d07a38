from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from tests.support.source import ROOT
from tests.unit.workers.close.proofs import HEAD, HOSTILE, make_proof, make_report
from workers.close.models import Notice, Proof
from workers.close.page import _HEADINGS, write_page

pytestmark = pytest.mark.unit


class _Elements(HTMLParser):
    """The elements of a page, with their attributes, and all its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def hostile_proof() -> Proof:
    proof = make_proof(3, supplier=HOSTILE)
    proof.tenant = replace(proof.tenant, name=HOSTILE)
    proof.differences = [replace(one, bill=HOSTILE, visma=HOSTILE) for one in proof.differences]
    proof.notices.append(Notice("unreadable", HOSTILE, HOSTILE, HOSTILE, HOSTILE))
    return proof


def test_names_from_outside_cannot_inject_markup() -> None:
    plain, hostile = (_Elements(write_page(make_report(one))) for one in (make_proof(3), hostile_proof()))
    tags = {tag for tag, _ in hostile.found}
    assert tags - {tag for tag, _ in plain.found} == set()
    assert sum(tag == "script" for tag, _ in hostile.found) == 2
    assert not [name for _, attributes in hostile.found for name in attributes if name.startswith("on")]
    assert hostile.text.count("<img src=x") >= 8, "it is shown as it is"


def test_the_page_fetches_nothing_and_runs_nothing_but_its_own() -> None:
    page = write_page(make_report())
    assert not re.search(r"(src|href)\s*=|url\(|https?://|@import", page)
    policy = next(a["content"] for tag, a in _Elements(page).found if a.get("http-equiv"))
    assert policy is not None
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert policy.count("sha256-") == 2


def test_the_digest_is_that_of_the_data_in_the_page() -> None:
    report = make_report(hostile_proof())
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', write_page(report), re.S)
    assert found is not None
    assert hashlib.sha256(found[1].encode()).hexdigest() == report.digest
    assert report.to_json()["run"]["sha256"] == report.digest
    assert json.loads(found[1]) == json.loads(json.dumps(report.data))


def test_numbers_and_dates_are_the_tenants() -> None:
    proof = make_proof(40)
    swedish = write_page(make_report(proof))
    proof.tenant = replace(proof.tenant, locale="da_DK")
    danish = write_page(make_report(proof))
    assert "oktober 2026" in swedish
    assert "4\u00a0938,00" in swedish
    assert "2026-10-02" in swedish
    assert "4.938,00" in danish
    assert "02.10.2026" in danish
    assert ("54,32 SEK" in swedish, "54.32 SEK" in swedish.partition('id="data"')[0]) == (True, False)
    proof.tenant = replace(proof.tenant, locale="xx_XX")
    assert "4,938.00" in write_page(make_report(proof))


def test_the_page_says_whether_both_agree_and_how_to_check_it() -> None:
    assert "BILL and Visma do not agree: 3 differences." in write_page(make_report())
    agreed = write_page(make_report(make_proof(4, differs=False)))
    assert "BILL and Visma agree." in agreed
    assert f"connector audit verify acme-se --head {HEAD}" in agreed


def test_every_kind_of_notice_has_a_heading() -> None:
    source = "".join(path.read_text("utf-8") for path in (ROOT / "workers" / "close").glob("*.py"))
    kinds = set(re.findall(r'(?:Notice|_note)\(\s*"(\w+)"', source)) | {"held", "dead", "waiting", "pending"}
    assert len(kinds) > 8
    assert kinds <= _HEADINGS.keys()
