"""Who answered, told behind the headers."""

from ai_pal.gateway.answering.receipts import beside, receipt
from ai_pal.protocol import client as wire


def test_a_stream_is_utf_8_whatever_a_model_is_called() -> None:
    assert ": x-ai-pal-model: modèle\n" in beside(receipt(wire.Started(1, 1, "local", "modèle"))).decode()
