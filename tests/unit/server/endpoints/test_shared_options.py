"""Requests with the same options hold the same ones; what merely equals is not the same."""

import msgspec
import pytest

from ai_pal.protocol import client as wire
from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions
from ai_pal.server.endpoints.shared_options import LARGEST, MOST, SharedOptions


def chat(**options: object) -> wire.Chat:
    sent = wire.Chat(1, [Message("user", "x")], options=msgspec.convert(options, GenerationOptions))
    read = wire.decode_request(wire.encode(sent))
    assert isinstance(read, wire.Chat)
    return read


def held(shared: SharedOptions, **options: object) -> GenerationOptions:
    request = shared.of(chat(**options))
    assert isinstance(request, wire.Chat)
    return request.options


def test_the_same_options_are_held_once() -> None:
    shared = SharedOptions()
    asked = {"max_tokens": 5, "stop": ["a"], "extra": {"tokens": 3}}
    assert held(shared, **asked) is held(shared, **asked)
    assert held(shared, **asked) == chat(**asked).options


@pytest.mark.parametrize(("one", "other"), [(True, 1), (1, 1.0), (0, False)])
def test_what_merely_equals_is_not_the_same(one: object, other: object) -> None:
    shared = SharedOptions()
    held(shared, extra={"flag": one})
    assert type(held(shared, extra={"flag": other}).extra["flag"]) is type(other)


def test_no_more_than_some_are_remembered() -> None:
    shared = SharedOptions()
    first = held(shared, seed=0)
    for seed in range(1, MOST + 1):
        held(shared, seed=seed)
    assert held(shared, seed=0) is not first
    large = {"prefill": "x" * LARGEST}
    assert held(shared, **large) is not held(shared, **large)
