"""Both clients with a real supervisor and the echo engine: parts, forms, tools, pictures, vectors, counts."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from ai_pal.errors import AiPalError, Code
from ai_pal.protocol.content import Image, Message, Reasoning, Text, ToolCall, ToolResult
from tests.contract.client_faces import FACES, AnyFace, connected
from tests.pictures import png
from tests.process.supervised import Supervised

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(180)]


@pytest.fixture(params=FACES, ids=["blocking", "asyncio"])
async def face(request: pytest.FixtureRequest, daemon: Supervised) -> AsyncIterator[AnyFace]:
    async with connected(request.param, daemon.endpoint) as face:
        yield face


class River(msgspec.Struct):
    name: str
    length: int


def look(place: str, times: int) -> str:
    """Look around."""
    return f"blue {len(place)} {times}"


async def test_every_operation(face: AnyFace) -> None:
    """One supervisor for all: what each does is proven with the protocol and the engines."""
    answer = await face.call("ask", "hello", thinking="on", logprobs=1)
    assert (answer.text, answer.reasoning) == ("hello ", "I think about hello ")
    assert [type(part) for part in answer.message.parts] == [Reasoning, Text]
    assert answer.logprobs[-1].data == b"hello "

    assert isinstance((await face.call("ask", "hello", schema=River)).value, River)
    assert (await face.call("ask", "hello", schema={"type": "object"})).value == {}

    calls: list[ToolCall] = []
    told = await face.call("run_tools", [look], "please look now", on_call=calls.append)
    assert [call.name for call in calls] == ["look"]
    result = told.conversation[2].content[0]
    assert isinstance(result, ToolResult)
    assert not result.is_error
    assert told.text == result.text + " "

    picture = Image("image/png", png() + bytes(5_000_000))
    seen = await face.call("ask", [Message("user", [Text("what"), picture])])
    assert f"{len(picture.data)} bytes" in seen.text

    found = await face.call("embed", [str(n) for n in range(300)], model="echo")
    assert (len(found), len(found[0])) == (300, found.dimensions)
    assert all(sum(x * x for x in vector) == pytest.approx(1, abs=1e-4) for vector in found)
    assert (await face.call("embed", ["7"], model="echo")).vectors == [found[7]]

    ranked = await face.call("rerank", "a b", ["c", "a b", "b"], model="echo")
    assert ranked.best[0] == 1

    count = await face.call("count_tokens", "one two", system="be brief", tools=[look])
    asked = await face.call("ask", "one two", system="be brief", tools=[look])
    assert count == asked.usage.prompt_tokens

    named, here = await face.call("models"), await face.call("models", here=True)
    assert "smollm2" in [model.name for model in named]
    assert {model.name for model in here} < {model.name for model in named}

    assert (await face.call("complete", "go on")).text == "go on "
    assert (await face.call("complete", "go on", "end")).text
    assert (await face.events("complete_stream", "go on", max_tokens=1))[-1].finish_reason == "length"


@pytest.mark.parametrize(
    ("method", "args"),
    [("embed", [["x"]]), ("rerank", ["x", ["y"]]), ("complete", ["x"]), ("ask", ["x"])],
)
async def test_what_a_model_cannot_is_refused_with_the_reason(
    face: AnyFace, method: str, args: list[Any]
) -> None:
    other = {"embed": "chat", "rerank": "chat", "complete": "chat", "ask": "embed"}[method]
    with pytest.raises(AiPalError) as caught:
        await face.call(method, *args, model=f"echo?abilities={other}")
    assert caught.value.code == Code.UNSUPPORTED
    assert (await face.call("ask", "still here")).text == "still here "
