"""What a connection may take and how long, over raw sockets, against the server as a process."""

import contextlib
import socket
import time
from collections.abc import Iterator

import pytest

from tests.gateway import plain_http
from tests.gateway.keyed import Keyed, keyed_server
from tests.process.eventually import allowed

HEAD, BODY, PLACES, SOON, LONG = 8 * 1024, 64 * 1024, 8, 1.0, 90.0
CONFIG = f"""[http]
max_head = {HEAD}
max_body = {BODY}
max_connections = {PLACES}
head_timeout = "{SOON:g}s"
body_timeout = "{SOON:g}s"
idle_timeout = "{SOON:g}s"
"""
GET = b"GET /health HTTP/1.1\r\nhost: localhost\r\n"
POST = b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
SILENT = 2000
ALIVE = b'{"status":"ok"}'


@pytest.fixture(scope="module")
def narrow() -> Iterator[Keyed]:
    with keyed_server(CONFIG) as found:
        yield found


@contextlib.contextmanager
def connected(server: Keyed, *sent: bytes) -> Iterator[socket.socket]:
    with socket.create_connection(server.place, timeout=LONG) as connection:
        for data in sent:
            connection.sendall(data)
        yield connection


def heard(connection: socket.socket) -> bytes:
    """All until the server ends it. Fails when it does not."""
    pieces = []
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(65536):
            pieces.append(piece)
    return b"".join(pieces)


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer else 0


def authorized(server: Keyed) -> bytes:
    return b"authorization: Bearer " + server.keys["anybody"].encode() + b"\r\n"


def took(connection: socket.socket, began: float) -> tuple[bytes, float]:
    """What is heard, and how long after `began` the end comes."""
    return heard(connection), time.monotonic() - began


@pytest.mark.parametrize(
    "lines",
    [
        [b"x: " + b"a" * HEAD + b"\r\n\r\n"],
        [b"x: " + b"a" * (HEAD - 100), b"a" * 200],
        [b"a: b\r\n" * HEAD],
        [b"a: b\r\n"] * (HEAD // 6),
    ],
    ids=["one header", "in pieces", "many headers", "line by line"],
)
def test_a_head_that_is_too_large_is_a_431(narrow: Keyed, lines: list[bytes]) -> None:
    with connected(narrow, GET) as connection:
        with contextlib.suppress(ConnectionError):  # it is refused before all is out
            for line in lines:
                connection.sendall(line)
        assert status(heard(connection)) in (431, 0)
    with connected(narrow, b"GET /" + b"a" * HEAD + b" HTTP/1.1\r\nhost: localhost\r\n\r\n") as connection:
        assert status(heard(connection)) == 431


def test_a_body_that_is_too_large_is_a_413_before_it_is_read(narrow: Keyed) -> None:
    for more in (b"content-length: %d\r\n" % (BODY + 1), b"transfer-encoding: chunked\r\n"):
        with connected(narrow, POST + authorized(narrow) + more + b"\r\n") as connection:
            if b"chunked" in more:
                for _ in range(BODY // 4096 + 1):
                    connection.sendall(b"1000\r\n" + b" " * 4096 + b"\r\n")
            answer = heard(connection)
            assert status(answer) == 413
            assert b'"error"' in answer


def test_a_body_that_is_nested_too_deeply_is_a_400(narrow: Keyed) -> None:
    for body in (b"[" * 60_000, b'{"tools":' + b'{"a":' * 300 + b"1" + b"}" * 301):
        answer = plain_http.post(
            f"{narrow.url}/v1/chat/completions",
            content=body,
            headers={"content-type": "application/json", **narrow.bearer("anybody")},
            timeout=LONG,
        )
        assert (answer.status_code, "nested" in answer.text) == (400, True)


@pytest.mark.parametrize(
    ("sent", "code"),
    [([], 0), ([b"GET"], 408), ([GET], 408), ([GET, b"\r\n", b"GET /he"], 200)],
    ids=["nothing", "a word", "no end", "the second"],
)
def test_a_head_that_does_not_come_is_not_waited_for(narrow: Keyed, sent: list[bytes], code: int) -> None:
    began = time.monotonic()
    with connected(narrow, *sent) as connection:
        answer, seconds = took(connection, began)
    assert status(answer) == code
    assert SOON / 2 < seconds < allowed(SOON + 3)


def test_a_head_that_drips_is_not_waited_for_either(narrow: Keyed) -> None:
    with connected(narrow, GET) as connection:
        began = time.monotonic()
        connection.settimeout(0.2)
        with contextlib.suppress(ConnectionError):
            while time.monotonic() - began < LONG:
                connection.sendall(b"a: b\r\n")
                with contextlib.suppress(TimeoutError):
                    assert status(connection.recv(1000)) in (408, 0)
                    break
        assert time.monotonic() - began < allowed(SOON + 3)


def test_a_body_that_does_not_come_is_a_408(narrow: Keyed) -> None:
    began = time.monotonic()
    with connected(narrow, POST + authorized(narrow) + b"content-length: 9\r\n\r\n{") as connection:
        answer, seconds = took(connection, began)
    assert status(answer) == 408
    assert b'"error"' in answer
    assert seconds < allowed(2 * SOON + 3), "and what is left of the body is not waited for"


def test_who_has_no_key_is_not_waited_for(narrow: Keyed) -> None:
    began = time.monotonic()
    with connected(narrow, POST + b"content-length: 9\r\n\r\n{") as connection:
        answer, seconds = took(connection, began)
    assert status(answer) == 401
    assert seconds < allowed(SOON + 3)


def test_between_two_requests_it_is_closed_after_a_while(narrow: Keyed) -> None:
    with connected(narrow) as connection:
        for _ in range(2):
            began = time.monotonic()
            connection.sendall(GET + b"\r\n")
            answer = b""
            while ALIVE not in answer:
                piece = connection.recv(65536)
                assert piece
                answer += piece
        rest, seconds = took(connection, began)
    assert rest == b""
    assert SOON / 2 < seconds < allowed(SOON + 3)


def test_connections_that_say_nothing_stop_nobody(narrow: Keyed) -> None:
    with contextlib.ExitStack() as many:
        for _ in range(200):
            many.enter_context(connected(narrow))
        began = time.monotonic()
        assert plain_http.get(f"{narrow.url}/health", timeout=LONG).status_code == 200
        assert time.monotonic() - began < allowed(1.0)


def test_two_thousand_silent_connections_stop_nobody(keyed_as_usual: Keyed) -> None:
    with contextlib.ExitStack() as many:
        for _ in range(SILENT):
            many.enter_context(connected(keyed_as_usual))
        for _ in range(3):
            began = time.monotonic()
            assert plain_http.get(f"{keyed_as_usual.url}/health", timeout=LONG).status_code == 200
            assert time.monotonic() - began < allowed(1.0)


@pytest.fixture
def keyed_as_usual() -> Iterator[Keyed]:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < SILENT + 500:
        pytest.skip("this system lets nobody have so many connections")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, SILENT + 500), hard))
    try:
        with keyed_server("") as found:
            yield found
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_who_is_answered_keeps_the_place_and_one_more_is_told(narrow: Keyed) -> None:
    said = [{"role": "user", "content": "word " * 5_000}]
    body = {"model": f"echo?pace=0.05&slots={PLACES}", "stream": True, "messages": said}
    owner, url = narrow.bearer("owner"), f"{narrow.url}/v1/chat/completions"
    with contextlib.ExitStack() as open_now:
        for _ in range(PLACES):
            answer = open_now.enter_context(
                plain_http.stream("POST", url, json=body, headers=owner, timeout=LONG)
            )
            assert answer.status_code == 200
        full = plain_http.get(f"{narrow.url}/health", timeout=LONG)
        assert (full.status_code, full.headers["retry-after"]) == (503, "5")
