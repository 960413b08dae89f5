"""Frames of a link: whole however they are cut, behind whatever a login prints, and nothing else is one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_pal.errors import Code, Failure
from ai_pal.machines.frames import (
    CHUNK,
    MOST_NOISE,
    Frames,
    Garbled,
    Greeting,
    Kind,
    failed,
    failure_in,
    frame,
    greeting,
    greeting_in,
)

SAID = [(Kind.DATA, b"one"), (Kind.BEAT, b""), (Kind.DATA, bytes(CHUNK)), (Kind.READY, b"")]
WIRE = b"".join(frame(kind, payload) for kind, payload in SAID)


@given(st.lists(st.integers(0, len(WIRE)), max_size=20))
def test_frames_are_whole_however_they_are_cut(cuts: list[int]) -> None:
    frames, at, found = Frames(greeted=True), 0, []
    for cut in [*sorted(cuts), len(WIRE)]:
        found += list(frames.feed(WIRE[at:cut]))
        at = cut
    assert found == SAID


def test_what_a_login_prints_is_passed_over() -> None:
    frames = Frames()
    assert list(frames.feed(b"Welcome to box\n\0ai-pal")) == []
    hello = greeting("1.0", 2, "ab")
    ((kind, payload),) = frames.feed(b"? no: " + hello)
    assert (kind, greeting_in(payload)) == (Kind.HELLO, Greeting("1.0", 2, "ab"))


@pytest.mark.parametrize(
    "said",
    [
        bytes([9]) + bytes(4),
        bytes([1]) + (CHUNK + 1).to_bytes(4, "big"),
        bytes([1, 255, 255, 255, 255]),
    ],
)
def test_what_is_no_frame_is_refused(said: bytes) -> None:
    with pytest.raises(Garbled):
        list(Frames(greeted=True).feed(said))


def test_endless_noise_is_refused() -> None:
    with pytest.raises(Garbled):
        list(Frames().feed(b"x" * (MOST_NOISE + 1)))


def test_a_failure_comes_as_it_was() -> None:
    failure = Failure(Code.SPAWN_FAILED, "no room", "make some")
    ((_, payload),) = Frames(greeted=True).feed(failed(failure))
    assert failure_in(payload) == failure
    for read in (failure_in, greeting_in):
        with pytest.raises(Garbled):
            read(b"{}")
