"""Both clients do the same with the same calls, over real sockets and a supervisor that keeps to a script."""

import asyncio
import inspect
import struct
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ai_pal.client import AsyncClient, Client, core
from ai_pal.client.requests import BATCH_TEXTS, IN_FLIGHT
from ai_pal.config import load_settings
from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.protocol import client as wire
from ai_pal.protocol import frames
from ai_pal.protocol.content import Image, Message, Text, TokenLogprob
from ai_pal.protocol.hub import HubModel, HubRevision
from ai_pal.protocol.options import GenerationOptions, JsonObject, NamedTool, Tool
from ai_pal.protocol.usage import Usage
from tests.contract.client_faces import FACES, AnyFace, OnLoop, connected, text_of
from tests.contract.scripted_supervisor import Script, ScriptedSupervisor
from tests.pictures import png

pytestmark = pytest.mark.anyio
FAILURE = Failure(Code.MODEL_NOT_FOUND, "no such model", "name another")


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[ScriptedSupervisor]:
    with ScriptedSupervisor(tmp_path) as supervisor:
        yield supervisor


@pytest.fixture(params=FACES, ids=["blocking", "asyncio"])
async def face(request: pytest.FixtureRequest, supervisor: ScriptedSupervisor) -> AsyncIterator[AnyFace]:
    async with connected(request.param, supervisor.endpoint) as face:
        yield face


def said(text: str) -> Script:
    """Answers with this text."""

    def script(request: Any) -> Iterable[wire.AnyEvent]:
        if isinstance(request, wire.Chat | wire.Complete):
            yield wire.Accepted(request.id)
            yield wire.Started(request.id, 1, "local", "echo")
            for n, word in enumerate(text.split(" ")):
                yield wire.Delta(request.id, n, 1, f"{word} ")
            yield wire.Done(request.id, usage=Usage(1, 0, 2))

    return script


async def heard(supervisor: ScriptedSupervisor, kind: type[wire.Request], count: int = 1) -> list[Any]:
    """What was asked of this kind, when so much of it has come."""
    await asyncio.to_thread(
        supervisor.until, lambda asked: sum(isinstance(one, kind) for one in asked) >= count
    )
    return supervisor.of(kind)


def lost(face: AnyFace) -> bool:
    return face.client.lost


async def failing(face: AnyFace, method: str, *args: Any, **how: Any) -> Failure:
    with pytest.raises(AiPalError) as caught:
        await face.call(method, *args, **how)
    return caught.value.failure


# -- the same methods --------------------------------------------------------------------------


def members(kind: type) -> dict[str, Any]:
    return {
        name: member
        for base in reversed(kind.__mro__)
        for name, member in vars(base).items()
        if not name.startswith("_") or name == "__init__"
    }


def test_every_method_of_one_is_one_of_the_other_with_the_same_options() -> None:
    blocking, on_loop = members(Client), members(AsyncClient)
    assert blocking.keys() == on_loop.keys()
    for name, member in blocking.items():
        if callable(member):
            taken = [inspect.signature(one).parameters.values() for one in (member, on_loop[name])]
            assert [str(one) for one in taken[0]] == [str(one) for one in taken[1]], name


SAID_OTHERWISE = {"__init__", "chat", "run_tools", "load", "unload", "close"}
"""Of these one says more: what is awaited, which threads there are, when a dropped one is cancelled."""


def test_what_is_said_of_one_is_said_of_the_other() -> None:
    blocking, on_loop = members(Client), members(AsyncClient)
    told = {name for name in blocking if inspect.getdoc(blocking[name]) != inspect.getdoc(on_loop[name])}
    assert told <= SAID_OTHERWISE


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_settings_are_no_address(kind: Any) -> None:
    with pytest.raises(TypeError, match=r"endpoint takes .*, not Settings: .*connect\(settings\)"):
        kind(load_settings(environ={}).settings)


# -- answers -----------------------------------------------------------------------------------


async def test_an_answer_is_gathered_from_its_parts(face: AnyFace, supervisor: ScriptedSupervisor) -> None:
    def script(request: Any) -> Iterable[wire.AnyEvent]:
        if isinstance(request, wire.Chat):
            yield wire.Delta(request.id, 0, 1, "hm", "reasoning", 0)
            yield wire.Delta(request.id, 1, 1, "well", "text", 1)
            yield wire.Logprobs(request.id, 1, [TokenLogprob(b"well", -0.1)])
            yield wire.Delta(request.id, 2, 1, "", "tool_call", 2, "c1", "look")
            yield wire.Delta(request.id, 3, 1, "{}", "tool_call", 2)
            yield wire.Done(request.id, "tool_calls")

    supervisor.script = script
    answer = await face.call("ask", "hi")
    assert (answer.text, answer.reasoning, answer.finish_reason) == ("well", "hm", "tool_calls")
    assert [call.name for call in answer.tool_calls] == ["look"]
    assert [token.data for token in answer.logprobs] == [b"well"]
    assert len(answer.message.parts) == 3


async def test_a_stream_is_all_events_up_to_the_terminal_one(
    face: AnyFace, supervisor: ScriptedSupervisor
) -> None:
    supervisor.script = said("a b")
    events = await face.events("chat", "hi")
    assert text_of(events) == "a b "
    assert [type(event) for event in events if isinstance(event, wire.TERMINAL)] == [wire.Done]
    assert events[-1] == wire.Done(events[0].id, usage=Usage(1, 0, 2))


@pytest.mark.parametrize("end", [wire.Failed(1, [FAILURE]), wire.Interrupted(1, FAILURE)])
async def test_a_failure_is_raised_and_an_event_of_a_stream(
    face: AnyFace, supervisor: ScriptedSupervisor, end: Any
) -> None:
    supervisor.script = lambda request: [
        type(end)(request.id, end.reasons if isinstance(end, wire.Failed) else FAILURE)
    ]
    assert await failing(face, "ask", "hi") == FAILURE
    assert isinstance((await face.events("chat", "hi"))[-1], type(end))


async def test_who_leaves_an_answer_early_has_it_cancelled(
    face: AnyFace, supervisor: ScriptedSupervisor
) -> None:
    supervisor.script = lambda request: (
        [wire.Delta(request.id, 0, 1, "x")] if isinstance(request, wire.Chat) else ()
    )
    (event,) = await face.events("chat", "hi", until=1)
    assert await heard(supervisor, wire.Cancel) == [wire.Cancel(event.id)]


async def test_a_cancelled_answer_goes_on_to_its_end(face: AnyFace, supervisor: ScriptedSupervisor) -> None:
    def script(request: Any) -> Iterable[wire.AnyEvent]:
        if isinstance(request, wire.Chat):
            yield wire.Delta(request.id, 0, 1, "x")
        if isinstance(request, wire.Cancel):
            yield wire.Cancelled(request.id)

    supervisor.script = script
    events = await face.cancelled("chat", "hi")
    assert [type(event) for event in events] == [wire.Delta, wire.Cancelled]
    assert len(supervisor.of(wire.Cancel)) == 1


async def test_every_option_is_a_keyword(face: AnyFace, supervisor: ScriptedSupervisor) -> None:
    supervisor.script = said("x")
    wanted = GenerationOptions(
        temperature=0.5, top_p=0.9, max_tokens=9, seed=1, stop=["end"], extra={"pace": 1}, top_k=3, min_p=0.1,
        presence_penalty=0.2, frequency_penalty=-0.2, repeat_penalty=1.1, logit_bias={7: -1.0}, logprobs=2,
        response_format=JsonObject(), tools=[Tool("look", "See.")], tool_choice="auto",
        parallel_tool_calls=False, thinking="low", thinking_budget=100, context=4096, prefill="So",
        stop_repeating=True, trim=False, lora=["/a.gguf=0.5"],
    )  # fmt: skip
    unsaid = GenerationOptions()
    names = GenerationOptions.__struct_fields__
    assert all(getattr(wanted, name) != getattr(unsaid, name) for name in names), "one is not tested"
    await face.call("ask", "hi", **{name: getattr(wanted, name) for name in names})
    given = {"tools": [{"type": "function", "function": {"name": "look", "description": "See."}}]}
    await face.call("ask", "hi", **given, tool_choice="look", stop="end")
    first, second = supervisor.of(wire.Chat)
    assert first.options == wanted
    assert (second.options.tools, second.options.tool_choice) == (wanted.tools, NamedTool("look"))
    assert second.options.stop == ["end"]


async def test_who_is_asked_for_goes_along(face: AnyFace, supervisor: ScriptedSupervisor) -> None:
    def script(request: Any) -> Iterable[wire.AnyEvent]:
        match request:
            case wire.Chat(id=n) | wire.Complete(id=n):
                yield wire.Done(n)
            case wire.Embed():
                yield vectors(request)
            case wire.Rerank(id=n):
                yield wire.Reranked(n, "m", [0.5])
            case wire.CountTokens(id=n):
                yield wire.Counted(n, "m", 1)

    supervisor.script = script
    calls = (("ask", "1"), ("complete", "1"), ("embed", ["1"]), ("rerank", "1", ["1"]), ("count_tokens", "1"))
    for name, *args in calls:
        await face.call(name, *args, principal="ann")
        for wrong in ("a\nb", "x" * 129):
            assert (await failing(face, name, *args, principal=wrong)).code == Code.BAD_REQUEST
    asked = [one for one in supervisor.asked if not isinstance(one, wire.Hello | wire.Cancel)]
    assert [one.principal for one in asked] == ["ann"] * len(calls)


async def test_a_misspelt_option_is_refused_before_anything_is_sent(
    face: AnyFace, supervisor: ScriptedSupervisor
) -> None:
    for method in ("ask", "embed", "complete", "count_tokens"):
        with pytest.raises(TypeError, match="did you mean 'model'"):
            await face.call(method, ["hi"], modle="x")
    with pytest.raises(TypeError, match="unexpected keyword argument 'system'"):
        await face.call("complete", "hi", system="x")
    await face.call("cancel", 99)
    await heard(supervisor, wire.Cancel)
    assert [type(one) for one in supervisor.asked] == [wire.Hello, wire.Cancel]


# -- attachments -------------------------------------------------------------------------------


async def test_a_large_picture_travels_behind_its_request(
    face: AnyFace, supervisor: ScriptedSupervisor
) -> None:
    supervisor.script = said("seen")
    large, small = png() + bytes(range(256)) * 20_000, png()
    picture = [Message("user", [Text("what is this?"), Image("image/png", large), Image("image/png", small)])]
    assert (await face.call("ask", picture)).text == "seen "
    asked = supervisor.of(wire.Chat)[0].messages[0].content
    assert asked == [Text("what is this?"), Image("image/png", b"", 1), Image("image/png", small)]
    assert supervisor.blobs[supervisor.asked.index(supervisor.of(wire.Chat)[0])] == [large]


async def test_what_is_too_large_is_refused_and_the_client_stays_usable(
    face: AnyFace, supervisor: ScriptedSupervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames, "MOST_FRAME", 100_000)
    supervisor.script = said("fine")
    for prompt in (
        "x" * (wire.MAX_FRAME + 1),
        [Message("user", [Image("image/png", png() + bytes(100_001))])],
    ):
        assert (await failing(face, "ask", prompt)).code == Code.FRAME_TOO_LARGE
    assert (await face.call("ask", "hi")).text == "fine "
    assert len(supervisor.of(wire.Chat)) == 1


# -- completions, vectors, scores, counts ------------------------------------------------------


async def test_a_text_is_gone_on_with_whole_and_piece_by_piece(
    face: AnyFace, supervisor: ScriptedSupervisor
) -> None:
    supervisor.script = said("b c")
    assert (await face.call("complete", "a ", "d", max_tokens=5, model="m")).text == "b c "
    assert text_of(await face.events("complete_stream", "a ")) == "b c "
    first, second = supervisor.of(wire.Complete)
    assert (first.prompt, first.suffix, first.model, first.options.max_tokens) == ("a ", "d", "m", 5)
    assert (second.prompt, second.suffix, second.options) == ("a ", None, GenerationOptions())
    for how in ({"tools": [Tool("look")]}, {"thinking": "on"}, {"options": GenerationOptions(prefill="So")}):
        assert (await failing(face, "complete", "a", **how)).code == Code.BAD_REQUEST


def vectors(request: wire.Embed) -> wire.Embedded:
    """Each text is two numbers, the second is its own."""
    data = b"".join(struct.pack("<2f", 0.5, float(str(text))) for text in request.texts)
    return wire.Embedded(request.id, "m", 2, data, Usage(len(request.texts)))


async def test_texts_become_vectors_in_their_order_however_many_there_are(
    face: AnyFace, supervisor: ScriptedSupervisor
) -> None:
    count = 5 * BATCH_TEXTS // 2
    waiting: list[wire.Embed] = []
    most = [0]

    def script(request: Any) -> Iterable[wire.AnyEvent]:
        if isinstance(request, wire.Embed):
            waiting.append(request)
            most[0] = max(most[0], len(waiting))
            if (
                len(waiting) == IN_FLIGHT
                or sum(len(one.texts) for one in supervisor.of(wire.Embed)) + len(request.texts) == count
            ):
                for one in reversed(waiting):
                    yield wire.Loading(one.id, "m", 0.5)
                    yield vectors(one)
                waiting.clear()

    supervisor.script = script
    found = await face.call("embed", (str(n) for n in range(count)), dimensions=2, keep_alive=5.0)
    assert (len(found), found.dimensions, found.model) == (count, 2, "m")
    assert found.vectors == [[0.5, float(n)] for n in range(count)]
    assert found.usage == Usage(count)
    assert most == [IN_FLIGHT]
    assert {(one.dimensions, one.keep_alive) for one in supervisor.of(wire.Embed)} == {(2, 5.0)}


async def test_vectors_are_numpys_too_without_being_numpys(
    face: AnyFace, supervisor: ScriptedSupervisor
) -> None:
    numpy = pytest.importorskip("numpy")
    supervisor.script = lambda request: [vectors(request)] if isinstance(request, wire.Embed) else []
    found = await face.call("embed", ["1", "2", "3"])
    assert numpy.asarray(found).tolist() == found.vectors
    assert numpy.asarray(found).shape == (3, 2)
    assert numpy.asarray(found, dtype="f8").dtype == "f8"
    assert found[-1] == [0.5, 3.0]
    nothing = await face.call("embed", [])
    assert (len(nothing), nothing.vectors) == (0, [])


async def test_a_batch_that_fails_leaves_none_behind(face: AnyFace, supervisor: ScriptedSupervisor) -> None:
    first = [True]

    def script(request: Any) -> Iterable[wire.AnyEvent]:
        if isinstance(request, wire.Embed) and first.pop() if first else False:
            yield wire.Failed(request.id, [FAILURE])

    supervisor.script = script
    assert await failing(face, "embed", ["x"] * (3 * BATCH_TEXTS)) == FAILURE
    asked = await heard(supervisor, wire.Embed, 2)
    assert await heard(supervisor, wire.Cancel) == [wire.Cancel(asked[1].id)]
    assert len(asked) == 2


@pytest.mark.parametrize("texts", ["one text", [b"bytes"], [None]])
async def test_what_is_no_list_of_texts_is_a_type_error(
    face: AnyFace, supervisor: ScriptedSupervisor, texts: Any
) -> None:
    with pytest.raises(TypeError, match="texts takes"):
        await face.call("embed", texts)
    with pytest.raises(TypeError, match="texts takes"):
        await face.call("rerank", "query", texts)
    assert len(supervisor.asked) == 1


async def test_texts_are_ranked(face: AnyFace, supervisor: ScriptedSupervisor) -> None:
    supervisor.script = lambda request: (
        [wire.Reranked(request.id, "m", [float(text) for text in request.texts])]
        if isinstance(request, wire.Rerank)
        else []
    )
    found = await face.call("rerank", "what?", ["0.1", "0.9", "0.4"], model="m")
    assert (found.scores, found.best, found.model) == ([0.1, 0.9, 0.4], [1, 2, 0], "m")
    assert supervisor.of(wire.Rerank)[0].query == "what?"


async def test_tokens_are_counted_with_all_that_the_prompt_depends_on(
    face: AnyFace, supervisor: ScriptedSupervisor
) -> None:
    supervisor.script = lambda request: (
        [wire.Counted(request.id, "m", 42)] if isinstance(request, wire.CountTokens) else []
    )
    tool = Tool("look")
    count = await face.call("count_tokens", "hi", system="be brief", tools=[tool], model="m")
    assert (count, count.model) == (42, "m")
    (asked,) = supervisor.of(wire.CountTokens)
    assert asked.messages == [Message("system", "be brief"), Message("user", "hi")]
    assert (asked.options.tools, asked.model) == ([tool], "m")


# -- what is done to models and the supervisor -------------------------------------------------


async def test_a_load_tells_how_far_it_is_and_goes_on_when_it_is_left(
    face: AnyFace, supervisor: ScriptedSupervisor
) -> None:
    supervisor.script = lambda request: (
        [wire.Loading(request.id, "m", 0.5), wire.Notice(request.id, "x", "y"), wire.Loaded(request.id, "m")]
        if isinstance(request, wire.Load)
        else []
    )
    events = await face.events("load", "m", 60.0, pull=True, pull_limit=7)
    assert [type(event) for event in events] == [wire.Loading, wire.Loaded]
    assert await face.last("load", "m") == wire.Loaded(events[0].id + 1, "m")
    await face.events("load", "m", until=1)
    await face.call("cancel", 99)
    assert await heard(supervisor, wire.Cancel) == [wire.Cancel(99)]
    asked = supervisor.of(wire.Load)[0]
    assert (asked.model, asked.keep_alive, asked.pull, asked.pull_limit) == ("m", 60.0, True, 7)


async def test_a_pull_is_stopped_when_it_is_left_and_ends_with_the_path(
    face: AnyFace, supervisor: ScriptedSupervisor
) -> None:
    supervisor.script = lambda request: (
        [wire.Pulling(request.id, "m"), wire.Pulled(request.id, "m", "/m")]
        if isinstance(request, wire.Pull)
        else []
    )
    assert (await face.last("pull", "m")).path == "/m"
    supervisor.script = lambda request: (
        [wire.Pulling(request.id, "m")] if isinstance(request, wire.Pull) else []
    )
    (event,) = await face.events("pull", "m", until=1)
    assert await heard(supervisor, wire.Cancel) == [wire.Cancel(event.id)]


@pytest.mark.parametrize(
    ("method", "end"), [("load", wire.Failed), ("pull", wire.Failed), ("pull", wire.Cancelled)]
)
async def test_what_ends_otherwise_is_raised(
    face: AnyFace, supervisor: ScriptedSupervisor, method: str, end: Any
) -> None:
    supervisor.script = lambda request: [end(request.id, *([[FAILURE]] if end is wire.Failed else []))]
    with pytest.raises(AiPalError) as caught:
        await face.events(method, "m")
    assert caught.value.code == (Code.MODEL_NOT_FOUND if end is wire.Failed else Code.CANCELLED)


async def test_what_is_asked_of_the_supervisor_itself(face: AnyFace, supervisor: ScriptedSupervisor) -> None:
    def script(request: Any) -> Iterable[wire.AnyEvent]:
        match request:
            case wire.Status(id=n):
                yield wire.StatusReply(n, "1", 1, 2.0, "here")
            case wire.Unload(id=n, model=model):
                yield wire.Unloaded(n, [model])
            case wire.Route(id=n):
                yield wire.Routed(n, 0.5, "cost")
            case wire.Providers(id=n):
                yield wire.ProvidersReply(n, [wire.ProviderStatus("openai", "openai", [])])
            case wire.Stop(id=n, only_if_idle=True):
                yield wire.Failed(n, [Failure(Code.MODEL_BUSY, "busy")])
            case wire.Stop(id=n):
                yield wire.Stopping(n)

    supervisor.script = script
    assert (await face.call("status")).uptime == 2.0
    assert await face.call("unload", "m", timeout=30.0) == ["m"]
    assert (await face.call("route", "hi", goal="cost", tools=[Tool("look")])).score == 0.5
    assert [one.name for one in await face.call("providers", 5.0)] == ["openai"]
    assert (await failing(face, "stop", only_if_idle=True)).code == Code.MODEL_BUSY
    await face.call("stop")
    assert supervisor.of(wire.Route)[0].options.tools == [Tool("look")]
    assert face.client.endpoint == supervisor.endpoint
    assert face.client.welcome.pid == 1


async def test_what_is_asked_of_the_hub(face: AnyFace, supervisor: ScriptedSupervisor) -> None:
    def script(request: Any) -> Iterable[wire.AnyEvent]:
        match request:
            case wire.Search(id=n, words=words):
                yield wire.SearchReply(n, "https://hub", [HubModel(words, "llamacpp")])
            case wire.Revisions(id=n, references=references):
                yield wire.RevisionsReply(n, [HubRevision(one, "c0ffee") for one in references])
            case wire.Pull(id=n, model=model):
                yield wire.Pulled(n, model, "/here")

    supervisor.script = script
    found = await face.call("search", "qwen 4b", limit=5, sort="likes")
    assert (found.hub, [one.name for one in found.models]) == ("https://hub", ["qwen 4b"])
    assert [one.commit for one in await face.call("revisions", ("org/a", "org/b@v1"))] == ["c0ffee"] * 2
    await face.events("pull", "m", newer=True)
    (asked,) = supervisor.of(wire.Search)
    assert (asked.limit, asked.sort, asked.local_only) == (5, "likes", False)
    assert supervisor.of(wire.Pull)[0].newer


async def test_who_looks_on_hears_of_changes_until_it_has_seen_enough(
    face: AnyFace, supervisor: ScriptedSupervisor
) -> None:
    def script(request: Any) -> Iterable[wire.AnyEvent]:
        if isinstance(request, wire.Subscribe):
            yield wire.Picture(request.id, "1", 1, 2.0)
            yield wire.Changes(request.id, happened=[wire.Happening("evicted", "m")])
        if isinstance(request, wire.Cancel):
            yield wire.Cancelled(request.id)

    supervisor.script = script
    picture, changes = await face.events("events", until=2)
    assert await heard(supervisor, wire.Cancel) == [wire.Cancel(picture.id)]
    assert changes.happened[0].kind == "evicted"
    events = await face.cancelled("events")
    assert [type(event) for event in events] == [wire.Picture, wire.Changes], "its own cancel is no failure"


async def test_an_opinion_goes_out_with_the_id_of_its_answer(
    face: AnyFace, supervisor: ScriptedSupervisor
) -> None:
    supervisor.script = lambda request: (
        [wire.Rated(request.id, True)] if isinstance(request, wire.Rate) else []
    )
    assert await face.call("rate", 3, False) is True
    rated = supervisor.of(wire.Rate)[0]
    assert (rated.answer, rated.good) == (3, False)


async def test_a_node_is_drained_and_the_models_that_leave_it_are_told(
    face: AnyFace, supervisor: ScriptedSupervisor
) -> None:
    supervisor.script = lambda request: (
        [wire.Drained(request.id, ["echo"])] if isinstance(request, wire.Drain) else []
    )
    assert await face.call("drain", "b") == ["echo"]
    assert [(one.node, one.undo) for one in supervisor.of(wire.Drain)] == [("b", False)]


@pytest.mark.parametrize("was_open", [True, False])
async def test_anothers_request_is_stopped_by_its_key(
    face: AnyFace, supervisor: ScriptedSupervisor, was_open: bool
) -> None:
    supervisor.script = lambda request: (
        [wire.CalledOff(request.id, request.key, was_open)] if isinstance(request, wire.CallOff) else []
    )
    assert await face.call("call_off", "aa.1") is was_open
    assert supervisor.of(wire.CallOff)[0].key == "aa.1"


# -- silence and the end -----------------------------------------------------------------------


async def test_a_supervisor_that_goes_is_lost(face: AnyFace, supervisor: ScriptedSupervisor) -> None:
    supervisor.script = lambda request: (
        [wire.Delta(request.id, 0, 1, "x")] if isinstance(request, wire.Chat) else []
    )
    assert not await face.call("wait_gone", 0.05)
    assert not lost(face)
    asking = asyncio.create_task(face.call("ask", "hi"))
    await heard(supervisor, wire.Chat)
    await asyncio.to_thread(supervisor.leave)
    with pytest.raises(AiPalError) as caught:
        await asking
    assert caught.value.code == Code.SUPERVISOR_LOST
    assert await face.call("wait_gone", 60.0)
    assert lost(face)
    assert (await failing(face, "status")).code == Code.SUPERVISOR_LOST


async def test_a_closed_client_says_so(face: AnyFace, supervisor: ScriptedSupervisor) -> None:
    asking = asyncio.create_task(face.call("ask", "hi"))
    await heard(supervisor, wire.Chat)
    face.client.close()
    face.client.close()
    with pytest.raises(AiPalError) as caught:
        await asking
    assert caught.value.code == Code.CLIENT_CLOSED
    for method, *args in (("ask", "hi"), ("embed", ["hi"]), ("status",), ("stop",), ("cancel", 1)):
        failure = await failing(face, method, *args)
        assert (failure.code, failure.message) == (Code.CLIENT_CLOSED, "this client is closed")
    assert lost(face)


async def test_that_a_lost_supervisor_was_seen_is_told_to_all_who_wait(
    supervisor: ScriptedSupervisor,
) -> None:
    async with connected(OnLoop, supervisor.endpoint) as face:
        asking = asyncio.create_task(face.call("ask", "hi"))
        await heard(supervisor, wire.Chat)
        supervisor.leave()
        ends = time.monotonic() + 60
        while not lost(face) and time.monotonic() < ends:  # without a turn for the loop
            pass
        face.client.close()
        with pytest.raises(AiPalError) as caught:
            await asking
    assert caught.value.code == Code.SUPERVISOR_LOST


async def test_who_forgets_to_open_a_client_is_told_how(supervisor: ScriptedSupervisor) -> None:
    face = OnLoop(AsyncClient(supervisor.endpoint))
    face.client.close()
    for method, *args in (("ask", "hi"), ("chat", "hi"), ("embed", ["hi"]), ("status",), ("cancel", 1)):
        failure = await failing(face, method, *args)
        assert failure.code == Code.CLIENT_CLOSED
        assert "`async with`" in failure.hint
    with pytest.raises(AiPalError, match="not open yet"):
        _ = face.client.welcome


async def test_a_supervisor_that_says_nothing_is_asked_and_given_up(
    face: AnyFace, supervisor: ScriptedSupervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core, "SILENCE", 0.2)
    assert (await failing(face, "ask", "hi")).code == Code.SUPERVISOR_SILENT
    (asked,) = supervisor.of(wire.Chat)
    assert await heard(supervisor, wire.Status)
    assert await heard(supervisor, wire.Cancel) == [wire.Cancel(asked.id)]
    monkeypatch.setattr(core, "SILENCE", 60.0)  # it answers again, as soon as it has a turn
    supervisor.script = said("back")
    assert (await face.call("ask", "hi")).text == "back "


@pytest.mark.parametrize("kind", FACES)
async def test_who_does_not_greet_in_time_is_silent(kind: type[AnyFace], tmp_path: Path) -> None:
    supervisor = ScriptedSupervisor(tmp_path)  # it listens, and nobody is at home
    with pytest.raises(AiPalError) as caught:
        async with connected(kind, supervisor.endpoint, timeout=0.2):
            pass
    supervisor.leave()
    assert caught.value.code == Code.SUPERVISOR_SILENT


async def test_a_slow_reader_is_cut_off(
    face: AnyFace, supervisor: ScriptedSupervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core, "EVENT_LIMIT", 3)
    supervisor.script = said("a b c d e f")
    assert (await failing(face, "ask", "hi")).code == Code.CLIENT_TOO_SLOW
    assert await heard(supervisor, wire.Cancel)
