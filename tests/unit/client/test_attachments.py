"""Attachments leave the request for frames of their own, in order, uncopied and within bounds."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_pal.client.attachments import INLINE, detached
from ai_pal.errors import AiPalError, Code
from ai_pal.protocol import client as wire
from ai_pal.protocol import frames
from ai_pal.protocol.content import AnyPart, Audio, Image, Message, Text, ToolResult

LARGE = bytes(INLINE + 1)


def chat(*contents: Any) -> wire.Chat:
    return wire.Chat(1, [Message("user", content) for content in contents])


def restored(request: wire.Chat, blobs: list[Any]) -> list[Message]:
    """The messages as whoever reads the frames sees them."""

    def part(one: AnyPart) -> Any:
        if isinstance(one, Image | Audio) and one.frame:
            return type(one)(one.media_type, blobs[one.frame - 1])
        if isinstance(one, ToolResult) and not isinstance(one.content, str):
            return ToolResult(one.id, [part(inner) for inner in one.content], one.is_error)
        return one

    return [
        message
        if isinstance(message.content, str)
        else Message("user", [part(one) for one in message.content])
        for message in request.messages
    ]


pictures = st.builds(
    lambda size, fill: Image("image/png", bytes([fill]) * size), st.integers(1, 40_000), st.integers(0, 255)
)
parts = st.one_of(
    st.builds(Text, st.text(max_size=5)),
    pictures,
    st.builds(lambda size: Audio("audio/wav", bytes(size)), st.integers(1, 40_000)),
    st.builds(ToolResult, st.text(max_size=3), st.lists(pictures, max_size=2)),
)


@given(st.lists(st.one_of(st.text(max_size=5), st.lists(parts, max_size=4)), max_size=4))
def test_what_is_read_is_what_was_said(contents: list[Any]) -> None:
    request = chat(*contents)
    sent, blobs = detached(request)
    assert restored(sent, blobs) == request.messages
    assert all(len(blob) > INLINE for blob in blobs)
    assert wire.decode_request(wire.encode(sent)) == sent


def test_plain_text_and_small_pictures_stay_as_they_are() -> None:
    for request in (chat("hi"), chat([Image("image/png", LARGE[:INLINE])]), wire.Status(1), wire.Hello(2)):
        assert detached(request) == (request, [])


def test_nothing_is_copied() -> None:
    data = memoryview(bytearray(LARGE))
    _, blobs = detached(chat([Image("image/png", LARGE), Image("image/png", data)]))  # type: ignore[arg-type]
    assert blobs[0] is LARGE
    assert blobs[1] is data


@pytest.mark.parametrize(
    "part", [Image("image/png"), Image("image/png", b"x", 1), Audio("audio/wav", frame=2)]
)
def test_an_attachment_without_data_is_none(part: AnyPart) -> None:
    with pytest.raises(AiPalError, match="without data") as caught:
        detached(chat([part]))
    assert caught.value.code == Code.BAD_REQUEST


@pytest.mark.parametrize(
    ("limit", "value", "words"),
    [
        ("MOST_FRAME", INLINE, "an attachment has 16385"),
        ("MOST_BYTES", 2 * INLINE, "32770"),
        ("MOST_FRAMES", 1, "^2 "),
    ],
)
def test_too_much_is_refused_before_it_is_sent(
    limit: str, value: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = chat([Image("image/png", LARGE), Image("image/png", LARGE)])
    assert len(detached(request)[1]) == 2
    monkeypatch.setattr(frames, limit, value)
    with pytest.raises(AiPalError, match=words) as caught:
        detached(request)
    assert caught.value.code == Code.FRAME_TOO_LARGE
