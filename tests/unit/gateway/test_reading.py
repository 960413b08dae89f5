"""What takes long to read is no silence, and is ended when nobody waits for it any more."""

import asyncio
import json
import threading
from typing import Any

import pytest

from ai_pal.attachments.pdf import called_off
from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.gateway.answering import sending
from ai_pal.gateway.answering.outgoing import Outgoing
from ai_pal.gateway.entrance import tell_failure
from ai_pal.gateway.reading import as_event, read_aside
from ai_pal.gateway.routes import ROUTES
from ai_pal.gateway.wire.asgi import LEFT
from ai_pal.gateway.wire.bodies import BOM
from tests.unit.gateway.answering.test_sending import Wire

BAD = AiPalError(Failure(Code.BAD_REQUEST, "no PDF"))
BY_PATH = {route.path: route for route in ROUTES if route.method == "POST"}


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "ALIVE", 0.01)


@pytest.mark.parametrize("before", [b"", BOM], ids=["plain", "with a mark"])
@pytest.mark.parametrize(
    ("path", "stream", "kind"),
    [
        ("/v1/chat/completions", True, "text/event-stream"),
        ("/v1/messages", True, "text/event-stream"),
        ("/v1/messages", None, "application/json"),
        ("/v1/chat/completions", False, "application/json"),
        ("/api/chat", None, "application/x-ndjson"),
        ("/api/generate", False, "application/json"),
    ],
)
def test_signs_of_life_have_the_form_of_the_answer_and_so_has_its_failure(
    path: str, stream: Any, kind: str, before: bytes
) -> None:
    route, body = BY_PATH[path], before + json.dumps({"model": "m", "stream": stream}).encode()

    async def play() -> Wire:
        wire, alive = Wire(), threading.Event()

        async def send(message: Any) -> None:
            await wire.send(message)
            if message.get("body"):
                alive.set()

        def read() -> None:
            assert alive.wait(60)
            raise BAD

        out = Outgoing(wire.receive, send)
        try:
            await read_aside(read, route, body, out)
        except AiPalError as error:
            await tell_failure(route.error, error, out)
        return wire

    wire = asyncio.run(play())
    assert (wire.sent[0]["status"], dict(wire.sent[0]["headers"])[b"content-type"]) == (200, kind.encode())
    assert wire.ends == 1
    text = wire.body.decode()
    if kind == "text/event-stream":
        assert text.startswith(": reading what is attached\n\n")
        [data] = [line[6:] for line in text.splitlines() if line.startswith("data: ")]
        assert text.endswith("\n\n")
    elif kind == "application/json":
        data = text
    else:
        *signs, data = text.splitlines()
        assert not any(json.loads(line)["done"] for line in signs)
    assert "no PDF" in json.dumps(json.loads(data)["error"])


def test_who_leaves_has_it_ended() -> None:
    async def play() -> None:
        wire, ended, loop = Wire(), threading.Event(), asyncio.get_running_loop()

        def read() -> None:
            unwanted = called_off.get()
            assert unwanted is not None
            loop.call_soon_threadsafe(wire.leaves.set)
            assert unwanted.wait(60)
            ended.set()

        with pytest.raises(AiPalError) as left:
            await read_aside(read, BY_PATH["/api/chat"], b"{}", Outgoing(wire.receive, wire.send))
        assert left.value is LEFT
        assert ended.is_set()

    asyncio.run(play())


@pytest.mark.parametrize("kind", ["text/event-stream", "application/x-ndjson"])
def test_an_error_in_a_stream_is_one_line(kind: str) -> None:
    (line,) = as_event({"error": "no model 'a\u2028b'"}, kind).decode().splitlines()[:1]
    assert json.loads(line.removeprefix("data: ")) == {"error": "no model 'a\u2028b'"}
