"""`ai-pal preset`, and what becomes of a preset beside options."""

import json
from pathlib import Path

import pytest

from ai_pal.cli import build_parser, presetting, run
from ai_pal.cli.chat.arguments import wishes
from ai_pal.config import presets
from ai_pal.config.presets import Preset

FULL = Preset(
    model="phi-3", system="Be brief.", temperature=0.2, stop=["END"], local_only=True, goal="cost",
    context=64, options={"top_k": 3, "min_p": 0.1},
)  # fmt: skip


def test_a_preset_fills_in_what_is_left_out() -> None:
    args = build_parser(("chat",)).parse_args(["chat", "-p", "x", "hello"])
    presetting.apply(FULL, args)
    asked = wishes(args)
    assert (asked.model, asked.local_only, asked.goal) == ("phi-3", True, "cost")
    assert (asked.options.temperature, asked.options.stop) == (0.2, ["END"])
    assert asked.options.extra == {"top_k": 3, "min_p": 0.1}
    assert (args.system, args.context) == ("Be brief.", 64)


def test_options_go_over_it() -> None:
    given = ["-m", "smollm2", "-s", "", "--temperature", "0", "--stop", "X", "--goal", "quality"]
    more = ["--option", "top_k=9", "--context", "128"]
    args = build_parser(("chat",)).parse_args(["chat", *given, *more])
    presetting.apply(FULL, args)
    asked = wishes(args)
    assert (asked.model, asked.goal, args.system, args.context) == ("smollm2", "quality", "", 128)
    assert (asked.options.temperature, asked.options.stop) == (0.0, ["X"])
    assert asked.options.extra == {"top_k": 9, "min_p": 0.1}
    assert asked.local_only  # a flag makes it stricter, never less so


def test_a_model_that_nobody_knows_is_refused_when_it_is_set(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["preset", "set", "x", "-s", "Be brief.", "-m", "smolm2"]) == 3
    assert capsys.readouterr().err == (
        "error: there is no model 'smolm2' [model_not_found]\nhint: did you mean smollm2?\n"
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
    assert run(["preset", "rm", "brief"]) == 0
    assert run(["preset", "show", "brief"]) == 3
    assert presets.names() == []


@pytest.mark.parametrize(
    "argv", [["set", "x"], ["set", "x", "--seed", "1", "--unset", "seed"], ["set", "a/b", "--seed", "1"]]
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
