"""Who answered, told behind the headers."""

from ai_pal.gateway.answering.receipts import beside, receipt
from ai_pal.protocol import client as wire


def test_a_stream_is_utf_8_whatever_a_model_is_called() -> None:
    assert ": x-ai-pal-model: modèle\n" in beside(receipt(wire.Started(1, 1, "local", "modèle"))).decode()


def test_a_header_holds_nothing_of_a_models_name_that_ends_the_connection() -> None:
    known = dict(receipt(wire.Started(1, 1, "local", "a\x00b\r\n c\x7f\x85d\u2028e")))
    assert known[b"x-ai-pal-model"] == b"a?b c? d e"
