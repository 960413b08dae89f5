"""From errors of a connection to the error taxonomy."""

from ai_pal.egress.providers.http import BadResponse
from ai_pal.egress.providers.transport import of_transport
from ai_pal.errors import Code


def test_a_connection_error_is_named_in_the_systems_words() -> None:
    failure = of_transport("p", ConnectionRefusedError(111, "Connection refused"), sent=False)
    assert failure.code == Code.PROVIDER_UNREACHABLE
    assert failure.message == "p could not be reached: connection refused"


def test_an_error_under_another_is_found() -> None:
    outer = RuntimeError("outer")
    outer.__cause__ = ExceptionGroup("many", [ConnectionResetError(104, "Connection reset by peer")])
    assert of_transport("p", outer, sent=True).message.endswith("connection reset by peer")


def test_our_own_mistakes_are_not_the_networks() -> None:
    assert of_transport("p", TypeError("oops"), sent=False).code == Code.INTERNAL
    assert of_transport("p", TypeError("oops"), sent=True).code == Code.STREAM_BROKEN
    assert of_transport("p", BadResponse("too much"), sent=True).message.endswith("too much")
