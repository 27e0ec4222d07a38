from __future__ import annotations

import pytest

from shared.urls import may_fetch, shares_domain

pytestmark = pytest.mark.unit

BILL = "https://gateway.prod.bill.com/connect"
LOOPBACK = "http://127.0.0.1:8080/bill/connect"


@pytest.mark.parametrize(
    ("url", "base_url", "allowed"),
    [
        ("https://files.bill.com/x?key=1", BILL, True),
        ("https://bucket.s3.amazonaws.com/x?sig=1", BILL, True),
        ("http://files.bill.com/x", BILL, False),
        ("http://127.0.0.1/x", BILL, False),
        ("http://127.0.0.1:8080/x", LOOPBACK, True),
        ("http://localhost/x", LOOPBACK, False),
        ("http://10.0.0.1/x", LOOPBACK, False),
        ("ftp://files.bill.com/x", BILL, False),
        ("file:///etc/passwd", BILL, False),
        ("/relative", BILL, False),
        ("https://user@files.bill.com/x", BILL, False),
        ("https://[bad/x", BILL, False),
        ("", BILL, False),
    ],
)
def test_which_links_may_be_followed(url: str, base_url: str, allowed: bool) -> None:
    assert may_fetch(url, base_url) is allowed


@pytest.mark.parametrize(
    ("url", "base_url", "shared"),
    [
        ("https://gateway.prod.bill.com/x", BILL, True),
        ("https://app02.us.bill.com/x", BILL, True),
        ("https://bill.com/x", BILL, True),
        ("https://evilbill.com/x", BILL, False),
        ("https://bill.com.evil.example/x", BILL, False),
        ("https://bucket.s3.amazonaws.com/x", BILL, False),
        ("http://127.0.0.1:9/x", LOOPBACK, True),
        ("http://10.2.0.1/x", LOOPBACK, False),
        ("https://com/x", "https://com/", True),
    ],
)
def test_who_may_see_the_session(url: str, base_url: str, shared: bool) -> None:
    assert shares_domain(url, base_url) is shared
