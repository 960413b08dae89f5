"""`ai-pal preset`, and what becomes of a preset beside options."""

import json
from pathlib import Path

import pytest

from ai_pal.cli import build_parser, run
from ai_pal.cli.prompts import presetting
from ai_pal.cli.prompts.arguments import wishes
from ai_pal.config import presets
from ai_pal.config.presets import Preset
from ai_pal.protocol.options import GenerationOptions, Grammar, JsonObject, JsonSchema

FULL = Preset(
    model="phi-3", system="Be brief.", temperature=0.2, stop=["END"], local_only=True, goal="cost",
    context=64, options={"top_k": 3, "min_p": 0.1, "pace": 1},
)  # fmt: skip


def test_a_preset_fills_in_what_is_left_out() -> None:
    args = build_parser(("chat",)).parse_args(["chat", "-p", "x", "hello"])
    presetting.apply(FULL, args)
    asked = wishes(args)
    assert (asked.model, asked.local_only, asked.goal) == ("phi-3", True, "cost")
    assert (asked.options.temperature, asked.options.stop) == (0.2, ["END"])
    assert (asked.options.top_k, asked.options.min_p, asked.options.extra) == (3, 0.1, {"pace": 1})
    assert (args.system, args.context) == ("Be brief.", 64)


def test_options_go_over_it() -> None:
    given = ["-m", "smollm2", "-s", "", "--temperature", "0", "--stop", "X", "--goal", "quality"]
    more = ["--option", "top_k=9", "--context", "128"]
    args = build_parser(("chat",)).parse_args(["chat", *given, *more])
    presetting.apply(FULL, args)
    asked = wishes(args)
    assert (asked.model, asked.goal, args.system, args.context) == ("smollm2", "quality", "", 128)
    assert (asked.options.temperature, asked.options.stop) == (0.0, ["X"])
    assert (asked.options.top_k, asked.options.min_p, asked.options.extra) == (9, 0.1, {"pace": 1})
    assert asked.local_only  # a flag makes it stricter, never less so


def chatting(preset: Preset, *argv: str) -> GenerationOptions:
    args = build_parser(("chat",)).parse_args(["chat", *argv])
    presetting.apply(preset, args)
    return wishes(args).options


def test_an_option_of_the_command_goes_over_one_that_the_preset_has_for_the_engine() -> None:
    kept = Preset(options={"top_k": 3}, min_p=0.5)
    assert chatting(kept, "--top-k", "9", "--option", "min_p=0.1") == GenerationOptions(top_k=9, min_p=0.1)


def test_thinking_and_the_form_of_the_answer_are_kept(tmp_path: Path) -> None:
    schema = tmp_path / "schema.json"
    schema.write_text('{"type": "object", "properties": {"a": {"enum": [null, 1]}}}')
    argv = ["--schema", str(schema), "--think", "high", "--think-budget", "9", "--prefill", "{"]
    assert run(["preset", "set", "x", *argv]) == 0
    schema.unlink()
    kept = presets.load_preset("x")
    form = JsonSchema({"type": "object", "properties": {"a": {"enum": [None, 1]}}})
    expected = GenerationOptions(response_format=form, thinking="high", thinking_budget=9, prefill="{")
    assert chatting(kept) == expected
    assert chatting(kept, "--json-object").response_format == JsonObject()


def test_the_last_form_that_was_set_is_kept(tmp_path: Path) -> None:
    grammar = tmp_path / "g.gbnf"
    grammar.write_text('root ::= "yes" | "no"\n')
    assert run(["preset", "set", "x", "--json-object"]) == 0
    assert run(["preset", "set", "x", "--grammar", str(grammar)]) == 0
    assert chatting(presets.load_preset("x")).response_format == Grammar('root ::= "yes" | "no"\n')
    assert run(["preset", "set", "x", "--schema", '{"type": "array"}']) == 0
    assert chatting(presets.load_preset("x")).response_format == JsonSchema({"type": "array"})


def test_a_model_that_nobody_knows_is_refused_when_it_is_set(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["preset", "set", "x", "-s", "Be brief.", "-m", "smolm2"]) == 3
    assert capsys.readouterr().err == (
        "error: model 'smolm2' not found [model_not_found]\nhint: did you mean smollm2?\n"
    )
    assert presets.names() == []
    for model in ("phi-3", "org/name:Q4_K_M", "openai:gpt-4.1", "phi-3?context=512", "/later/m.gguf"):
        assert run(["preset", "set", "x", "-m", model]) == 0, model


def test_presets_are_set_listed_shown_and_removed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["preset"]) == 0
    assert "there is no preset yet" in capsys.readouterr().out
    assert run(["preset", "set", "brief", "-s", "Be brief.", "--temperature", "0.2", "--stop", "a"]) == 0
    assert run(["preset", "set", "brief", "-m", "./m.gguf", "--unset", "stop"]) == 0
    capsys.readouterr()
    assert run(["preset", "list", "--json"]) == 0
    [shown] = json.loads(capsys.readouterr().out)
    assert shown == {
        "name": "brief", "system": "Be brief.", "temperature": 0.2, "model": str(Path("m.gguf").absolute())
    }  # fmt: skip
    assert run(["preset", "list"]) == 0
    assert "temperature=0.2" in capsys.readouterr().out
    assert run(["preset", "show", "brief"]) == 0
    assert "system      Be brief.\n" in capsys.readouterr().out
    assert run(["preset", "rm", "brief", "--yes"]) == 0
    assert run(["preset", "show", "brief"]) == 3
    assert presets.names() == []


@pytest.mark.parametrize(
    "argv", [["set", "x"], ["set", "x", "--seed", "1", "--unset", "seed"], ["set", "a/b/c", "--seed", "1"]]
)
def test_what_makes_no_preset_is_refused(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["preset", *argv]) == 2
    assert presets.names() == []


def test_a_broken_preset_is_told_and_does_not_hide_the_others(
    ai_pal_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    presets.save_fields("fine", Preset(seed=1), ())
    (ai_pal_home / "presets/bad.toml").write_text("seeed = 1\n")
    assert run(["preset", "list", "--json"]) == 0
    assert [(one["name"], "problem" in one) for one in json.loads(capsys.readouterr().out)] == [
        ("bad", True), ("fine", False)
    ]  # fmt: skip
    assert run(["chat", "-p", "bad", "hello"]) == 7
    assert "did you mean seed?" in capsys.readouterr().err
