"""The options of `ai-pal chat`."""

import argparse
from pathlib import Path

import pytest

from ai_pal.cli.prompts import arguments, values
from ai_pal.cli.prompts.wishes import Wishes
from ai_pal.errors import AiPalError
from ai_pal.protocol.options import GenerationOptions


def parsed(*argv: str) -> Wishes:
    parser = argparse.ArgumentParser()
    arguments.add_arguments(parser)
    return arguments.wishes(parser.parse_args(["hello", *argv]))


def test_nothing_said_leaves_everything_to_the_supervisor() -> None:
    assert parsed() == Wishes()


def test_who_may_answer_arrives() -> None:
    argv = "--local-only --goal cost --max-cost 0.01 --no-fallback --continuation"
    wishes = Wishes(local_only=True, goal="cost", max_cost=0.01, fallback=False, continuation=True)
    assert parsed(*argv.split()) == wishes


def test_every_option_arrives() -> None:
    argv = "-m echo --temperature 0 --top-p 0.9 --max-tokens 5 --seed 7 --stop a --stop b"
    argv += " --deadline 2m --keep-alive 10m --option pace=0.5 --option name=x"
    extra = {"pace": 0.5, "name": "x"}
    assert parsed(*argv.split()) == Wishes(
        "echo", GenerationOptions(0.0, 0.9, 5, 7, ["a", "b"], extra), 120.0, 600.0
    )


@pytest.mark.parametrize(("text", "seconds"), [("0", 0.0), ("-1", -1.0), ("never", -1.0), ("1h", 3600.0)])
def test_keep_alive_takes_zero_never_and_durations(text: str, seconds: float) -> None:
    assert parsed("--keep-alive", text).keep_alive == seconds


@pytest.mark.parametrize(
    "argv",
    ["--temperature -1", "--temperature nan", "--temperature inf", "--top-p -0.1", "--top-p 1.1",
     "--max-tokens 0", "--max-tokens 1.5", "--max-tokens 9999999999999999999", "--seed x",
     "--seed 99999999999999999999", "--seed -99999999999999999999", "--deadline 0", "--deadline -1",
     "--deadline soon", "--keep-alive -2", "--keep-alive 1e300", "--option pace", "--option top_k=x",
     "--option min_p=2", "--max-tokens 5.0", "--json --jsonl"],
)  # fmt: skip
def test_nonsense_is_refused(argv: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parsed(*argv.split())
    assert caught.value.code == 2
    assert argv.partition(" ")[0] in capsys.readouterr().err


def test_a_path_becomes_absolute_and_a_name_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert parsed("-m", "./m.gguf").model == str(tmp_path / "m.gguf")
    assert parsed("-m", "m.gguf").model == str(tmp_path / "m.gguf")
    assert parsed("-m", "smollm2").model == "smollm2"


def going_on(*argv: str) -> tuple[int | None, list[str]]:
    parser = argparse.ArgumentParser()
    arguments.add_arguments(parser)
    args = parser.parse_args(argv)
    return arguments.settle_continue(args), args.prompt


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        ((), (None, [])),
        (("hello",), (None, ["hello"])),
        (("--continue",), (0, [])),
        (("--continue", "12"), (12, [])),
        (("--continue", "and why?"), (0, ["and why?"])),
        (("and why?", "--continue"), (0, ["and why?"])),
        (("--continue", "12", "and why?"), (12, ["and why?"])),
        (("-c", "and", "why?"), (0, ["and", "why?"])),
        (("-c", "--", "12"), (0, ["12"])),
    ],
)
def test_what_follows_continue_is_a_number_or_begins_the_prompt(
    argv: tuple[str, ...], expected: tuple[int | None, list[str]]
) -> None:
    assert going_on(*argv) == expected


@pytest.mark.parametrize("digits", [19, 20, 5000])
def test_a_number_that_no_conversation_can_have_is_refused(digits: int) -> None:
    with pytest.raises(AiPalError, match="no number of a conversation"):
        going_on("--continue", "9" * digits)


def test_an_option_that_is_nested_too_deep_is_refused() -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="x is nested too deep to be read"):
        values.pair("x=" + "[" * 9999 + "]" * 9999)
