"""From errors of a connection to the error taxonomy."""

import socket

import pytest

from ai_pal.egress.providers.http.traffic import BadResponse, Traffic
from ai_pal.egress.providers.http.transport import of_transport, too_late
from ai_pal.errors import Code

PROXIED = {"HTTPS_PROXY": "http://somebody:secret@proxy.test:3128"}


def traffic(*, left: bool = False, sent: bool = False, url: str = "https://api.test/v1") -> Traffic:
    found = Traffic()
    found.left, found.sent, found.url = left or sent, sent, url
    return found


def test_a_connection_error_is_named_in_the_systems_words() -> None:
    failure = of_transport("p", ConnectionRefusedError(111, "Connection refused"), traffic(), {})
    assert failure.code == Code.PROVIDER_UNREACHABLE
    assert failure.message == "p could not be reached: connection refused"


def test_an_error_under_another_is_found() -> None:
    outer = RuntimeError("outer")
    outer.__cause__ = ExceptionGroup("many", [ConnectionResetError(104, "Connection reset by peer")])
    assert of_transport("p", outer, traffic(sent=True), {}).message.endswith("connection reset by peer")


def test_our_own_mistakes_are_not_the_networks() -> None:
    assert of_transport("p", TypeError("oops"), traffic(), {}).code == Code.INTERNAL
    assert of_transport("p", TypeError("oops"), traffic(sent=True), {}).code == Code.STREAM_BROKEN
    failure = of_transport("p", BadResponse("too much"), traffic(sent=True), {})
    assert failure.message == "the answer from p broke off: too much"


def test_a_name_that_nobody_knows_is_named() -> None:
    error = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    assert of_transport("p", error, traffic(), {}).message == (
        "p could not be reached: the name api.test is not known"
    )
    error = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
    assert "no name server answered" in of_transport("p", error, traffic(), {}).message


@pytest.mark.parametrize(
    ("seen", "code", "said"),
    [
        (traffic(), Code.CONNECT_TIMEOUT, "p took no connection within 3 s"),
        (traffic(left=True), Code.FIRST_TOKEN_TIMEOUT, "p took only a part of the prompt within 3 s"),
        (traffic(sent=True), Code.FIRST_TOKEN_TIMEOUT, "p sent no text within 3 s"),
    ],
)
def test_what_was_too_late_depends_on_what_has_left(seen: Traffic, code: Code, said: str) -> None:
    failure = too_late("p", seen, 3.0, {})
    assert (failure.code, failure.message) == (code, said)
    by_way = too_late("p", seen, 3.0, PROXIED).message
    assert by_way == f"{said}, by way of the proxy proxy.test:3128 (HTTPS_PROXY)"
