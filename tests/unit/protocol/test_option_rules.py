"""What each option may be, and that every face says the same of the same value."""

import argparse
import math
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ai_pal.cli.chat import arguments
from ai_pal.client.sampling import options_of
from ai_pal.config import presets
from ai_pal.errors import AiPalError, Code
from ai_pal.protocol import client as wire
from ai_pal.protocol.option_rules import RULES, objection_to_options, objection_to_value
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.requests import objection, unreadable
from tests.option_values import TAKEN, VALUES

NAN, INFINITY = math.nan, math.inf
CASES = [(name, label) for name in RULES for label in VALUES]
ON_THE_COMMAND_LINE = [name for name, rule in RULES.items() if rule.kind is not str and name != "context"]
AS_KEYWORDS = RULES.keys() - {"extra", "stop", "tools", "tool_choice"}


@pytest.mark.parametrize(("name", "label"), CASES, ids=str)
def test_every_face_has_one_verdict_in_the_same_words(
    name: str, label: str, ai_pal_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    value = VALUES[label]
    given: dict[str, Any] = {name: value}
    why = objection_to_value(name, value)
    assert (not why) == (label in TAKEN.get(name, ())), why
    assert _over_ipc(name, value) == why
    assert _in_python(options=GenerationOptions(**given)) == why
    if name != "extra":
        assert _in_python(extra=given) == why
    if name in AS_KEYWORDS:
        assert _in_python(**given) == why
    if name in ON_THE_COMMAND_LINE:
        option = {"thinking_budget": "think-budget"}.get(name, name.replace("_", "-"))
        assert why in _on_the_command_line(f"--{option}", str(value), capsys)
    if name not in ("extra", "stop") and value == value and abs(_size(value)) < INFINITY:
        said = msgspec.json.encode(value).decode()
        assert why in _on_the_command_line("--option", f"{name}={said}", capsys)
    if name in presets.OF_OPTIONS and not (name == "context" and label.startswith("2^")):
        assert why in _in_a_preset(name, value)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (GenerationOptions(extra={"top_k": 1}), "top_k is an option of its own, and not for extra"),
        (GenerationOptions(extra={"a": {"b": [1, NAN]}}), "extra.a.b[1] is nan, which JSON has not"),
        (GenerationOptions(extra={"a": b"x"}), "extra.a is a bytes, which JSON has not"),
        (GenerationOptions(extra={"a": {1: 2}}), "extra.a has a key that is no text"),
        (
            GenerationOptions(logit_bias={-1: 1.0}),
            "logit_bias is a map of token ids to numbers, not {-1: 1.0}",
        ),
        (GenerationOptions(logit_bias={1: NAN}), "logit_bias is a map of token ids to numbers, not {1: nan}"),
        (GenerationOptions(stop=["a", ""]), "stop is a list of texts that are not empty, not ['a', '']"),
        (GenerationOptions(seed=2**64), "seed is a whole number of 64 bits, not 18446744073709551616"),
        (GenerationOptions(logit_bias={5: -100.0}, stop=["a"], extra={"a": [None, True, "x", 1.5]}), ""),
    ],
)
def test_what_an_option_holds_is_looked_at(options: GenerationOptions, says: str) -> None:
    assert objection_to_options(options) == says


def test_a_value_that_is_too_deep_is_refused_and_ends_nothing() -> None:
    deep: Any = 1
    for _ in range(100_000):
        deep = [deep]
    assert "is nested too deep" in objection_to_options(GenerationOptions(extra={"deep": deep}))
    assert "is nested too deep" in objection_to_value("extra", {"deep": deep})


@pytest.mark.parametrize("request_of", [wire.Chat, wire.Route, wire.CountTokens])
def test_an_unknown_option_is_refused_with_the_nearest_name(request_of: type[wire.Request]) -> None:
    tag = request_of.__struct_config__.tag
    frame = msgspec.msgpack.encode({"type": tag, "id": 1, "messages": [], "options": {"temprature": 1}})
    with pytest.raises(msgspec.ValidationError) as caught:
        wire.decode_request(frame)
    failure = unreadable(frame, caught.value)
    assert (failure.code, failure.message) == (Code.BAD_REQUEST, "there is no option 'temprature'")
    assert failure.hint == "did you mean temperature?"


def test_there_is_a_rule_for_each_option() -> None:
    assert set(RULES) == set(GenerationOptions.__struct_fields__)


def _size(value: Any) -> float:
    return value if isinstance(value, int | float) else 0


def _over_ipc(name: str, value: Any) -> str:
    """What the supervisor says of a message with this option."""
    messages = [{"role": "user", "content": "hi"}]
    frame = msgspec.msgpack.encode({"type": "chat", "id": 1, "messages": messages, "options": {name: value}})
    try:
        failure = objection(wire.decode_request(frame))
    except msgspec.ValidationError as error:
        failure = unreadable(frame, error)
    return failure.message if failure else ""


def _in_python(**how: Any) -> str:
    try:
        options_of(how)
    except AiPalError as error:
        return error.failure.message if error.code == Code.BAD_REQUEST else error.code
    return ""


def _on_the_command_line(option: str, value: str, capsys: pytest.CaptureFixture[str]) -> str:
    parser = argparse.ArgumentParser()
    arguments.add_arguments(parser)
    try:
        arguments.wishes(parser.parse_args([f"{option}={value}", "hello"]))
    except SystemExit:
        return capsys.readouterr().err
    return ""


def _in_a_preset(name: str, value: Any) -> str:
    said = str(value) if isinstance(value, float) else msgspec.json.encode(value).decode()
    try:
        presets.parse(f"{name} = {said}", "here")
    except AiPalError as error:
        return error.failure.message if error.code == Code.CONFIG_INVALID else error.code
    return ""
