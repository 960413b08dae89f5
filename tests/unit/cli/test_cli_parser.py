"""The command table, its parser, and how errors leave the process."""

import io
import sys

import pytest

from ai_pal import __version__, cli
from ai_pal.__main__ import main
from ai_pal.cli import failures
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


def test_an_unknown_option_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["chat", "--nonsense"])
    assert caught.value.code == failures.USAGE
    assert capsys.readouterr().err.startswith("error: unrecognized arguments: --nonsense [bad_request]\n")


@pytest.mark.parametrize(
    ("line", "prompt"),
    [
        ("chat why is the sky blue", "why is the sky blue"),
        ("chat -m echo why is --json the sky blue", "why is the sky blue"),
        ("route why is -m echo the sky", "why is the sky"),
        ("chat what does -- -rf do", "what does -rf do"),
        ("chat -c and why", "why"),
        ("chat", ""),
    ],
)
def test_words_and_options_stand_in_any_order(line: str, prompt: str) -> None:
    argv = line.split()
    args = cli.build_parser((argv[0],)).parse_args(argv)
    assert " ".join(args.prompt) == prompt


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
