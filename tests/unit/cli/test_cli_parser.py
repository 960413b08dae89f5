"""The command table, its parser, and how errors leave the process."""

import argparse
import io
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ai_pal import __version__, cli
from ai_pal.__main__ import main
from ai_pal.cli import run
from ai_pal.cli.terminal import failures
from ai_pal.errors import Code, Failure


def test_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"ai-pal {__version__}\n"


def test_ctrl_c_before_there_is_a_command_leaves_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupting:
        def find_spec(self, *_: object) -> None:
            raise KeyboardInterrupt

    monkeypatch.delitem(sys.modules, "ai_pal.cli")
    monkeypatch.setattr(sys, "meta_path", [Interrupting()])
    assert main(["doctor"]) == failures.CTRL_C


def test_no_command_prints_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == failures.USAGE
    out = capsys.readouterr().out
    assert all(name in out for name in cli.COMMANDS)


def test_an_unknown_command_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["chta"]) == failures.USAGE
    assert capsys.readouterr().err == (
        "error: there is no command 'chta' [bad_request]\nhint: did you mean: ai-pal chat\n"
    )


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["version"], "ai-pal --version"),
        (["cp", "a", "b"], "ai-pal alias"),
        (["delete", "a"], "ai-pal rm"),
        (["stop", "a model"], "ai-pal unload 'a model'"),
    ],
)
def test_what_other_programs_call_otherwise_is_told(
    words: list[str], meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == failures.USAGE
    assert meant in capsys.readouterr().err.splitlines()[-1]


def test_an_unknown_option_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["chat", "--nonsense"])
    assert caught.value.code == failures.USAGE
    assert capsys.readouterr().err == (
        "error: there is no option --nonsense [bad_request]\nhint: see: ai-pal chat --help\n"
    )


@pytest.mark.parametrize(
    ("line", "prompt"),
    [
        ("chat why is the sky blue", "why is the sky blue"),
        ("chat -m echo why is --json the sky blue", "why is the sky blue"),
        ("route why is -m echo the sky", "why is the sky"),
        ("chat what does -- -rf do", "what does -rf do"),
        ("chat what --json does -- --help -m do -- here", "what does --help -m do -- here"),
        ("chat -- --help -m", "--help -m"),
        ("run -- echo --json is what", "--json is what"),
        ("chat -c and why", "why"),
        ("chat", ""),
    ],
)
def test_words_and_options_stand_in_any_order(line: str, prompt: str) -> None:
    argv = line.split()
    args = cli.build_parser((argv[0],)).parse_args(argv)
    assert " ".join(args.prompt) == prompt


@pytest.mark.parametrize(
    ("argv", "flag", "hint"),
    [
        ("chat --temprature 0.2 hi", "--temprature", "did you mean --temperature? see: ai-pal chat --help"),
        ("chat hi there --jsn", "--jsn", "did you mean --json? see: ai-pal chat --help"),
        ("load --forever", "--forever", "see: ai-pal load --help"),
        ("show echo -x", "-x", "see: ai-pal show --help"),
        ("history list --limt 3", "--limt", "did you mean --limit? see: ai-pal history list --help"),
        ("config show --descrbe=1", "--descrbe", "did you mean --describe? see: ai-pal config show --help"),
        ("ls --jsn", "--jsn", "did you mean --json? see: ai-pal list --help"),
        ("--versoin", "--versoin", "did you mean --version? see: ai-pal --help"),
    ],
)
def test_an_unknown_flag_is_blamed_and_the_commands_own_help_named(
    argv: str, flag: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(argv.split())
    assert caught.value.code == failures.USAGE
    assert capsys.readouterr().err == f"error: there is no option {flag} [bad_request]\nhint: {hint}\n"


@pytest.mark.parametrize(
    ("argv", "missing"),
    [
        ("run", "MODEL"),
        ("config set", "KEY, VALUE"),
        ("config set keep_alive=3m", "VALUE"),
        ("load", "MODEL"),
    ],
)
def test_what_is_missing_is_named_and_nothing_else(
    argv: str, missing: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(argv.split())
    assert caught.value.code == failures.USAGE
    said = f"error: the following arguments are required: {missing} [bad_request]\n"
    assert capsys.readouterr().err.startswith(said)


@pytest.mark.parametrize("argv", ["status too many", "config path x", "show a b"])
def test_what_is_too_much_is_named(argv: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(argv.split())
    assert caught.value.code == failures.USAGE
    err = capsys.readouterr().err
    assert err.startswith("error: this is too much: ")
    assert f"see: ai-pal {argv.split(maxsplit=1)[0]}" in err


@pytest.mark.parametrize("name", [*cli.COMMANDS, *cli.ALIASES])
def test_help_shows_every_command_with_examples_and_exit_codes(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["help", name])
    assert caught.value.code == failures.OK
    out = capsys.readouterr().out
    assert out.startswith(f"usage: ai-pal {cli.ALIASES.get(name, name)} ")
    assert "examples:\n  " in out
    assert "exit codes:" in out


def test_everything_that_can_be_said_to_a_command_is_explained() -> None:
    def unexplained(parser: argparse.ArgumentParser, name: str) -> Iterator[str]:
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                for below, actions in action.choices.items():
                    yield from unexplained(actions, f"{name} {below}")
            elif not action.help:
                yield f"{name} {action.dest}"

    assert list(unexplained(cli.build_parser(), "ai-pal")) == []


def test_help_alone_is_the_help_of_all_and_shows_other_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help"]) == failures.OK
    out = capsys.readouterr().out
    assert "list (ls)" in out
    assert not any(name in out for name in cli.HIDDEN)


def test_help_of_an_action(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["help", "history", "list"])
    assert capsys.readouterr().out.startswith("usage: ai-pal history list ")


def test_help_of_an_unknown_command_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help", "chta"]) == failures.USAGE
    assert "did you mean: ai-pal chat" in capsys.readouterr().err


def test_chat_help_documents_options_and_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["chat", "--help"])
    out = capsys.readouterr().out
    assert "exit codes:" in out
    assert "git diff | ai-pal chat" in out


@pytest.mark.parametrize(
    ("code", "expected"),
    [(Code.EMPTY_PROMPT, 2), (Code.MODEL_NOT_FOUND, 3), (Code.MODEL_NOT_HERE, 3), (Code.OVERLOADED, 5),
     (Code.SUPERVISOR_UNREACHABLE, 6), (Code.SUPERVISOR_LOST, 6), (Code.CONFIG_INVALID, 7),
     (Code.WORKER_DIED, 1), ("something_new", 1)],
)  # fmt: skip
def test_exit_codes(code: str, expected: int) -> None:
    assert failures.exit_code(code) == expected


def test_a_failure_is_described_with_evidence_and_hint_and_made_harmless() -> None:
    failure = Failure(Code.WORKER_DIED, "it died", "look", detail="line 1\n\x1b]52;c;x\x07")
    assert failures.describe(failure) == (
        "error: it died [worker_died]\n  line 1\n  \u241b]52;c;x\u2407\nhint: look"
    )


@pytest.mark.parametrize("digits", [19, 20, 5000])
@pytest.mark.parametrize(
    "argv",
    ["history list --limit", "history search x --limit", "history show", "history export", "history delete",
     "logs -n"],
)  # fmt: skip
def test_a_number_that_nothing_can_hold_is_a_usage_error(
    argv: str, digits: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main([*argv.split(), "9" * digits])
    assert caught.value.code == failures.USAGE
    assert "is not a whole number" in capsys.readouterr().err


def test_the_largest_number_is_one_that_the_database_can_hold(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history", "list", "--limit", "9" * 18]) == failures.OK
    assert main(["history", "show", "9" * 18]) == failures.exit_code(Code.CONVERSATION_NOT_FOUND)
    assert "conversation_not_found" in capsys.readouterr().err


def test_config_alone_prints_its_actions(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config"]) == failures.USAGE
    out = capsys.readouterr().out
    assert out.startswith("usage: ai-pal config")
    assert all(action in out for action in ("show", "path"))


def test_what_stdout_cannot_show_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
    monkeypatch.setenv("AI_PAL_CONFIG", "/tmp/\u2197.toml")
    assert main(["config", "path"]) == failures.OK
    assert written.getvalue() == b"/tmp/?.toml\n"


def test_json_is_utf8_whatever_stdout_has(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
    monkeypatch.setenv("AI_PAL_MODEL", "\u2197")
    assert main(["config", "show", "--json"]) == failures.OK
    assert "\u2197".encode() in written.getvalue()


@pytest.mark.parametrize("command", ["history", "keys", "preset"])
def test_options_without_an_action_are_those_of_the_list(
    command: str, ai_pal_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([command, "--json"]) == 0
    said = capsys.readouterr().out
    assert run([command, "list", "--json"]) == 0
    assert capsys.readouterr().out == said
    with pytest.raises(SystemExit):
        run([command, "--nosuch"])
    assert f"ai-pal {command} list --help" in capsys.readouterr().err
