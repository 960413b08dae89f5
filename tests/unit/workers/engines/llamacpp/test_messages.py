"""Messages as llama.cpp takes them."""

import base64
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from ai_pal.errors import AiPalError
from ai_pal.protocol.content import Audio, Document, Image, Message, Reasoning, Text, ToolCall, ToolResult
from workers.engines.llamacpp.attachments import HANDLES, Attachments, AttachmentTokens
from workers.engines.llamacpp.messages import plain_messages

CALL = ToolCall("a", "clock", '{"zone": "utc"}')


def png(width: int, height: int) -> bytes:
    return (
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", width, height) + b"\x08\x02\0\0\0" + b"\0" * 16
    )


def plain(*parts: Any, role: Any = "user", blobs: Any = (), remembers: bool = False) -> list[dict[str, Any]]:
    with Attachments(blobs) as attachments:
        return plain_messages([Message(role, list(parts))], attachments.told, remembers)


def code_of(*parts: Any) -> str:
    with pytest.raises(AiPalError) as caught:
        plain(*parts)
    return caught.value.code


def test_texts_and_documents_are_one_text() -> None:
    told = 'one <document name="notes">\ntwo\n</document>\n\nthree'
    assert plain(Text("one "), Document("notes", "two"), Text("three")) == [{"role": "user", "content": told}]
    with Attachments(()) as none:
        plainly = plain_messages([Message("user", "x")], none.told, remembers=False)
    assert plainly == [{"role": "user", "content": "x"}]


def test_calls_and_results_name_each_other() -> None:
    (turn,) = plain(Text("Let me see."), CALL, role="assistant")
    assert turn["content"] == "Let me see."
    assert turn["tool_calls"] == [
        {"id": "a", "type": "function", "function": {"name": "clock", "arguments": '{"zone": "utc"}'}}
    ]
    with Attachments(()) as none:
        told = [
            Message("assistant", [CALL]),
            Message("tool", [ToolResult("a", [Text("ten "), Text("past")])]),
        ]
        _, result = plain_messages(told, none.told, remembers=False)
    assert result == {"role": "tool", "tool_call_id": "a", "name": "clock", "content": "ten past"}


@pytest.mark.parametrize("remembers", [True, False])
def test_thoughts_go_along_where_they_are_wanted(remembers: bool) -> None:
    (turn,) = plain(Reasoning("hm"), Text("yes"), role="assistant", remembers=remembers)
    assert turn.get("reasoning_content") == ("hm" if remembers else None)
    assert turn["content"] == "yes"


@pytest.mark.parametrize("arguments", ['{"a": ', "[1]", "x", '{"a": 1}}', "[" * 100_000])
def test_arguments_that_are_no_object_are_refused(arguments: str) -> None:
    assert code_of(ToolCall("a", "clock", arguments)) == "bad_request"


def test_a_call_with_blank_arguments_has_none() -> None:
    (turn,) = plain(ToolCall("a", "clock", " \n"), role="assistant")
    assert turn["tool_calls"][0]["function"]["arguments"] == "{}"


def test_a_small_image_is_a_data_uri() -> None:
    data = png(2, 3)
    text, image = plain(Text("look"), Image("image/png", data))[0]["content"]
    assert text == {"type": "text", "text": "look"}
    head, _, encoded = image["image_url"]["url"].partition(",")
    assert head == "data:image/png;base64"
    assert base64.b64decode(encoded) == data


def test_texts_beside_an_image_are_one() -> None:
    """llama.cpp would put line breaks between them."""
    before, _, behind = plain(Text("one "), Text("two"), Image("image/png", png(2, 3)), Text("x"), Text("y"))[
        0
    ]["content"]
    assert (before["text"], behind["text"]) == ("one two", "xy")


def test_an_image_in_a_frame_of_its_own_is_handed_over_as_it_is() -> None:
    """Held once for its request, and let go behind it."""
    data, part = png(2, 3) + b"x" * 5_000_000, Image("image/png", frame=2)
    with Attachments([b"", memoryview(data)]) as attachments:
        tracemalloc.start()
        told = [attachments.told(part), attachments.told(part)]
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < len(data) / 10
        assert told[0] == told[1]
        file = HANDLES / told[0]["image_url"]["url"].removeprefix("file://")
        assert file.read_bytes() == data
    assert not file.exists()


def test_without_handles_an_image_is_a_data_uri(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.engines.llamacpp.attachments.HANDLES", Path("/nowhere"))
    with Attachments([png(2, 3)]) as attachments:
        url = attachments.told(Image("image/png", frame=1))["image_url"]["url"]
    assert base64.b64decode(url.partition(",")[2]) == png(2, 3)


def test_the_tokens_of_a_picture_are_counted_once() -> None:
    asked: list[dict[str, Any]] = []
    tokens = AttachmentTokens(lambda told: asked.append(told) or 7)  # type: ignore[func-returns-value]
    for blobs in ([png(2, 3)], [png(2, 3)], [png(9, 3)]):
        with Attachments(blobs) as attachments:
            assert tokens.of(Image("image/png", frame=1), attachments) == 7
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"no picture", "image_invalid"),
        (b"", "image_invalid"),
        (png(40_000, 40_000), "image_too_large"),
        (b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f\x01\0\0\0" + b"\0" * 20, "unsupported"),
    ],
)
def test_what_is_no_picture_or_too_large_is_refused(data: bytes, code: str) -> None:
    assert code_of(Image("image/png", data)) == code


@pytest.mark.parametrize("data", [b"no sound", b"", b"OggS" + bytes(40), b"\0\0\0\x18ftypisom"])
def test_what_is_no_sound_is_refused(data: bytes) -> None:
    assert code_of(Audio("audio/wav", data)) == "bad_request"
