"""What each option may be, and that every face says the same of the same value."""

import argparse
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ai_pal.cli.prompts import arguments, generate, preset
from ai_pal.cli.prompts.chat import setting
from ai_pal.cli.prompts.wishes import Wishes
from ai_pal.client import asking, requests, usual
from ai_pal.client.sampling import options_of
from ai_pal.config import presets
from ai_pal.errors import AiPalError, Code
from ai_pal.models.question import question
from ai_pal.protocol import client as wire
from ai_pal.protocol.option_rules import RULES, objection_to_options, objection_to_value
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.requests import NO_COMPLETION, objection, unreadable
from tests.option_values import TAKEN, VALUES, taken, toml

NAN = math.nan
HI = {"messages": [{"role": "user", "content": "hi"}]}
ASKED: dict[str, dict[str, Any]] = {"chat": HI, "route": HI, "count_tokens": HI, "complete": {"prompt": "hi"}}
EVERY = pytest.mark.parametrize("name", RULES)
READ_OTHERWISE = {"stop", "tools", "tool_choice"}
"""Keywords that take more than their field has: a text, functions, the name of a tool."""
BESIDE: dict[str, dict[str, Any]] = {"parallel_tool_calls": {"tools": [{"name": "a"}]}}
"""What an option means nothing without."""
IN_PYTHON: list[Callable[[Any], Any]] = [
    options_of,
    lambda how: asking.chat_request(1, "hi", how),
    lambda how: asking.route_request(1, "hi", how),
    lambda how: requests.count_request(1, "hi", how, usual.NOTHING),
    lambda how: question("hi", how),
]
PARSERS = {"chat": arguments.add_arguments, "generate": generate.configure, "preset": preset.configure}


def test_there_is_a_rule_and_a_row_of_verdicts_for_each_option() -> None:
    assert set(RULES) == set(GenerationOptions.__struct_fields__) == set(TAKEN)
    assert {name for name, _, _ in taken()} == set(RULES) - {"extra"}, "each is tried with values it takes"


@EVERY
def test_a_value_is_taken_or_not(name: str) -> None:
    for label, value in _values():
        why = objection_to_value(name, value)
        assert (not why) == (label in TAKEN[name]), (label, why)


@pytest.mark.parametrize("kind", ASKED)
@EVERY
def test_over_ipc_it_is_the_same_in_the_same_words(kind: str, name: str) -> None:
    for label, value in _values():
        told = _over_ipc(kind, {name: value} | ({} if kind == "complete" else BESIDE.get(name, {})))
        if kind == "complete" and name in NO_COMPLETION and label in TAKEN[name]:
            assert told == f"{name} means nothing to a completion"
        else:
            assert told == objection_to_value(name, value)


@EVERY
def test_in_python_it_is_the_same_in_the_same_words(name: str) -> None:
    for _, value in _values():
        ways: list[dict[str, Any]] = [{"options": GenerationOptions(**{name: value})}]
        ways += [] if name in READ_OTHERWISE else [{name: value}]
        ways += [] if name == "extra" else [{"extra": {name: value}}]
        for how in [way | BESIDE.get(name, {}) for way in ways]:
            for ask in IN_PYTHON:
                assert _told(lambda: ask(how)) == objection_to_value(name, value), (ask, how)  # noqa: B023


@pytest.mark.parametrize("command", PARSERS)
@EVERY
def test_on_the_command_line_it_is_the_same(
    command: str, name: str, ai_pal_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    option = _own_option(command, name)
    for label, value in _values():
        why = objection_to_value(name, value)
        if option:
            told = _refused(command, [f"{option}={value}"], capsys)
            assert bool(told) == bool(why), (label, told)
            assert why in told or label in ("true", "list", "map")  # which are texts there
        if _can_be_an_option(name, value):
            said = msgspec.json.encode(value).decode()
            told = _refused(command, ["--option", f"{name}={said}"], capsys)
            assert bool(told) == bool(why), (label, told)
            assert why in told


@EVERY
def test_set_in_a_conversation_says_the_same(name: str, ai_pal_home: Path) -> None:
    own = [known for known, field in setting.OF_OPTIONS.items() if field == name]
    for label, value in _values():
        why = objection_to_value(name, value)
        if own and RULES[name].kind is not str:
            assert bool(_told(lambda: _set(f"{own[0]} {value}"))) == bool(why), label  # noqa: B023
        if _can_be_an_option(name, value):
            said = msgspec.json.encode(value).decode()
            assert _told(lambda: _set(f"option {name} {said}")) == why  # noqa: B023


@EVERY
def test_a_preset_says_the_same(name: str) -> None:
    for _, value in _values():
        why, said = objection_to_value(name, value), toml(value)
        where = name if name in presets.OF_OPTIONS else "options"
        if name not in (where, "extra"):
            said = f"{{{name} = {said}}}"
        told = _told(lambda: presets.parse(f"{where} = {said}", "here"))  # noqa: B023
        assert told == (f"here: {why}" if why else "")


def test_what_is_missing_is_taken_everywhere(ai_pal_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert [_over_ipc(kind, {}) for kind in ASKED] == [""] * len(ASKED)
    for ask in IN_PYTHON:
        ask({})
        ask(dict.fromkeys(RULES))  # None is nothing
    assert [_refused(command, [], capsys) for command in PARSERS] == [""] * len(PARSERS)
    assert presets.parse("", "here") == presets.Preset()


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


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (
            {"thinking": "off", "thinking_budget": 9},
            "thinking is off, and thinking_budget gives it 9 tokens",
        ),
        ({"thinking": "off", "thinking_budget": 0}, ""),
        (
            {"parallel_tool_calls": True},
            "parallel_tool_calls: there are no tools to call",
        ),
        ({"parallel_tool_calls": False, "tools": [{"name": "a"}]}, ""),
    ],
)
@pytest.mark.parametrize("kind", ["chat", "route", "count_tokens"])
def test_an_option_that_would_have_no_effect_is_refused(
    kind: str, options: dict[str, Any], says: str
) -> None:
    assert _over_ipc(kind, options) == says


@pytest.mark.parametrize("kind", ASKED)
def test_over_ipc_an_unknown_option_is_refused_with_the_nearest_name(kind: str) -> None:
    frame = msgspec.msgpack.encode({"type": kind, "id": 1, "options": {"temprature": 1}} | ASKED[kind])
    with pytest.raises(msgspec.ValidationError) as caught:
        wire.decode_request(frame)
    failure = unreadable(frame, caught.value)
    assert (failure.code, failure.message) == (Code.BAD_REQUEST, "there is no option 'temprature'")
    assert failure.hint == "did you mean temperature?"


@pytest.mark.parametrize("command", PARSERS)
def test_so_it_is_elsewhere(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    for ask in (asking.chat_request, asking.route_request):
        with pytest.raises(TypeError, match="did you mean 'temperature'"):
            ask(1, "hi", asking.Asking(temprature=1))  # type: ignore[typeddict-unknown-key]
    assert "temprature" in _refused(command, ["--temprature=1"], capsys)
    with pytest.raises(AiPalError) as caught:
        setting.changed(Wishes(), "temprature 1")
    assert caught.value.failure.hint == "did you mean temperature?"
    with pytest.raises(AiPalError) as caught:
        presets.parse("temprature = 1", "here")
    assert caught.value.failure.hint == "did you mean temperature?"


def _values() -> list[tuple[str, Any]]:
    return [(label, value) for label, value in VALUES.items() if label != "missing"]


def _can_be_an_option(name: str, value: Any) -> bool:
    """Whether `--option` can say so: in JSON, which has no infinity."""
    return name not in ("extra", "stop") and not (isinstance(value, float) and not math.isfinite(value))


def _over_ipc(kind: str, options: dict[str, Any]) -> str:
    """What the supervisor says of a message with these options."""
    frame = msgspec.msgpack.encode({"type": kind, "id": 1, "options": options} | ASKED[kind])
    try:
        failure = objection(wire.decode_request(frame))
    except msgspec.ValidationError as error:
        failure = unreadable(frame, error)
    return failure.message if failure else ""


def _set(argument: str) -> Wishes:
    return setting.changed(Wishes(), argument)


def _told(ask: Any) -> str:
    """What somebody is told who asks so, "" where it is taken."""
    try:
        ask()
    except AiPalError as error:
        expected = error.code in (Code.BAD_REQUEST, Code.CONFIG_INVALID)
        return error.failure.message if expected else f"{error.code}: {error}"
    return ""


def _parser(command: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    PARSERS[command](parser)
    return parser


def _own_option(command: str, name: str) -> str:
    """The option of this command for a field whose values are no texts, "" where it has none."""
    actions = {action.dest: action for action in _deepest(_parser(command))._actions}
    if RULES[name].kind is str or name not in actions:
        return ""
    return actions[name].option_strings[-1]


def _deepest(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return action.choices["set"]  # type: ignore[no-any-return]
    return parser


def _refused(command: str, options: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What a command says to options that it does not take, "" where it does."""
    before = ["set", "name"] if command == "preset" else ["hello"]
    try:
        args = _parser(command).parse_args([*before, *options])
        if command == "chat":
            arguments.wishes(args)
    except SystemExit:
        return capsys.readouterr().err
    return ""
