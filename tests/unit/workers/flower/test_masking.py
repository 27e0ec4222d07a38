"""Neither a secret nor a payee's account is shown, whatever text it stands in."""

from __future__ import annotations

import pytest

from workers.flower.masking import mask_body, mask_text

pytestmark = pytest.mark.unit

IBAN = "SE4550000000058398257466"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"cannot pay to {IBAN} today", "cannot pay to *** today"),
        ("account SE45 5000 0000 0583 9825 7466 AND MORE", "account *** AND MORE"),
        ("NO9386011117947, please", "***, please"),
        ("the VAT number SE556677889901 is known", "the VAT number SE556677889901 is known"),
        ("ORDER AB12 3456 7890 1234 5678", "ORDER AB12 3456 7890 1234 5678"),
        ('{"accountNumber": "123456789", "id": 1}', '{"accountNumber": ***, "id": 1}'),
        ("routingNumber=021000021; next", "routingNumber=***; next"),
        ('{\\"iban\\": \\"DE00\\"}', '{\\"iban\\": ***}'),
        ("postgresql://me:hunter22@host/db", "postgresql://me:***@host/db"),
        ("devKey: 01ABCDEF", "devKey: ***"),
    ],
)
def test_texts_are_masked_and_stay_readable(text: str, shown: str) -> None:
    assert mask_text(text) == shown


def test_a_notification_is_indented_without_its_bank_details() -> None:
    raw = (
        b'{"vendor":{"id":"009","name":"\xc3\x85keri","paymentInformation":{"bankAccount":'
        b'{"nameOnAccount":"Anna Ek","accountNumber":"998877"}},"balance":{"amount":12.50},"iban":null}}'
    )
    shown = mask_body(raw)
    assert '"paymentInformation": "***"' in shown
    assert '"name": "Åkeri"' in shown and '"iban": null' in shown
    assert "998877" not in shown and "Anna" not in shown


def test_what_is_no_json_is_masked_too() -> None:
    shown = mask_body(b'{"vendor": {"bankAccount": {"accountNumber": "998877", "nameOnAccount": "Anna E')
    assert "998877" not in shown and "Anna" not in shown
    assert mask_body(b"\xff\xfe").count("\ufffd") == 2
    assert len(mask_body(b"x" * 50_000)) == 20_001
