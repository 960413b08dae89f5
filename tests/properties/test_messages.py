"""The codecs: every message survives the way, and no bytes raise anything that the endpoints do not catch."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ai_pal.errors import Code
from ai_pal.protocol import client as wire
from ai_pal.protocol import worker as inner

CAUGHT = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)
Decode = Callable[[bytes], Any]
DECODERS: list[Decode] = [
    wire.decode_request,
    wire.decode_event,
    inner.decode_to_worker,
    inner.decode_from_worker,
]

st.register_type_strategy(float, st.floats(allow_nan=False))
st.register_type_strategy(int, st.integers(-(2**63), 2**64 - 1))
st.register_type_strategy(str, st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(max_size=5),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=5), inside, max_size=3),
    max_leaves=5,
)
st.register_type_strategy(
    msgspec.Raw, st.builds(lambda text: msgspec.Raw(msgspec.msgpack.encode(text)), st.text())
)


def every(union: Any) -> Any:
    return st.one_of(*(st.builds(kind, **_fields(kind)) for kind in get_args(union)))


def _fields(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """Every field, also those that have defaults."""
    return {
        field.name: st.dictionaries(st.text(max_size=5), plain, max_size=3)
        if field.type == dict[str, Any]
        else st.lists(st.builds(inner.DeltaItem), max_size=3)
        if field.name == "items"
        else st.from_type(field.type)
        for field in msgspec.structs.fields(kind)
    }


def _structs_in(kind: Any, seen: set[Any]) -> Iterator[type[msgspec.Struct]]:
    """All structs within a type, those inside of others first: a new one cannot be forgotten."""
    if kind in seen:
        return
    seen.add(kind)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        for field in msgspec.structs.fields(kind):
            yield from _structs_in(field.type, seen)
        yield kind
    for argument in get_args(kind):
        if not isinstance(argument, str):
            yield from _structs_in(argument, seen)


SEEN: set[Any] = set()
for union in (wire.AnyRequest, wire.AnyEvent, inner.AnyToWorker, inner.AnyFromWorker):
    for part in _structs_in(union, SEEN):
        st.register_type_strategy(part, st.builds(part, **_fields(part)))


@given(every(wire.AnyRequest))
def test_requests_survive_the_way(request: wire.AnyRequest) -> None:
    assert wire.decode_request(wire.encode(request)) == request


@given(every(wire.AnyEvent))
def test_events_survive_the_way(event: wire.AnyEvent) -> None:
    assert wire.decode_event(wire.encode(event)) == event


@given(every(inner.AnyToWorker))
def test_messages_to_workers_survive_the_way(message: inner.AnyToWorker) -> None:
    assert inner.decode_to_worker(inner.encode(message)) == message


@given(every(inner.AnyFromWorker))
def test_messages_from_workers_survive_the_way(message: inner.AnyFromWorker) -> None:
    again = inner.decode_from_worker(inner.encode(message))
    assert inner.encode(again) == inner.encode(message)


@given(
    st.integers(1, 2**40),
    st.integers(0, 2**40),
    st.integers(0, 1000),
    st.text(st.characters(exclude_categories=["Cs"])),
)
def test_a_forwarded_delta_is_a_delta(request_id: int, seq: int, n: int, text: str) -> None:
    item = inner.DeltaItem(1, seq, n, msgspec.Raw(msgspec.msgpack.encode(text)))
    (arrived,) = inner.decode_from_worker(inner.encode(inner.Deltas([item]))).items
    frame = wire.encode(wire.ForwardedDelta(request_id, arrived.seq, arrived.n, arrived.text))
    assert wire.decode_event(frame) == wire.Delta(request_id, seq, n, text)


@pytest.mark.parametrize("decode", DECODERS)
@given(data=st.binary(max_size=300))
@example(data=b"\x91" * 100_000)
@example(data=b"\x82\xa4type\xa4chat\xa2id" + b"\x91" * 100_000)
@example(data=b"\x83\xa4type\xa4load\xa2id\x01\xa5model\xa2\xff\xfe")
@example(data=b"\x82\xa4type\xa4load\xdd\xff\xff\xff\xff")
def test_any_bytes_raise_only_what_the_doors_catch(decode: Decode, data: bytes) -> None:
    with contextlib.suppress(*CAUGHT):
        decode(data)


@pytest.mark.parametrize("decode", DECODERS)
@given(data=st.data())
def test_damaged_messages_raise_only_what_the_doors_catch(decode: Decode, data: st.DataObject) -> None:
    unions = (wire.AnyRequest, wire.AnyEvent, inner.AnyToWorker, inner.AnyFromWorker)
    message = data.draw(every(data.draw(st.sampled_from(unions))))
    frame = bytearray(wire.encode(message))
    for _ in range(data.draw(st.integers(1, 4))):
        frame[data.draw(st.integers(0, len(frame) - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(0, len(frame)))
    with contextlib.suppress(*CAUGHT):
        decode(bytes(frame[:end]))


def test_failure_codes_are_stable_words() -> None:
    assert all(code == code.lower() and code.isidentifier() for code in Code)
