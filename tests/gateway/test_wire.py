"""Bytes on the wire that no client sends: each gets one answer in its protocol's words, or none, and nobody
is kept waiting by it. Over raw sockets, against the server as a process."""

import contextlib
import json
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from ai_pal.client import Client
from tests.gateway import plain_http
from tests.process.eventually import allowed, eventually

HOST = b"host: localhost\r\n"
KIND = b"content-type: application/json\r\n"
ASKED = b'{"model":"echo","messages":[{"role":"user","content":"hi"}]}'
POST = b"POST /v1/chat/completions HTTP/1.1\r\n"
LENGTH = b"content-length: %d\r\n" % len(ASKED)
WHOLE = POST + HOST + KIND + LENGTH + b"\r\n" + ASKED
GET = b"GET /health HTTP/1.1\r\n" + HOST + b"\r\n"
CHUNKED = POST + HOST + KIND + b"transfer-encoding: chunked\r\n\r\n"
CHUNK = b"%x\r\n%s\r\n" % (len(ASKED), ASKED)
ALIVE = b'{"status":"ok"}'
PACED = "echo?id=wire&pace=0.05"
LONG = 60.0


@contextlib.contextmanager
def connected(gateway: str) -> Iterator[socket.socket]:
    where = urlsplit(gateway)
    with socket.create_connection((where.hostname or "", where.port or 0), timeout=LONG) as connection:
        yield connection


def answer(gateway: str, sent: bytes) -> bytes:
    """All until the server ends the connection. Fails when it does not."""
    with connected(gateway) as connection:
        with contextlib.suppress(ConnectionError):  # it need not take all of it
            connection.sendall(sent)
        return to_the_end(connection)


def to_the_end(connection: socket.socket) -> bytes:
    found = b""
    while piece := connection.recv(65536):
        found += piece
    return found


def read_until(connection: socket.socket, sign: bytes) -> bytes:
    found = b""
    while sign not in found:
        piece = connection.recv(65536)
        assert piece, found
        found += piece
    return found


def to(path: bytes, headers: bytes = b"", body: bytes = ASKED, version: bytes = b"1.1") -> bytes:
    """A request that says more in its head, and closes after it."""
    length = b"content-length: %d\r\n" % len(body)
    line = b"POST " + path + b" HTTP/" + version + b"\r\n"
    return line + HOST + KIND + length + b"connection: close\r\n" + headers + b"\r\n" + body


NONSENSE: dict[str, tuple[bytes, int]] = {
    "a size that is none": (CHUNKED + b"zz\r\n" + ASKED, 400),
    "a size below nothing": (CHUNKED + b"-5\r\n" + ASKED, 400),
    "a size beyond all": (CHUNKED + b"f" * 18 + b"\r\n" + ASKED, 400),
    "a chunk without its line": (CHUNKED + b"%x\n" % len(ASKED) + ASKED + b"\n0\n\n", 400),
    "an extension without end": (CHUNKED + b"3c;a=" + b"b" * 10_000_000, 400),
    "trailers without end": (CHUNKED + CHUNK + b"0\r\n" + b"a: b\r\n" * 200_000, 400),
    "a length and chunks": (POST + HOST + KIND + LENGTH + CHUNKED.partition(KIND)[2] + CHUNK, 400),
    "two lengths": (to(b"/v1/messages", b"content-length: 3\r\n"), 400),
    "a length with a sign": (POST + HOST + KIND + b"content-length: +60\r\n\r\n" + ASKED, 400),
    "a length below nothing": (POST + HOST + KIND + b"content-length: -1\r\n\r\n" + ASKED, 400),
    "a length beyond all": (POST + HOST + KIND + b"content-length: " + b"9" * 30 + b"\r\n\r\n", 400),
    "another coding": (POST + HOST + KIND + b"transfer-encoding: gzip, chunked\r\n\r\n" + CHUNK, 501),
    "no coding": (to(b"/v1/messages", b"transfer-encoding: identity\r\n"), 400),
    "a folded line": (to(b"/api/chat", b"x: a\r\n b\r\n"), 400),
    "a bare CR": (to(b"/api/chat", b"x: a\rb\r\n"), 400),
    "bare LFs": (WHOLE.replace(b"\r\n", b"\n"), 400),
    "a NUL": (to(b"/api/chat", b"x: a\0b\r\n"), 400),
    "a space before the colon": (to(b"/v1/messages", b"x : a\r\n"), 400),
    "a line without colon": (to(b"/v1/messages", b"nonsense\r\n"), 400),
    "a header without name": (to(b"/v1/messages", b": x\r\n"), 400),
    "two hosts": (to(b"/v1/messages", b"host: evil.example\r\n"), 400),
    "two kinds": (to(b"/v1/messages", b"content-type: text/plain\r\n"), 400),
    "two keys": (to(b"/api/chat", b"authorization: Bearer a\r\nauthorization: Bearer b\r\n"), 400),
    "two wishes": (to(b"/api/chat", b"x-ai-pal-local-only: 1\r\nx-ai-pal-local-only: 0\r\n"), 400),
    "no host": (POST + KIND + LENGTH + b"\r\n" + ASKED, 400),
    "another's host in the target": (to(b"http://evil.example/v1/completions"), 403),
    "no path": (to(b"mailto:a@b"), 400),
    "a name and a word": (to(b"http://a:b@localhost/v1/completions"), 400),
    "bytes in the path": (b"GET /v1/models/\xff HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "a method that is none": (b"BOGUS / HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "a proxy is meant": (b"CONNECT localhost:80 HTTP/1.1\r\n" + HOST + b"\r\n", 501),
    "HTTP/2.0": (b"GET /health HTTP/2.0\r\n" + HOST + b"\r\n", 505),
    "HTTP/2's preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 400),
    "chunks over HTTP/1.0": (CHUNKED.replace(b"/1.1", b"/1.0") + CHUNK + b"0\r\n\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 200, 400),
    "a head of 10 MB": (to(b"/v1/messages", b"x: " + b"a" * 10_000_000 + b"\r\n"), 431),
    "a compressed body": (to(b"/v1/messages", b"content-encoding: gzip\r\n"), 415),
    "an empty body": (to(b"/v1/messages", body=b""), 400),
    "another path upwards": (to(b"/v1/%2e%2e/health"), 404),
}


@pytest.mark.parametrize(("sent", "status"), NONSENSE.values(), ids=list(NONSENSE))
def test_nonsense_has_one_answer_in_the_words_of_its_protocol(gateway: str, sent: bytes, status: int) -> None:
    said = answer(gateway, sent)
    head, _, body = said.partition(b"\r\n\r\n")
    assert (int(head.split()[1]), said.count(b"HTTP/1.1 ")) == (status, 1), said
    told = json.loads(body)
    line = sent.partition(b"\r\n")[0]
    if b" /api/" in line:
        assert isinstance(told["error"], str)
    else:
        assert told["error"]["message"]
        assert (told.get("type") == "error") == (b" /v1/messages" in line)


def test_programs_of_before_need_no_host(gateway: str) -> None:
    said = answer(gateway, b"GET /health HTTP/1.0\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 200 ")
    assert said.endswith(ALIVE)


def test_a_request_that_is_cut_off_anywhere_leaves_nothing_behind(gateway: str, supervisor: Client) -> None:
    request = WHOLE.replace(b'"echo"', b'"echo?id=cut"')
    request = request.replace(LENGTH, b"content-length: %d\r\n" % (len(ASKED) + 7))
    for size in range(len(request)):
        with connected(gateway) as connection:
            connection.sendall(request[:size])
    assert answer(gateway, GET.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")).endswith(ALIVE)
    assert "echo?id=cut" not in {one.model for one in supervisor.status().workers}


@pytest.mark.parametrize("wish", [b"h2c", b"websocket"])
def test_a_wish_for_another_protocol_is_passed_over(gateway: str, wish: bytes) -> None:
    """As Java's clients begin; their body, and what comes after it, count."""
    more = b"connection: Upgrade, HTTP2-Settings\r\nupgrade: " + wish + b"\r\nhttp2-settings: AAMAAABkAAQ\r\n"
    head = POST + HOST + KIND + LENGTH + more + b"\r\n"
    with connected(gateway) as connection:
        connection.sendall(head + ASKED[:20])
        connection.sendall(ASKED[20:] + GET)
        said = read_until(connection, ALIVE)
    assert said.count(b"HTTP/1.1 200 ") == 2
    assert b'"content":"hi' in said


def test_a_target_may_name_this_host(gateway: str) -> None:
    port = urlsplit(gateway).port
    line = b"GET http://localhost:%d/api/version?x=1 HTTP/1.1\r\nhost: evil.example\r\n" % (port or 0)
    assert b'"version"' in answer(gateway, line + b"connection: close\r\n\r\n")


def test_trailers_are_no_headers(gateway: str) -> None:
    for more in (b"host: evil.example", b"content-type: text/plain", b"x-ai-pal-bogus: 1"):
        with connected(gateway) as connection:
            connection.sendall(CHUNKED + CHUNK + b"0\r\n" + more + b"\r\n\r\n")
            assert b" 200 OK" in read_until(connection, b"}}}")


def test_a_stream_over_http_1_0_ends_with_its_connection_and_has_no_chunks(gateway: str) -> None:
    said = answer(gateway, to(b"/v1/chat/completions", body=ASKED[:-1] + b',"stream":true}', version=b"1.0"))
    head, _, body = said.partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head
    assert body.startswith(b"data: {")
    assert body.endswith(b"data: [DONE]\n\n")


def test_what_is_asked_in_a_row_is_answered_in_that_row(gateway: str) -> None:
    with connected(gateway) as connection:
        connection.sendall(WHOLE + GET + WHOLE + b"HEAD / HTTP/1.1\r\n" + HOST + b"\r\n" + GET)
        said = read_until(connection, ALIVE)
        said += read_until(connection, ALIVE)
    assert said.index(b"chat.completion") < said.index(ALIVE) < said.rindex(b"chat.completion")
    assert said.count(b"HTTP/1.1 200 ") == 5


def test_nonsense_behind_a_request_leaves_it_its_answer_whole(gateway: str) -> None:
    body = json.dumps({**json.loads(ASKED), "stream": True, "model": PACED}).encode()
    request = POST + HOST + KIND + b"content-length: %d\r\n\r\n" % len(body) + body
    with connected(gateway) as connection:
        connection.sendall(request)
        said = read_until(connection, b"data: ")
        connection.sendall(b"nonsense\r\n\r\n" + GET)
        said += to_the_end(connection)
    assert said.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")
    assert said.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize(("behind", "stream"), [(1, True), (40, True), (1, False)])
def test_who_leaves_with_more_behind_it_has_the_computing_stopped(
    gateway: str, supervisor: Client, behind: int, stream: bool
) -> None:
    model = f"echo?id=behind{behind}" + ("&pace=0.05" if stream else "&load_seconds=600")
    asked = {"model": model, "stream": stream, "messages": [{"role": "user", "content": "word " * 4_000}]}
    body = json.dumps(asked).encode()

    def wanted() -> int:
        of_model = [one for one in supervisor.status().workers if f"id=behind{behind}&" in f"{one.model}&"]
        return sum(one.active + one.queued for one in of_model)

    with connected(gateway) as connection:
        connection.sendall(POST + HOST + KIND + b"content-length: %d\r\n\r\n" % len(body) + body)
        if stream:
            read_until(connection, b"data: ")
        eventually(lambda: wanted() == 1)
        connection.sendall(GET * behind)
    eventually(lambda: wanted() == 0, within=allowed(2.0))


def test_a_body_that_is_too_large_hears_so_while_it_is_sent(gateway: str) -> None:
    """Also where the connection is to end with it: closed at once, it would be reset."""
    size = 300 * 1024 * 1024
    head = POST + HOST + KIND + b"connection: close\r\ncontent-length: %d\r\n\r\n" % size
    with connected(gateway) as connection:
        connection.sendall(head)
        for _ in range(200):
            connection.sendall(b" " * 65536)
        assert b"HTTP/1.1 413 " in to_the_end(connection)


def test_fifty_at_once_wait_their_turn(gateway: str) -> None:
    body = ASKED.replace(b'"echo"', b'"echo?id=many&slots=1"')
    request = POST + HOST + KIND + b"content-length: %d\r\nconnection: close\r\n\r\n" % len(body) + body
    with contextlib.ExitStack() as many:
        waiting = [many.enter_context(connected(gateway)) for _ in range(50)]
        for connection in waiting:
            connection.sendall(request)
        assert {to_the_end(connection).split(b"\r\n")[0] for connection in waiting} == {b"HTTP/1.1 200 OK"}


def test_others_are_answered_after_all_that(gateway: str) -> None:
    assert plain_http.get(f"{gateway}/ready", timeout=LONG).status_code == 200
