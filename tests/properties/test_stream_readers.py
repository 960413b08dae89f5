"""Whatever order the events of an answer come in, the SDKs' own readers of streams put it together as it was
said, or raise their error. Real writers, real SDKs, no sockets."""

import json
import random
from typing import Any

import anthropic
import httpx
import httpx2
import ollama
import openai
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from ai_pal.gateway.anthropic.answer import MessageStream
from ai_pal.gateway.asking import seals
from ai_pal.gateway.ollama.answers import Lines
from ai_pal.gateway.openai.chat_answer import ChatStream
from ai_pal.gateway.openai.choices import Choices
from ai_pal.gateway.openai.completion_answer import CompletionStream
from ai_pal.gateway.openai.responses.answer import ResponseStream, Wishes
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import Message
from tests.said import BATCHES, Said, said, written

EXAMPLES = settings(max_examples=40, phases=[Phase.explicit, Phase.generate])
URL = "http://gateway"
EVENTS = {"content-type": "text/event-stream"}
answers = st.integers(0, 2**32).map(random.Random)
Call = tuple[str, str, str]


def openai_of(body: bytes) -> openai.OpenAI:
    answer = httpx2.MockTransport(lambda _: httpx2.Response(200, headers=EVENTS, content=body))
    return openai.OpenAI(
        base_url=URL, api_key="none", max_retries=0, http_client=httpx2.Client(transport=answer)
    )


def anthropic_of(body: bytes) -> anthropic.Anthropic:
    answer = httpx2.MockTransport(lambda _: httpx2.Response(200, headers=EVENTS, content=body))
    return anthropic.Anthropic(
        base_url=URL, api_key="none", max_retries=0, http_client=httpx2.Client(transport=answer)
    )


def calls(one: Said) -> list[Call]:
    return [(call.id, call.name, call.arguments) for call in one.calls]


def objects(one: Said) -> list[tuple[str, dict[str, Any]]]:
    return [(call.name, json.loads(call.arguments)) for call in one.calls]


def tools(*, strict: bool) -> list[Any]:
    schema = {"type": "object", "additionalProperties": True}
    return [
        {"type": "function", "function": {"name": name, "parameters": schema, "strict": strict}}
        for name in ("weather", "search")
    ]


def chat(index: int = 0) -> ChatStream:
    return ChatStream("chatcmpl-1", "small", 0, include_usage=True, index=index)


@EXAMPLES
@given(answers)
def test_openais_helper_for_chats(draw: random.Random) -> None:
    one = said(draw)
    client = openai_of(written(chat(), one.batches))
    done: list[str] = []
    with client.chat.completions.stream(model="m", messages=[], tools=tools(strict=not one.cut)) as stream:
        if one.failed:
            with pytest.raises(openai.APIError):
                list(stream)
            return
        for event in stream:
            if event.type == "tool_calls.function.arguments.done":
                assert event.index == len(done)
                done.append(event.arguments.strip())
        (choice,) = stream.current_completion_snapshot.choices
    assert (choice.message.content or "") == one.text
    assert getattr(choice.message, "reasoning_content", "") == one.thoughts
    assert choice.finish_reason == one.reason
    made = choice.message.tool_calls or []
    assert [(call.id, call.function.name, call.function.arguments.strip()) for call in made] == calls(one)
    assert done == [call.arguments for call in one.calls]
    assert "".join(token.token for token in (choice.logprobs and choice.logprobs.content) or []) == one.scored


@EXAMPLES
@given(answers)
def test_openais_helper_for_several_chats(draw: random.Random) -> None:
    several = [said(draw, number) for number in range(3)]
    batches = merged(draw, [one.batches for one in several])
    client = openai_of(written(Choices([chat(number) for number in range(3)], 3), batches))
    with client.chat.completions.stream(model="m", messages=[]) as stream:
        if any(one.failed for one in several):
            with pytest.raises(openai.APIError):
                list(stream)
            return
        list(stream)
        found = stream.current_completion_snapshot.choices
    assert [choice.message.content for choice in found] == [one.text for one in several]
    assert [choice.finish_reason for choice in found] == [one.reason for one in several]


@EXAMPLES
@given(answers, st.booleans())
def test_openais_helper_for_responses(draw: random.Random, summary: bool) -> None:
    one = said(draw)
    kept: list[Message] = []
    writer = ResponseStream("resp_1", "small", {}, Wishes(summary), lambda _, turn: kept.append(turn))
    open_texts: set[str] = set()
    with openai_of(written(writer, one.batches)).responses.stream(model="m", input="x") as stream:
        last: Any = None
        for count, event in enumerate(stream):
            last = event
            assert event.sequence_number == count
            if event.type == "response.content_part.added":
                open_texts.add(event.item_id)
            elif event.type == "response.content_part.done":
                open_texts.remove(event.item_id)
            elif event.type == "response.output_text.delta":
                assert event.item_id in open_texts
    if one.failed:
        assert last.type == "response.failed"
        return
    items = last.response.output
    told = [part for item in items if item.type == "message" for part in item.content]
    thoughts = [
        part.text
        for item in items
        if item.type == "reasoning"
        for part in (item.summary if summary else item.content)
    ]
    assert last.type == f"response.{'incomplete' if one.cut else 'completed'}"
    assert "".join(part.text for part in told) == one.text
    assert "".join(thoughts) == one.thoughts
    assert [
        (item.call_id, item.name, item.arguments.strip()) for item in items if item.type == "function_call"
    ] == calls(one)
    assert "".join(token.token for part in told for token in part.logprobs) == one.scored
    assert (kept[0].text, len(kept)) == (one.text, 1)


@EXAMPLES
@given(answers, st.booleans(), st.booleans())
def test_anthropics_helper(draw: random.Random, omits: bool, beta: bool) -> None:
    one = said(draw)
    client = anthropic_of(written(MessageStream("msg_1", "small", omits=omits), one.batches))
    messages: Any = client.beta.messages if beta else client.messages
    ended: list[Any] = []
    begun: list[int] = []
    with messages.stream(model="m", max_tokens=9, messages=[]) as stream:
        if one.failed:
            with pytest.raises(anthropic.APIError):
                list(stream)
            return
        for event in stream:
            if event.type == "content_block_start":
                assert len(begun) == len(ended), "one block after the other"
                begun.append(event.index)
            elif event.type == "content_block_delta":
                assert event.index == begun[-1]
            elif event.type == "content_block_stop":
                assert event.index == begun[-1]
                ended.append(event.content_block)
        message = stream.get_final_message()
    blocks = message.content
    assert begun == list(range(len(blocks)))
    assert [block.type for block in ended] == [block.type for block in blocks]
    assert "".join(block.text for block in blocks if block.type == "text") == one.text
    thought = [block for block in blocks if block.type == "thinking"]
    assert all(block.signature for block in thought)
    told = [seals.opened(block.signature) if omits else seals.Thought(block.thinking) for block in thought]
    assert "".join(each.text for each in told if each is not None) == one.thoughts
    used = [block for block in blocks if block.type == "tool_use"]
    assert [(block.id, block.name) for block in used] == [(call.id, call.name) for call in one.calls]
    if not one.cut:
        assert [(block.name, block.input) for block in used] == objects(one)
    assert message.stop_sequence == (one.stop or None)
    assert message.usage.input_tokens == 2


@EXAMPLES
@given(answers)
def test_ollamas_client(draw: random.Random) -> None:
    one = said(draw)
    body = written(Lines("chat", "small", 0.0), one.batches)
    client = ollama.Client(URL, transport=httpx.MockTransport(lambda _: httpx.Response(200, content=body)))
    if one.failed:
        with pytest.raises(ollama.ResponseError):
            list(client.chat("m", [], stream=True))
        return
    chunks = list(client.chat("m", [], stream=True))
    assert [bool(chunk.done) for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert "".join(chunk.message.content or "" for chunk in chunks) == one.text
    assert "".join(chunk.message.thinking or "" for chunk in chunks) == one.thoughts
    made = [call.function for chunk in chunks for call in chunk.message.tool_calls or ()]
    assert [call.name for call in made] == [call.name for call in one.calls]
    if not one.cut:
        assert [(call.name, dict(call.arguments)) for call in made] == objects(one)
    told = [token for chunk in chunks for token in chunk.logprobs or ()]
    assert "".join(token.token for token in told) == one.scored


@EXAMPLES
@given(answers)
def test_openais_completions(draw: random.Random) -> None:
    several = [texts(said(draw, number)) for number in range(3)]
    writers = [
        CompletionStream("cmpl-1", "small", 0, "", include_usage=True, index=number) for number in range(3)
    ]
    body = written(Choices(writers, 3), merged(draw, [one.batches for one in several]))
    stream = openai_of(body).completions.create(model="m", prompt="x", stream=True)
    if any(one.failed for one in several):
        with pytest.raises(openai.APIError):
            list(stream)
        return
    found, reasons = ["", "", ""], {}
    for chunk in stream:
        for choice in chunk.choices:
            assert choice.index not in reasons
            found[choice.index] += choice.text
            if choice.finish_reason is not None:
                reasons[choice.index] = choice.finish_reason
    assert found == [one.text for one in several]
    assert sorted(reasons) == [0, 1, 2]


def merged(draw: random.Random, several: list[BATCHES]) -> BATCHES:
    """Those of several answers, which end with the first that fails."""
    going, found = [list(batches) for batches in several], BATCHES()
    while any(going):
        batch = draw.choice([one for one in going if one]).pop(0)
        found.append(batch)
        if isinstance(batch[-1], wire.Failed | wire.Interrupted):
            break
    return found


def texts(one: Said) -> Said:
    """The same as a model that only writes on."""
    kept = [[event for event in batch if getattr(event, "kind", "text") == "text"] for batch in one.batches]
    return one._replace(batches=[batch for batch in kept if batch])
