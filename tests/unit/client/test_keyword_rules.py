"""A value that a keyword cannot have is refused at the call, in the words of the protocol, on every face."""

import functools
import inspect
from collections.abc import Callable
from enum import StrEnum
from typing import Any, get_args

import pytest

from ai_pal.client import AsyncClient, Client, GenerationOptions, Message
from ai_pal.client.asking import chat_request, privacy
from ai_pal.client.keyword_rules import OWN, SAME, objection_to_keyword
from ai_pal.client.sampling import options_of
from ai_pal.client.usual import Usual
from ai_pal.client.vectors import TokenCount
from ai_pal.errors import AiPalError, Code
from ai_pal.models import LocalLLMProvider
from ai_pal.orchestration import MultiModelOrchestrator
from ai_pal.protocol import client as wire
from ai_pal.protocol.option_rules import RULES as OPTIONS
from ai_pal.protocol.request_rules import RULES as FIELDS
from ai_pal.protocol.request_rules import objection_to_field
from ai_pal.protocol.value_rules import TRUE_OR_FALSE
from tests.unit.client.test_keywords import callables

OTHERS = {
    *("prompt", "texts", "functions", "request_id", "schema", "on_call", "options", "usual", "environ"),
    *("settings", "notify", "endpoint", "model_cache_dir", "read_at", "sort"),
    *("references", "serves"),
}
"""What is no single value, or is looked at where it is used."""


def keywords(function: Callable[..., Any]) -> list[str]:
    """All that may be given by name, what stands in a `TypedDict` too."""
    found = []
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            found += get_args(parameter.annotation)[0].__annotations__
        elif name != "self":
            found.append(name)
    return found


EVERY = [(face, name) for face, function in sorted(callables().items()) for name in keywords(function)]
RULED = [(face, name) for face, name in EVERY if name in OWN or SAME.get(name, name) in FIELDS]
WRONG: list[Any] = ["false", "1", 1, None, [], {}, object()]


def rule_of(name: str) -> Any:
    return OWN[name][0] if name in OWN else FIELDS[SAME.get(name, name)]


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(AiPalError) as caught:
        call()
    assert caught.value.code == Code.BAD_REQUEST
    return caught.value.failure.message


def test_each_keyword_of_a_face_has_a_rule() -> None:
    assert {name for _, name in EVERY} - set(OPTIONS) - OTHERS == {name for _, name in RULED}
    assert set(OWN) | set(SAME) <= {name for _, name in RULED}, "a rule that nobody needs"


@pytest.mark.parametrize("face", dict.fromkeys(face for face, _ in RULED))
def test_a_value_of_a_wrong_type_is_refused_before_anything_is_done(face: str) -> None:
    call = callables()[face]
    for name in (name for one, name in RULED if one == face):
        why = refusal(functools.partial(call, object(), **{name: object()}))
        assert why.startswith(f"{name} is {rule_of(name).meaning}, not ")


@pytest.mark.parametrize(("face", "name"), [one for one in RULED if rule_of(one[1]) is TRUE_OR_FALSE])
def test_only_true_and_false_are_true_or_false(face: str, name: str) -> None:
    call = callables()[face]
    for value in WRONG:
        why = refusal(functools.partial(call, object(), **{name: value}))
        assert why.startswith(f"{name} is true or false, not ")


@pytest.mark.parametrize("name", FIELDS)
def test_what_a_request_says_too_has_its_verdict(name: str) -> None:
    for value in [*WRONG, True, -2, 1.5, "x\n"]:
        if value is not None:
            assert objection_to_keyword(name, value) == objection_to_field(name, value)


def test_what_stands_in_its_place_is_looked_at_too() -> None:
    client: Any = object()
    wait: Any = Client.wait_gone
    assert refusal(lambda: wait(client, "soon")).startswith("timeout is a number of seconds")
    route: Any = MultiModelOrchestrator.route_request
    assert refusal(lambda: route(client, "hi", "dancing")).startswith("task_type is one of general")
    make: Any = LocalLLMProvider
    assert refusal(lambda: make("false")) == "enable_direct_loading is true or false, not 'false'"
    load: Any = AsyncClient.load
    assert refusal(lambda: load(client, "m", "1h")).startswith("keep_alive is a number of seconds")


def test_a_coroutine_says_so_at_the_call() -> None:
    ask: Any = AsyncClient.ask
    assert (
        refusal(lambda: ask(object(), "hi", local_only="false")) == "local_only is true or false, not 'false'"
    )


def test_what_is_usual_is_looked_at_too() -> None:
    usually: Any = Usual(local_only="no")  # type: ignore[arg-type]
    assert refusal(lambda: chat_request(1, "hi", {}, usually)) == "local_only is true or false, not 'no'"
    nothing: Any = None
    assert refusal(lambda: privacy(nothing, {})) == "local_only is true or false, not None"


def test_nothing_is_left_out_and_no_refusal() -> None:
    nothing: Any = dict.fromkeys(["model", "deadline", "keep_alive", "max_cost", "goal", "principal"])
    assert chat_request(1, "hi", nothing) == wire.Chat(1, [Message("user", "hi")])


def test_numbers_and_texts_of_types_of_their_own_are_what_they_are() -> None:
    class Name(StrEnum):
        LARGE = "large"

    class Text(str):
        __slots__ = ()

    class Seconds(float):
        pass

    given: Any = {"max_tokens": TokenCount(12, "m"), "temperature": Seconds(0.5), "prefill": Text("So")}
    assert options_of(given) == GenerationOptions(max_tokens=12, temperature=0.5, prefill="So")
    asked = chat_request(1, Text("hi"), {"model": Text("m"), "deadline": Seconds(3), "principal": Name.LARGE})
    sent = wire.decode_request(wire.encode(asked))
    assert sent == wire.Chat(1, [Message("user", "hi")], "m", deadline=3.0, principal="large")
