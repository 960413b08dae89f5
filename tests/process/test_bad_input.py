"""Input that nobody could do anything with, over IPC: a clear error with a code, and the daemon lives on.

What runs beside it loses nothing, and what is asked next is answered by the same processes.
"""

import asyncio
import contextlib
import functools
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgpack
import msgspec
import pytest

from ai_pal.client import AsyncClient, Client
from ai_pal.errors import AiPalError
from ai_pal.models import DirectModelWrapper, LocalLLMProvider
from ai_pal.orchestration import MultiModelOrchestrator
from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions
from tests.pictures import png
from tests.process.command import ai_pal
from tests.process.homes import Environ
from tests.process.page_client import Event, GoneError, PageClient, text_of
from tests.process.supervised import Supervised, pid_of
from tests.unit.attachments.pdfs import encrypted

Part = dict[str, Any]
MIB = 1024 * 1024
ENDLESS = {"extra": {"tokens": 1_000_000, "pace": 0.01}}
LINK = {"type": "object", "properties": {"next": {"$ref": "#"}}, "required": ["next"]}


def tool(name: str, parameters: Any = None) -> Part:
    return {"name": name} | ({} if parameters is None else {"parameters": parameters})


def said(*parts: Part, role: str = "user") -> Event:
    return {"messages": [{"role": "user", "content": "hi"}, {"role": role, "content": list(parts)}]}


def wanted(**options: Any) -> Event:
    return {"messages": [{"role": "user", "content": "hi"}], "options": options}


def bound(schema: Any) -> Event:
    return wanted(response_format={"type": "json_schema", "schema": schema})


def deep(levels: int) -> Any:
    schema: Any = {}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"a": schema}}
    return schema


def image(**fields: Any) -> Part:
    return {"type": "image", "media_type": "image/png"} | fields


PERSON = {"type": "object", "properties": {"name": {"type": "string"}}}
CUT_OFF = {"type": "tool_call", "id": "1", "name": "look", "arguments": '{"city": "Par'}
RESULT = {"type": "tool_result", "id": "1", "content": "42"}
HUGE = png(40_000, 40_000, pixels=False)
BAD, SCHEMA, IMAGE, LARGE = "bad_request", "schema_invalid", "image_invalid", "image_too_large"
REFUSED: dict[str, tuple[Event, str, str]] = {
    "a schema without end": (bound(LINK), SCHEMA, "without end"),
    "parameters without end": (wanted(tools=[tool("a"), tool("b", LINK)]), SCHEMA, "tools[1].parameters"),
    "a schema that is too deep": (bound(deep(150)), SCHEMA, "nested too deep"),
    "a reference to nowhere": (bound({"$ref": "file:///etc/passwd"}), SCHEMA, "leads nowhere"),
    "a tool's name with spaces": (wanted(tools=[tool("two words")]), BAD, "tools[0].name"),
    "two tools of one name": (wanted(tools=[tool("a"), tool("a")]), BAD, "tools[1].name"),
    "a choice of no tool": (wanted(tools=[tool("a")], tool_choice={"name": "b"}), BAD, "no tool 'b'"),
    "12,000 tools": (wanted(tools=[tool(f"t{n}", PERSON) for n in range(12_000)]), SCHEMA, "50000 values"),
    "a result without its call": (said(RESULT, role="tool"), BAD, "messages[1].content[0].id"),
    "arguments that were cut off": (said(CUT_OFF, role="assistant"), BAD, "no JSON, perhaps cut off"),
    "an image that is none": (said(image(data=b"GIF? no.")), IMAGE, "messages[1].content[0]"),
    "an image as base64": (said(image(data=b"iVBORw0KGgoAAAANSUhEUgAA")), IMAGE, "base64"),
    "an image that is text": (said(image(data="iVBORw0KGgo=")), BAD, "content[0].data"),
    "an image of 40,000 x 40,000": (said(image(data=HUGE)), LARGE, "40000 x 40000 pixels"),
    "an unknown part": (said({"type": "hologram", "data": b""}), BAD, "hologram"),
    "an unknown field of a part": (said({"type": "text", "text": "a", "colour": "red"}), BAD, "colour"),
    "10,000 parts": (said(*[{"type": "text", "text": "a"}] * 10_000), BAD, "10000 parts"),
    "a frame that never comes": (said(image(frame=1)), BAD, "frame 1 is to follow"),
    "an unknown option": (wanted(temprature=1), BAD, "there is no option 'temprature'"),
    "an unknown option of the engine": (wanted(extra={"paces": 1}), BAD, "'paces'"),
    "infinity": (wanted(temperature=float("inf")), BAD, "temperature is a number of 0 or more, not inf"),
}


TOO_MANY = {"echo": ["done"], "smollm2": ["prompt_too_large", "unsupported"]}
"""What becomes of a thousand tools, which are taken: the model says whether it has room for them."""


@pytest.mark.parametrize(
    "model", ["echo", pytest.param("smollm2", marks=pytest.mark.real_model)], ids=["echo", "starter"]
)
def test_bad_input_is_refused_and_nothing_is_lost(
    model: str, supervise: Callable[..., Supervised], request: pytest.FixtureRequest
) -> None:
    settings = {}
    if model != "echo":
        cache = request.getfixturevalue("starter_model").parent.parent
        settings = {"model_cache_dir": cache, "context": 512}
    daemon = supervise(**settings)
    short = {"max_tokens": 3}
    with PageClient(daemon.endpoint) as beside, PageClient(daemon.endpoint) as client:
        running = beside.chat("again and", model="echo", options=ENDLESS)
        assert client.events(client.chat("hi", model=model, options=short))[-1]["type"] == "done"
        with daemon.client() as status:
            workers = pid_of(status, model), pid_of(status, "echo")
        for what, (fields, code, says) in REFUSED.items():
            events = client.events(client.ask("chat", model=model, **fields))
            failed = events[-1]
            assert failed["type"] == "failed", what
            reason = failed["reasons"][-1]
            assert (reason["code"], reason.get("retryable", False)) == (code, False), (what, reason)
            assert says in reason["message"], (what, reason)
            assert reason["hint"], what
        many = wanted(tools=[tool(f"t{n}", PERSON) for n in range(1000)], **short)
        assert end_of(client.events(client.ask("chat", model=model, **many))) in TOO_MANY[model]
        too_much(client)
        flood(daemon.endpoint)
        assert client.events(client.chat("hi", model=model, options=short))[-1]["type"] == "done"
        beside.send({"type": "cancel", "id": running})
        events = beside.events(running)
        assert events[-1]["type"] == "cancelled"
        words = text_of(events).split()
        assert words == (["again", "and"] * len(words))[: len(words)]
        with daemon.client() as status:
            assert (pid_of(status, model), pid_of(status, "echo")) == workers, "nothing was restarted"
    assert daemon.process.poll() is None


def test_from_python_the_same_is_refused_with_the_same_codes(supervise: Callable[..., Supervised]) -> None:
    daemon, asked = supervise(), dict[str, tuple[list[Message], GenerationOptions, str]]()
    for what, (fields, code, _) in REFUSED.items():
        with contextlib.suppress(msgspec.ValidationError):  # no such thing can be made in Python
            options = msgspec.convert(fields.get("options", {}), GenerationOptions)
            asked[what] = (msgspec.convert(fields["messages"], list[Message]), options, code)
    assert REFUSED.keys() - asked.keys() == {
        *("an unknown part", "an unknown field of a part", "an unknown option")
    }
    asked["an image that is text"] = (*asked["an image that is text"][:2], IMAGE)  # there it is its bytes
    ends = {what: code for what, (*_, code) in asked.items()}

    def plainly(ask: Callable[..., Any]) -> dict[str, str]:
        def told(messages: list[Message], options: GenerationOptions) -> str:
            with pytest.raises(AiPalError) as caught:
                ask(messages, options=options)
            return caught.value.code

        return {what: told(messages, options) for what, (messages, options, _) in asked.items()}

    async def on_a_loop() -> list[dict[str, str]]:
        async def told(ask: Callable[..., Any], messages: list[Message], options: GenerationOptions) -> str:
            with pytest.raises(AiPalError) as caught:
                await ask(messages, model="echo", options=options)
            return caught.value.code

        async with (
            AsyncClient(daemon.endpoint) as client,
            LocalLLMProvider() as provider,
            MultiModelOrchestrator() as router,
        ):
            ways = (client.ask, provider.ask, router.route_request)
            return [{what: await told(ask, *how[:2]) for what, how in asked.items()} for ask in ways]

    with Client(daemon.endpoint) as client, DirectModelWrapper("echo") as wrapper:
        assert plainly(functools.partial(client.ask, model="echo")) == ends
        assert plainly(wrapper.ask) == ends
        assert asyncio.run(on_a_loop()) == [ends] * 3
        assert client.ask("hi", model="echo", max_tokens=1).text
    assert daemon.process.poll() is None


def test_on_the_command_line_the_same_is_refused(home: Environ, tmp_path: Path) -> None:
    def written(name: str, data: bytes) -> str:
        (tmp_path / name).write_bytes(data)
        return str(tmp_path / name)

    huge = tmp_path / "huge.png"
    with huge.open("wb") as file:
        file.write(png(3, 2, pixels=False))
        file.truncate(200_000_000)  # a hole: it takes no room
    unlimited = written("unlimited.json", msgspec.json.encode(LINK))
    for arguments, says in (
        (["--schema", unlimited], "without end"),
        (["--schema", '{"$ref": "file:///etc/passwd"}'], "leads nowhere"),
        (["--tools", '[{"name": "two words"}]'], "two words"),
        (["--tools", '[{"name": "a"}, {"name": "a"}]'], "two tools 'a'"),
        (["--tools", '[{"name": "a"}]', "--tool-choice", "b"], "no tool 'b'"),
        (["--option", "paces=1"], "'paces'"),
        (["-a", written("none.png", b"\x89PNG\r\n\x1a\n no.")], "none.png"),
        (["-a", written("large.png", HUGE)], "40,000 x 40,000 pixels"),
        (["-a", str(huge)], "huge.png"),
        (["-a", written("locked.pdf", encrypted("secret", "AES-256"))], "password"),
    ):
        done = chat(home, *arguments, "hi")
        assert done.returncode == 2, (arguments, done)
        assert says in done.stderr, (arguments, done.stderr)
        assert "Traceback" not in done.stderr
        assert not done.stdout
    assert chat(home, "--max-tokens", "1", "hi").returncode == 0


def chat(environ: Environ, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return ai_pal(environ, "chat", "-m", "echo", "--no-history", *arguments)


def end_of(events: list[Event]) -> str:
    """How a request ended: its last event, or the code of its failure."""
    end = events[-1]
    return str(end["reasons"][-1]["code"] if end["type"] == "failed" else end["type"])


def too_much(client: PageClient) -> None:
    """200 MB in frames that are each small enough."""
    parts = [image(frame=number) for number in range(1, 5)]
    request = {"type": "chat", "id": 9000, "model": "echo", **said(*parts)}
    send_with(client, request, *[png(3, 2, pixels=False) + bytes(50 * MIB)] * 4)
    failed = client.events(9000)[-1]
    assert failed["type"] == "failed"
    assert failed["reasons"][-1]["code"] == "frame_too_large"


def flood(endpoint: str) -> None:
    """200 MB in one frame: no more of it is read than 64 MiB, and the connection ends."""
    with PageClient(endpoint) as client:
        client.until("welcome")
        send_with(client, {"type": "chat", "id": 1, **said(image(frame=1))}, bytes(200 * MIB))
        with pytest.raises(GoneError):
            client.until("done")


def send_with(client: PageClient, request: Event, *blobs: bytes) -> None:
    """A request and the frames behind it."""
    client.send_frames(msgpack.packb(request), *blobs)
