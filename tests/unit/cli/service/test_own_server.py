"""Whether a server takes a key is known before an agent is started."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from ai_pal.cli.service.own_server import check_key, chosen
from ai_pal.errors import AiPalError, Code


class Handler(BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        self.send_response(404 if self.headers["Authorization"] == "Bearer right" else 401)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def url() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("addresses", "url"),
    [
        ([], ""),
        (["/run/ai-pal.sock"], ""),
        (["https://127.0.0.1:1", "http://127.0.0.1:2"], "http://127.0.0.1:2"),
        (["https://models.example:1"], "https://models.example:1"),
        (["http://0.0.0.0:3"], "http://127.0.0.1:3"),
        (["http://[::]:4"], "http://[::1]:4"),
    ],
)
def test_the_one_to_ask_is_reached_from_here(addresses: list[str], url: str) -> None:
    assert chosen(addresses) == url


def test_a_key_that_is_taken_is_nothing_to_speak_of(url: str) -> None:
    check_key(url, "right")


def test_one_that_is_not_is_told_with_where_to_put_another(url: str) -> None:
    with pytest.raises(AiPalError) as caught:
        check_key(url, "none")
    assert caught.value.failure.code == Code.AUTH_FAILED
    assert "AI_PAL_CLIENT_KEY" in caught.value.failure.hint
    assert "none" not in caught.value.failure.message


def test_a_server_that_does_not_answer_is_left_to_the_agent() -> None:
    check_key("http://127.0.0.1:1", "none")
    check_key("https://127.0.0.1:1", "none")
