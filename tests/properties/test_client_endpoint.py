"""The client endpoint before clients that send anything at all: each frame is answered, nothing is raised."""

import math

from hypothesis import example, given, settings
from hypothesis import strategies as st

from ai_pal.protocol import client as wire
from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions
from tests.endpoints import Endpoint

CLIENT = b"someone"
SAID = [Message("user", "hello")]

frames = st.one_of(
    st.binary(max_size=100),
    st.builds(wire.Hello, st.integers(-1, 3)).map(wire.encode),
    st.builds(wire.Load, st.integers(-2, 9), st.sampled_from(["echo", "", "\0"]), st.floats()).map(
        wire.encode
    ),
    st.builds(wire.Unload, st.integers(-2, 9), st.sampled_from(["echo", ""])).map(wire.encode),
    st.builds(wire.Status, st.integers(-2, 9)).map(wire.encode),
    st.builds(wire.Stop, st.integers(-2, 9), st.booleans()).map(wire.encode),
    st.builds(
        wire.Chat,
        st.integers(-1, 9),
        st.lists(
            st.builds(Message, st.sampled_from(["user", "system"]), st.sampled_from(["", "hi"])), max_size=3
        ),
        st.sampled_from(["echo", "other"]),
        deadline=st.none() | st.floats(),
        keep_alive=st.none() | st.floats(),
    ).map(wire.encode),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(frames, max_size=8))
def test_every_frame_is_answered(sent: list[bytes]) -> None:
    endpoint = Endpoint()
    for frame in sent:
        heard = len(endpoint.heard)
        endpoint.send(CLIENT, frame)
        endpoint.clock.run(endpoint.clock.now() + 300.0)  # a load is answered when it has failed for good
        assert len(endpoint.heard) > heard


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.booleans(), frames), max_size=10))
@example([(True, wire.encode(wire.Chat(1, SAID, deadline=math.nan)))])
@example([(True, wire.encode(wire.Chat(1, SAID, keep_alive=math.nan)))])
@example([(True, wire.encode(wire.Chat(1, SAID, options=GenerationOptions(stop=["\0"]))))])
def test_time_goes_on_whatever_was_sent(sent: list[tuple[bool, bytes]]) -> None:
    endpoint = Endpoint()
    for greet, frame in sent:
        if greet:
            endpoint.send(CLIENT, wire.encode(wire.Hello(wire.PROTOCOL)))
        endpoint.send(CLIENT, frame)
    endpoint.clock.run(1000.0)
    assert endpoint.clock.alarms < 100_000
