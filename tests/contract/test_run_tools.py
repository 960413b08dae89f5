"""`run_tools` of both clients: what a model calls is run, bounded and visible, and it hears of it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ai_pal.client.tool_loop import ROUNDS
from ai_pal.errors import AiPalError
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import Image, Message, ToolCall, ToolResult
from tests.contract.client_faces import FACES, AnyFace, OnLoop, connected
from tests.contract.scripted_supervisor import ScriptedSupervisor
from tests.pictures import png

pytestmark = pytest.mark.anyio
PICTURE = Image("image/png", png())


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[ScriptedSupervisor]:
    with ScriptedSupervisor(tmp_path) as supervisor:
        yield supervisor


@pytest.fixture(params=FACES, ids=["blocking", "asyncio"])
async def face(request: pytest.FixtureRequest, supervisor: ScriptedSupervisor) -> AsyncIterator[AnyFace]:
    async with connected(request.param, supervisor.endpoint) as face:
        yield face


def model(*rounds: list[tuple[str, str]] | str) -> Callable[[Any], Iterable[wire.AnyEvent]]:
    """Calls these tools one round after the other; a text is an answer. The last goes on for ever."""
    asked = [0]

    def script(request: Any) -> Iterable[wire.AnyEvent]:
        if not isinstance(request, wire.Chat):
            return
        now = rounds[min(asked[0], len(rounds) - 1)]
        asked[0] += 1
        if isinstance(now, str):
            yield wire.Delta(request.id, 0, 1, now)
            yield wire.Done(request.id)
            return
        for index, (name, arguments) in enumerate(now):
            call = f"call{asked[0]}-{index}"
            yield wire.Delta(request.id, index, 1, arguments, "tool_call", index, call, name)
        yield wire.Done(request.id, "tool_calls")

    return script


def weather(city: str, days: int = 1) -> dict[str, Any]:
    """The weather."""
    if city == "Atlantis":
        raise LookupError("it sank")
    return {"city": city, "days": days, "sky": "blue"}


async def later(city: str) -> str:
    """The weather, from far away."""
    await asyncio.sleep(0)
    return f"rain in {city}"


def results(supervisor: ScriptedSupervisor, round_number: int = -1) -> list[ToolResult]:
    """What the model was told in this round."""
    message = supervisor.of(wire.Chat)[round_number].messages[-1]
    assert message.role == "tool"
    found: list[ToolResult] = message.content
    return found


async def test_what_is_called_is_run_and_its_result_sent_back(
    face: AnyFace, supervisor: ScriptedSupervisor
) -> None:
    supervisor.script = model(
        [("weather", '{"city": "Paris"}'), ("later", '{"city": "Rome"}')], "Blue, and rain."
    )
    seen: list[ToolCall] = []
    answer = await face.call(
        "run_tools", [weather, later], "How is it?", on_call=seen.append, system="be brief"
    )
    assert answer.text == "Blue, and rain."
    assert [call.name for call in seen] == ["weather", "later"]
    assert results(supervisor) == [
        ToolResult("call1-0", '{"city":"Paris","days":1,"sky":"blue"}'),
        ToolResult("call1-1", "rain in Rome"),
    ]
    first, second = supervisor.of(wire.Chat)
    assert [tool.name for tool in first.options.tools] == ["weather", "later"]
    assert (
        second.messages[:2]
        == first.messages
        == [Message("system", "be brief"), Message("user", "How is it?")]
    )
    assert second.messages[2].content == seen
    assert answer.conversation == [*second.messages[1:], Message("assistant", "Blue, and rain.")]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (("weather", '{"city": "Atlantis"}'), "LookupError: it sank"),
        (("wether", "{}"), "there is no tool 'wether'; there are: weather, later"),
        (("weather", "{}"), "missing required field `city`"),
        (("weather", '{"city": "Paris", "days": "two"}'), "Expected `int`, got `str` - at `$.days`"),
        (("weather", '{"city": "Par'), "the arguments are not as they should be"),
        (("weather", '{"city": ' + "[" * 9999), "Expected `str`, got `array` - at `$.city`"),
        (("weather", '{"city": "Paris", "more": ' + "[" * 9999), "unknown field `more`"),
        (("weather", "null"), "Expected `object`"),
        (("weather", ""), "missing required field `city`"),
    ],
)
async def test_what_goes_wrong_is_told_to_the_model(
    face: AnyFace, supervisor: ScriptedSupervisor, call: tuple[str, str], words: str
) -> None:
    supervisor.script = model([call], "Oh.")
    assert (await face.call("run_tools", [weather, later], "hi")).text == "Oh."
    (result,) = results(supervisor)
    assert result.is_error
    assert words in result.text


async def test_rounds_are_bounded_and_the_last_answer_stands(
    face: AnyFace, supervisor: ScriptedSupervisor
) -> None:
    count = [0]

    def more() -> int:
        count[0] += 1
        return count[0]

    supervisor.script = model([("more", "{}")])
    answer = await face.call("run_tools", [more], "hi", rounds=3)
    assert (count, len(supervisor.of(wire.Chat))) == ([3], 4)
    assert (answer.finish_reason, len(answer.tool_calls)) == ("tool_calls", 1)
    assert [notice.kind for notice in answer.notices] == ["rounds"]
    await face.call("run_tools", [more], "hi")
    assert count == [3 + ROUNDS]
    with pytest.raises(AiPalError, match="rounds is a whole number of 1 or more, not 0"):
        await face.call("run_tools", [more], "hi", rounds=0)


async def test_a_call_that_gives_the_same_again_and_again_is_not_made_for_ever(
    face: AnyFace, supervisor: ScriptedSupervisor
) -> None:
    count = [0]

    def look(place: str, near: bool = True) -> str:
        count[0] += 1
        return "nothing"

    rounds = [[("look", text)] for text in ('{"place":"a","near":true}', '{"near": true, "place": "a"}')]
    supervisor.script = model(*rounds, rounds[0], [("look", '{"place": "b"}')], "I give up.")
    assert (await face.call("run_tools", [look], "hi")).text == "I give up."
    assert count == [3]
    assert [results(supervisor, n)[0].is_error for n in range(1, 5)] == [False, False, True, False]
    assert "the same result twice" in results(supervisor, 3)[0].text


async def test_a_call_whose_result_changes_may_be_made_again(
    face: AnyFace, supervisor: ScriptedSupervisor
) -> None:
    count = [0]

    def poll() -> int:
        count[0] += 1
        return count[0]

    supervisor.script = model(*[[("poll", "{}")]] * 5, "Done.")
    assert (await face.call("run_tools", [poll], "hi")).text == "Done."
    assert count == [5]


async def test_who_is_told_of_a_call_may_refuse_it_or_end_all(
    face: AnyFace, supervisor: ScriptedSupervisor
) -> None:
    ran: list[str] = []

    def erase(path: str) -> None:
        ran.append(path)

    supervisor.script = model([("erase", '{"path": "/"}'), ("erase", '{"path": "/tmp"}')], "As you wish.")
    await face.call("run_tools", [erase], "hi", on_call=lambda call: call.arguments != '{"path": "/"}')
    refused, made = results(supervisor)
    assert (ran, refused.is_error, made.is_error) == (["/tmp"], True, False)

    async def asked(call: ToolCall) -> bool:
        return False

    supervisor.script = model([("erase", '{"path": "/"}')], "As you wish.")
    await face.call("run_tools", [erase], "hi", on_call=asked)
    assert ran == ["/tmp"]

    def stop(call: ToolCall) -> None:
        raise KeyError("enough")

    supervisor.script = model([("erase", '{"path": "/"}')])
    with pytest.raises(KeyError):
        await face.call("run_tools", [erase], "hi", on_call=stop)
    assert ran == ["/tmp"]


async def test_what_had_to_be_called_has_to_be_once(face: AnyFace, supervisor: ScriptedSupervisor) -> None:
    supervisor.script = model([("weather", '{"city": "Paris"}')], "Blue.")
    await face.call("run_tools", [weather], "hi", tool_choice="required")
    assert [one.options.tool_choice for one in supervisor.of(wire.Chat)] == ["required", "auto"]
    await face.call("run_tools", [weather], "hi", tool_choice="none")
    assert supervisor.of(wire.Chat)[-1].options.tool_choice == "none"


async def test_a_picture_may_be_a_result(face: AnyFace, supervisor: ScriptedSupervisor) -> None:
    def draw() -> Image:
        """Draw."""
        return PICTURE

    supervisor.script = model([("draw", "{}")], "Nice.")
    await face.call("run_tools", [draw], "hi")
    assert results(supervisor) == [ToolResult("call1-0", [PICTURE])]


async def test_what_is_no_set_of_functions_is_a_type_error(
    face: AnyFace, supervisor: ScriptedSupervisor
) -> None:
    def other() -> None: ...

    other.__name__ = "weather"
    for functions, how in (([weather, other], {}), ([7], {}), ([weather], {"tools": [weather]})):
        with pytest.raises(TypeError):
            await face.call("run_tools", functions, "hi", **how)
    assert supervisor.of(wire.Chat) == []


async def test_plain_functions_do_not_stop_the_loop_and_calls_run_side_by_side(
    supervisor: ScriptedSupervisor,
) -> None:
    both = asyncio.Barrier(2)
    loop = asyncio.get_running_loop()

    async def meet() -> str:
        await both.wait()
        return "met"

    def blocking() -> str:
        return asyncio.run_coroutine_threadsafe(meet(), loop).result(60)

    supervisor.script = model([("meet", "{}"), ("blocking", "{}")], "Met.")
    async with connected(OnLoop, supervisor.endpoint) as face, asyncio.timeout(60):
        await face.call("run_tools", [meet, blocking], "hi")
    assert [result.text for result in results(supervisor)] == ["met", "met"]
