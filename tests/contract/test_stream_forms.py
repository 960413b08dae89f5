"""Forms that an answer may have besides the one in the documents, through every adapter and its real SDK: all
at once, without an end, compressed, in other charsets; and what is no answer, in the server's words."""

import gzip
import json
import zlib
from collections.abc import Callable

import pytest

from ai_pal.errors import Code
from ai_pal.protocol.provider import Api
from ai_pal.protocol.usage import Usage
from tests.contract.bodies import bodies_of
from tests.contract.providers import APIS
from tests.egress_driver import EgressDriver
from tests.servers import forms

TEXT = "Ça est « Paris » 中 \U0001f600."
JSON = "application/json"
PAGE = b"<!DOCTYPE html>\n<html><head><title>Sign in to the network</title></head><body>hello</body></html>"


def _stream(api: Api, reason: str = "stop", ending: str = "\n") -> bytes:
    made = [*forms.begun(api, 5), *forms.said(api, TEXT[:6]), *forms.said(api, TEXT[6:])]
    return forms.written(api, [*made, *forms.ended(api, reason, 5, 7)], ending)


@pytest.mark.parametrize("reason", ["stop", "length"])
@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("api", APIS)
def test_a_whole_object_is_the_answer(
    egress: EgressDriver, api: Api, indent: int | None, reason: str
) -> None:
    body = json.dumps(forms.whole(api, TEXT, reason, 5, 7), indent=indent).encode()
    with bodies_of(api) as server:
        answer = server.ask(egress, body, content_type=JSON)
    assert (answer.text, answer.done.finish_reason, answer.done.usage) == (TEXT, reason, Usage(5, 0, 7))


@pytest.mark.parametrize("api", APIS)
def test_a_whole_object_in_an_event_is_the_answer(egress: EgressDriver, api: Api) -> None:
    body = b"data: " + json.dumps(forms.whole(api, TEXT, "stop", 5, 7)).encode() + b"\n\ndata: [DONE]\n\n"
    with bodies_of(api) as server:
        answer = server.ask(egress, body)
    assert (answer.text, answer.done.usage) == (TEXT, Usage(5, 0, 7))


@pytest.mark.parametrize("api", APIS)
def test_done_without_a_reason_is_an_end_and_closing_is_none(egress: EgressDriver, api: Api) -> None:
    made = forms.said(api, TEXT)
    with bodies_of(api) as server:
        answer = server.ask(egress, forms.written(api, made, done=True))
        assert (answer.text, answer.done.finish_reason) == (TEXT, "stop")
        answer = server.ask(egress, forms.written(api, made))
        assert (answer.text, answer.failed.failure.code) == (TEXT, Code.STREAM_BROKEN)
        assert "in the middle" in answer.failed.failure.message


ENCODINGS: dict[str, Callable[[bytes], bytes]] = {
    "none": lambda data: data,
    "Identity": lambda data: data,
    "UTF-8": lambda data: data,
    "gzip": gzip.compress,
    "GZIP": gzip.compress,
    "deflate": zlib.compress,
    "x-gzip": lambda data: data,
}


@pytest.mark.parametrize("name", ENCODINGS)
@pytest.mark.parametrize("api", APIS)
def test_a_content_encoding_is_undone_where_it_is_one(egress: EgressDriver, api: Api, name: str) -> None:
    body = ENCODINGS[name](_stream(api))
    with bodies_of(api) as server:
        cut = server.ask(egress, *(body[at : at + 7] for at in range(0, len(body), 7)), content_encoding=name)
    assert (cut.text, cut.done.usage) == (TEXT, Usage(5, 0, 7))


@pytest.mark.parametrize("api", APIS)
def test_a_compression_that_nobody_knows_is_named(egress: EgressDriver, api: Api) -> None:
    with bodies_of(api) as server:
        failure = server.ask(egress, b"\x0b\x02\x80", content_encoding="br").failed.failure
    assert "compressed with br" in failure.message


@pytest.fixture(scope="module")
def bomb() -> bytes:
    """A comment of 200 MB."""
    squeeze = zlib.compressobj(level=1, wbits=31)
    zeros = bytes(1 << 20)
    return squeeze.compress(b": ") + b"".join(squeeze.compress(zeros) for _ in range(200)) + squeeze.flush()


@pytest.mark.parametrize("api", APIS)
def test_a_bomb_is_counted_while_it_unfolds(egress: EgressDriver, bomb: bytes, api: Api) -> None:
    with bodies_of(api) as server:
        failure = server.ask(egress, bomb, content_encoding="gzip").failed.failure
    assert "without text" in failure.message


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
@pytest.mark.parametrize(
    "named", ["", "; charset=utf-8", "; charset=ISO-8859-1", "; charset=nonsense", ";charset=utf-16"]
)
@pytest.mark.parametrize("api", APIS)
def test_charsets_and_byte_order_marks(egress: EgressDriver, api: Api, charset: str, named: str) -> None:
    body = _stream(api).decode().encode(charset)
    with bodies_of(api) as server:
        kind = f"text/event-stream{named}"
        assert server.ask(egress, body[:3], body[3:], content_type=kind).text == TEXT


@pytest.mark.parametrize("api", APIS)
def test_text_that_is_not_ascii_in_the_charset_that_is_named(egress: EgressDriver, api: Api) -> None:
    body = forms.written(api, [*forms.said(api, "PLACE"), *forms.ended(api, "stop", 5, 7)])
    with bodies_of(api) as server:
        latin = body.replace(b"PLACE", "né à".encode("latin-1"))
        assert server.ask(egress, latin, content_type="text/event-stream; charset=latin1").text == "né à"
        assert server.ask(egress, latin).text == "n\ufffd \ufffd"
        assert server.ask(egress, body.replace(b"PLACE", "né à".encode())).text == "né à"


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(
    ("body", "kind", "code", "word"),
    [
        (PAGE, "text/html", Code.PROVIDER_REFUSED, "Sign in to the network"),
        (PAGE, "text/event-stream", Code.PROVIDER_REFUSED, "Sign in to the network"),
        (b"404 page not found\n", "text/plain", Code.PROVIDER_REFUSED, "404 page not found"),
        (b'{"status": "ok", "version": 3}', JSON, Code.PROVIDER_REFUSED, "version"),
        (b"", "text/event-stream", Code.EMPTY_ANSWER, ""),
        (b": ping\n\n", "text/event-stream", Code.EMPTY_ANSWER, ""),
        (b"data: Paris\n\n", "text/event-stream", Code.PROVIDER_REFUSED, "Paris"),
    ],
)
def test_what_is_no_answer_says_that_base_url_is_wrong(
    egress: EgressDriver, api: Api, body: bytes, kind: str, code: Code, word: str
) -> None:
    with bodies_of(api) as server:
        failure = server.ask(egress, body, content_type=kind).failed.failure
    assert failure.code == code
    assert word in failure.detail
    assert "base_url" in failure.hint
    assert "in the middle" not in failure.message


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(
    ("body", "code", "word"),
    [
        ({"error": "Unexpected endpoint or method. (POST /x)"}, Code.STREAM_BROKEN, "Unexpected endpoint"),
        (
            {
                "error": {
                    "message": "maximum context length is 4096 tokens",
                    "code": "context_length_exceeded",
                }
            },
            Code.PROMPT_TOO_LARGE,
            "4096",
        ),
        ({"detail": "Not Found"}, Code.STREAM_BROKEN, "Not Found"),
        ([{"error": {"code": 429, "message": "slow down"}}], Code.RATE_LIMITED, "slow down"),
        ({"object": "error", "message": "the engine died", "code": 500}, Code.PROVIDER_ERROR, "engine died"),
    ],
)
def test_an_error_object_instead_of_a_stream_is_classified_by_its_words(
    egress: EgressDriver, api: Api, body: object, code: Code, word: str
) -> None:
    told = json.dumps(body).encode()
    with bodies_of(api) as server:
        for sent in (told, json.dumps(body, indent=1).encode(), b"data: " + told + b"\n\n"):
            failure = server.ask(egress, sent, content_type=JSON).failed.failure
            assert failure.code == code, failure
            assert word in failure.detail
