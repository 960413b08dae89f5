"""Conversations that no model is given."""

from typing import Any

import pytest

from ai_pal.errors import Code
from ai_pal.protocol.content import (
    AnyPart,
    Audio,
    Document,
    Image,
    Message,
    Reasoning,
    Role,
    Text,
    ToolCall,
    ToolResult,
)
from ai_pal.protocol.message_rules import objection_to_blobs, objection_to_messages
from tests.pictures import png

PNG, LARGE = png(3, 2), png(40_000, 40_000, pixels=False)
IMAGE = Image("image/png", PNG)
CALL = Message("assistant", [ToolCall("1", "look", '{"a": 1}')])


BAD = Code.BAD_REQUEST


def one(role: Role, *parts: AnyPart) -> list[Message]:
    return [Message("user", "hi"), Message(role, list(parts))]


@pytest.mark.parametrize(
    ("messages", "code", "says"),
    [
        (one("system", Image("image/png", PNG)), BAD, "messages[1].content[0]: image has no place"),
        (one("user", Text("a"), Reasoning("b")), BAD, "content[1]: reasoning has no place"),
        (one("user", ToolCall("1", "a", "{}")), BAD, "tool_call has no place"),
        (one("user", ToolResult("1", "x")), BAD, "tool_result has no place"),
        (one("tool", Text("x")), BAD, "text has no place"),
        ([Message("tool", "42")], BAD, "messages[0]"),
        (one("tool", ToolResult("1", "x")), BAD, "messages[1].content[0].id: no call before it is '1'"),
        ([CALL, Message("tool", [ToolResult("2", "x")])], BAD, "no call before it is '2'"),
        (one("assistant", ToolCall("1", "a", '{"city": "Par')), BAD, "no JSON, perhaps cut off"),
        (one("assistant", ToolCall("1", "a", "[1]")), BAD, "arguments: no JSON object"),
        (one("assistant", ToolCall("1", "a", "[" * 100_000)), BAD, "arguments: no JSON"),
        (one("assistant", ToolCall("", "a", "{}")), BAD, "a call has an id"),
        (one("assistant", ToolCall("1", "a", "{}"), ToolCall("1", "b", "{}")), BAD, "content[1].id"),
        (one("user", Image("image/png")), BAD, "neither data nor a frame"),
        (one("user", Image("image/png", PNG, 1)), BAD, "data and a frame"),
        (one("user", Image("image/png", frame=-1)), BAD, "numbered from 1 to 64"),
        (one("user", Image("image/png", frame=65)), BAD, "numbered from 1 to 64"),
        (one("user", Image("text/plain", PNG)), BAD, "media_type"),
        (one("user", Audio("image/png", PNG)), BAD, "media_type"),
        (one("user", Image("image/png", "iVBORw0KGgo=")), BAD, "bytes are wanted, not str"),  # type: ignore[arg-type]
        (one("user", Image("image/png", b"iVBORw0KGgoAAAANSUhEUg")), Code.IMAGE_INVALID, "base64"),
        (one("user", Image("image/png", b"not a picture")), Code.IMAGE_INVALID, "none of PNG"),
        (one("user", Image("image/png", LARGE)), Code.IMAGE_TOO_LARGE, "40000 x 40000 pixels"),
        (
            [CALL, Message("tool", [ToolResult("1", [Text("a"), Image("image/png", b"junk")])])],
            Code.IMAGE_INVALID,
            "messages[1].content[0].content[1]",
        ),
        (one("user", *[Text("a")] * 10_000), BAD, "10000 parts, and at most 4096"),
    ],
    ids=lambda given: str(given)[:60],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_with_its_place(
    messages: list[Message], code: Code, says: str
) -> None:
    failure = objection_to_messages(messages)
    assert failure is not None
    assert failure.code == code
    assert says in failure.message
    assert failure.hint
    assert not failure.retryable


@pytest.mark.parametrize(
    "messages",
    [
        one("user"),
        one("user", Text("")),
        [Message("assistant", "hi"), Message("assistant", ""), Message("system", "x"), Message("user", "x")],
        one("user", Image("IMAGE/PNG", PNG), Image("image/x-unknown", PNG), Image("image/png", frame=64)),
        one("user", Audio("audio/wav", b"RIFF"), Document("a.txt", "")),
        one("assistant", Reasoning("hm"), Text("a"), ToolCall("1", "a", ""), ToolCall("2", "a", "{}")),
        [CALL, Message("user", "never mind")],
        [CALL, CALL, Message("tool", [ToolResult("1", "a"), ToolResult("1", [IMAGE], True)])],
        [Message("user", str(number)) for number in range(10_000)],
    ],
    ids=lambda given: str(given)[:60],
)  # fmt: skip
def test_what_templates_may_take_is_taken(messages: list[Message]) -> None:
    assert objection_to_messages(messages) is None


@pytest.mark.parametrize(
    ("blob", "code"),
    [
        (PNG, None),
        (b"junk", Code.IMAGE_INVALID),
        (b"", Code.IMAGE_INVALID),
        (LARGE, Code.IMAGE_TOO_LARGE),
    ],
    ids=["fine", "junk", "empty", "large"],
)
def test_what_comes_in_frames_is_looked_at_too(blob: bytes, code: Any) -> None:
    messages = one("user", Text("a"), Image("image/png", frame=2), Audio("audio/wav", frame=1))
    failure = objection_to_blobs(messages, [b"sound", memoryview(blob)])
    assert (failure and failure.code) == code
    assert failure is None or failure.message.startswith("messages[1].content[1]")
