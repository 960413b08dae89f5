"""What takes long to read is no silence, and is ended when nobody waits for it any more."""

import asyncio
import base64
import json
import threading
from functools import partial
from typing import Any
from urllib.parse import quote

import pytest

from ai_pal.attachments.pdf import called_off
from ai_pal.attachments.waiting import Wait, wait_for
from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.gateway.answering import sending
from ai_pal.gateway.answering.outgoing import Outgoing
from ai_pal.gateway.entrance import tell_failure
from ai_pal.gateway.reading import PDFS_AT_ONCE, Reader, as_event, read_aside
from ai_pal.gateway.routes import ROUTES
from ai_pal.gateway.wire.asgi import LEFT
from ai_pal.gateway.wire.bodies import BOM
from tests.unit.attachments.pdfs import pdf
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


PDF = pdf("what it says")


def spelled(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.mark.parametrize(
    "file",
    [
        spelled(PDF),
        spelled(b"\n" + PDF),
        spelled(PDF).replace("JVBERi", "\\u004aVBERi"),
        spelled(PDF).replace("JVBERi", "JVB ERi"),
        f"data:application/pdf,{quote(PDF)}",
    ],
    ids=["as it is", "late", "escaped", "with a space", "percent"],
)
def test_a_pdf_holds_up_nobody_however_it_is_spelled(file: str) -> None:
    said = [{"role": "user", "content": [{"type": "file", "file": {"file_data": "FILE"}}]}]
    body = json.dumps({"model": "m", "messages": said}).replace("FILE", file).encode()
    route = BY_PATH["/v1/chat/completions"]
    reads = route.asks
    assert reads is not None

    async def play() -> int:
        steps, wire = 0, Wire()

        async def others() -> None:
            nonlocal steps
            while True:
                steps += 1
                await asyncio.sleep(0)

        going = asyncio.create_task(others())
        await Reader().read(partial(reads, body), route, body, Outgoing(wire.receive, wire.send))
        going.cancel()
        return steps

    assert asyncio.run(play()) > 0


def test_what_waits_for_pdfs_holds_up_no_other_body() -> None:
    """More of them than are read at a time, and than there are threads for other bodies."""
    route, go_on, many = BY_PATH["/v1/chat/completions"], threading.Event(), PDFS_AT_ONCE + 40
    looked_at, body = threading.Semaphore(0), b" " * 20_000

    def slow() -> None:
        looked_at.release()
        wait_for(Wait.PROCESS)
        assert go_on.wait(60)

    def out() -> Outgoing:
        wire = Wire()
        return Outgoing(wire.receive, wire.send)

    async def play() -> int:
        reader = Reader()
        waiting = [asyncio.create_task(reader.read(slow, route, body, out())) for _ in range(many)]
        try:
            async with asyncio.timeout(60):
                for _ in range(many + PDFS_AT_ONCE):  # each without a wait, and the first with one
                    while not looked_at.acquire(blocking=False):  # noqa: ASYNC110 - a thread tells
                        await asyncio.sleep(0.001)
                return await reader.read(lambda: 7, route, body, out())
        finally:
            go_on.set()
            await asyncio.gather(*waiting)

    assert asyncio.run(play()) == 7


@pytest.mark.parametrize("kind", ["text/event-stream", "application/x-ndjson"])
def test_an_error_in_a_stream_is_one_line(kind: str) -> None:
    (line,) = as_event({"error": "no model 'a\u2028b'"}, kind).decode().splitlines()[:1]
    assert json.loads(line.removeprefix("data: ")) == {"error": "no model 'a\u2028b'"}
