"""What requests say besides their options, and that every face says the same of the same value."""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ai_pal.cli.loaded import load
from ai_pal.cli.prompts import arguments, embed, generate, preset, rerank
from ai_pal.cli.prompts.chat import setting
from ai_pal.cli.prompts.wishes import Wishes
from ai_pal.client import asking
from ai_pal.client import requests as made
from ai_pal.client.usual import NOTHING
from ai_pal.config import load_settings, presets
from ai_pal.errors import AiPalError, Code
from ai_pal.models.question import question
from ai_pal.orchestration import MultiModelOrchestrator
from ai_pal.protocol import client as wire
from ai_pal.protocol.request_rules import RULES, objection_to_field
from ai_pal.protocol.requests import objection, unreadable
from tests.option_values import FIELDS_TAKEN, VALUES, toml

EVERY = pytest.mark.parametrize("name", RULES)
GIVEN = [(label, value) for label, value in VALUES.items() if label != "missing"]
HI = {"messages": [{"role": "user", "content": "hi"}]}
TEXTS = {"texts": ["a"]}
ASKED: dict[type[wire.Request], dict[str, Any]] = {
    wire.Chat: HI,
    wire.Route: HI,
    wire.Complete: {"prompt": "a"},
    wire.Embed: TEXTS,
    wire.Rerank: TEXTS | {"query": "b"},
    wire.Load: {},
}
OTHERS = {"id", "messages", "prompt", "suffix", "query", "texts", "model", "usual_model", "options", "pip"}
"""Fields with rules of their own, or none."""

FLAGS = {"deadline": "--deadline", "keep_alive": "--keep-alive", "max_cost": "--max-cost", "goal": "--goal"}
FLAGS |= {"dimensions": "--dimensions"}
COMMANDS: dict[str, Callable[[argparse.ArgumentParser], None]] = {
    "chat": arguments.add_arguments,
    "preset": preset.configure,
    **{one.__name__.rpartition(".")[2]: one.configure for one in (generate, embed, rerank, load)},
}
SETTINGS = {"deadline": "deadline", "keep_alive": "keep_alive", "goal": "optimization_goal"}
"""Those that a setting says too. Of `deadline` it says -1 for no limit, which requests say with nothing."""


def test_there_is_a_rule_and_a_row_of_verdicts_for_each_field() -> None:
    fields = {name for kind in ASKED for name in kind.__struct_fields__}
    assert fields - OTHERS == set(RULES) == set(FIELDS_TAKEN)


@EVERY
def test_a_value_is_taken_or_not(name: str) -> None:
    for label, value in GIVEN:
        why = objection_to_field(name, value)
        assert (not why) == (label in FIELDS_TAKEN[name]), (label, why)


@pytest.mark.parametrize("kind", ASKED, ids=lambda kind: kind.__name__)
@EVERY
def test_over_ipc_it_is_the_same_in_the_same_words(kind: type[wire.Request], name: str) -> None:
    if name not in kind.__struct_fields__:
        return  # what a request has no field for is left to newer ones
    for _, value in GIVEN:
        frame = msgspec.msgpack.encode(
            {"type": kind.__struct_config__.tag, "id": 1, name: value} | ASKED[kind]
        )
        try:
            failure = objection(wire.decode_request(frame))
        except msgspec.ValidationError as error:
            failure = unreadable(frame, error)
        assert (failure.message if failure else "") == objection_to_field(name, value)


@EVERY
def test_in_python_it_is_the_same_in_the_same_words(name: str) -> None:
    for _, value in GIVEN:
        for ask in _in_python(name):
            assert _told(lambda: ask({name: value})) == objection_to_field(name, value)  # noqa: B023


def test_a_face_is_not_made_with_a_cost_that_cannot_be(ai_pal_home: Path) -> None:
    for _, value in GIVEN:
        why = objection_to_field("max_cost", value)
        assert _told(lambda: MultiModelOrchestrator(max_cost=value)) == why  # noqa: B023


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", FLAGS)
def test_on_the_command_line_it_is_the_same(
    name: str, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if not _refused(command, name, "?", capsys):
        return  # the command has no such option
    for label, value in GIVEN:
        told = _refused(command, name, str(value), capsys)
        assert bool(told) == bool(objection_to_field(name, value)), (label, told)


@pytest.mark.parametrize("name", setting.OF_WISHES)
def test_set_in_a_conversation_says_the_same(name: str) -> None:
    for label, value in GIVEN:
        told = _told(lambda: setting.changed(Wishes(), f"{name} {value}"))  # noqa: B023
        assert bool(told) == bool(objection_to_field(name, value)), (label, told)


@pytest.mark.parametrize("name", presets.OF_REQUESTS)
def test_a_preset_says_the_same(name: str) -> None:
    for _, value in GIVEN:
        told = _told(lambda: presets.parse(f"{name} = {toml(value)}", "here"))  # noqa: B023
        why = objection_to_field(name, value)
        assert told == (f"here: {why}" if why else "")


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_say_the_same(name: str, tmp_path: Path) -> None:
    home, file = {"AI_PAL_HOME": str(tmp_path)}, tmp_path / "config.toml"
    for label, value in GIVEN:
        taken = label in FIELDS_TAKEN[name] or (name, label) == ("deadline", "-1")
        variable = {f"AI_PAL_{SETTINGS[name].upper()}": str(value)}
        file.unlink(missing_ok=True)
        assert bool(_told(lambda: load_settings(environ=home | variable))) != taken, label  # noqa: B023
        file.write_text(f"{SETTINGS[name]} = {toml(value)}")
        said = {"AI_PAL_CONFIG": str(file)}
        assert bool(_told(lambda: load_settings(environ=home | said))) != taken, label  # noqa: B023


def test_what_is_missing_is_taken_everywhere(tmp_path: Path) -> None:
    assert [objection(kind(1, **_typed(kind))) for kind in ASKED] == [None] * len(ASKED)  # type: ignore[arg-type]
    for name in RULES:
        for ask in _in_python(name):
            assert not _told(lambda: ask({})), name  # noqa: B023
    assert load_settings(environ={"AI_PAL_HOME": str(tmp_path)}).settings.deadline == -1


def _typed(kind: type[wire.Request]) -> Mapping[str, Any]:
    names = {field.name: field.type for field in msgspec.structs.fields(kind)}
    return {name: msgspec.convert(value, names[name]) for name, value in ASKED[kind].items()}


def _in_python(name: str) -> list[Callable[[Any], Any]]:
    """What is asked from Python with this keyword."""
    found: list[Callable[[Any], Any]] = []
    if name in asking.Asking.__annotations__:
        found.append(lambda how: asking.chat_request(1, "hi", how))
        if name in wire.Route.__struct_fields__:
            found.append(lambda how: asking.route_request(1, "hi", how))
    if name in made.Using.__annotations__:
        found.append(lambda how: made.complete_request(1, "hi", None, how, NOTHING))
        found.append(lambda how: list(made.embed_requests(lambda: 1, ["a"], 0, how, NOTHING)))
        found.append(lambda how: list(made.rerank_requests(lambda: 1, "b", ["a"], how, NOTHING)))
    if name == "keep_alive":
        found.append(lambda how: made.load_request(1, "m", how.get(name), False, 0, NOTHING))
    if name in ("pull", "pull_limit"):
        usual = {"pull": False, "pull_limit": 0}
        found.append(lambda how: made.load_request(1, "m", None, **usual | how, usual=NOTHING))
    if name == "dimensions":
        found.append(lambda how: list(made.embed_requests(lambda: 1, ["a"], how.get(name, 0), {}, NOTHING)))
    if name == "deadline":
        found.append(lambda how: question("hi", how))
    return found


def _told(ask: Callable[[], Any]) -> str:
    """What somebody is told who asks so, "" where it is taken."""
    try:
        ask()
    except AiPalError as error:
        expected = error.code in (Code.BAD_REQUEST, Code.CONFIG_INVALID)
        return error.failure.message if expected else f"{error.code}: {error}"
    return ""


def _refused(command: str, name: str, value: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What a command says to an option that it does not take, "" where it does, or has none such."""
    parser = argparse.ArgumentParser()
    COMMANDS[command](parser)
    before = ["set", "name"] if command == "preset" else ["hello"]
    try:
        parser.parse_args([*before, f"{FLAGS[name]}={value}"])
    except SystemExit:
        said = capsys.readouterr().err
        return "" if "unrecognized arguments" in said else said
    return ""
