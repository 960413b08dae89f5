"""Messages as llama.cpp takes them."""

import base64
import struct
from typing import Any

import pytest

from ai_pal.errors import AiPalError
from ai_pal.protocol.content import Document, Image, Message, Reasoning, Text, ToolCall, ToolResult
from workers.engines.llamacpp_messages import plain_messages

CALL = ToolCall("a", "clock", '{"zone": "utc"}')


def png(width: int, height: int) -> bytes:
    return (
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", width, height) + b"\x08\x02\0\0\0" + b"\0" * 16
    )


def plain(*parts: Any, role: Any = "user", blobs: Any = (), remembers: bool = False) -> list[dict[str, Any]]:
    return plain_messages([Message(role, list(parts))], blobs, remembers)


def code_of(*parts: Any, blobs: Any = ()) -> str:
    with pytest.raises(AiPalError) as caught:
        plain(*parts, blobs=blobs)
    return caught.value.code


def test_texts_and_documents_are_one_text() -> None:
    told = 'one <document name="notes">\ntwo\n</document>\n\nthree'
    assert plain(Text("one "), Document("notes", "two"), Text("three")) == [{"role": "user", "content": told}]
    assert plain_messages([Message("user", "x")], (), remembers=False) == [{"role": "user", "content": "x"}]


def test_calls_and_results_name_each_other() -> None:
    (turn,) = plain(Text("Let me see."), CALL, role="assistant")
    assert turn["content"] == "Let me see."
    assert turn["tool_calls"] == [
        {"id": "a", "type": "function", "function": {"name": "clock", "arguments": '{"zone": "utc"}'}}
    ]
    (result,) = plain(ToolResult("a", [Text("ten "), Text("past")]), role="tool")
    assert result == {"role": "tool", "tool_call_id": "a", "content": "ten past"}


@pytest.mark.parametrize("remembers", [True, False])
def test_thoughts_go_along_where_they_are_wanted(remembers: bool) -> None:
    (turn,) = plain(Reasoning("hm"), Text("yes"), role="assistant", remembers=remembers)
    assert turn.get("reasoning_content") == ("hm" if remembers else None)
    assert turn["content"] == "yes"


@pytest.mark.parametrize("arguments", ['{"a": ', "[1]", "x", '{"a": 1}}', "[" * 100_000])
def test_arguments_that_are_no_object_are_refused(arguments: str) -> None:
    assert code_of(ToolCall("a", "clock", arguments)) == "bad_request"


def test_an_image_is_a_data_uri_wherever_its_bytes_are() -> None:
    data = png(2, 3)
    for turn in (
        plain(Text("look"), Image("image/png", data)),
        plain(Text("look"), Image("image/png", frame=2), blobs=[b"", memoryview(data)]),
    ):
        text, image = turn[0]["content"]
        assert text == {"type": "text", "text": "look"}
        head, _, encoded = image["image_url"]["url"].partition(",")
        assert head == "data:image/png;base64"
        assert base64.b64decode(encoded) == data


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"no picture", "bad_request"),
        (b"", "bad_request"),
        (png(40_000, 40_000), "bad_request"),
        (b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f\x01\0\0\0" + b"\0" * 20, "unsupported"),
    ],
)
def test_what_is_no_picture_or_too_large_is_refused(data: bytes, code: str) -> None:
    assert code_of(Image("image/png", data)) == code
