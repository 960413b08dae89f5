"""`ai-pal machines` before any machine is asked."""

import pytest

from ai_pal.cli import run


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["bo:x", "--ssh", "me@box"], "'bo:x' can be no name of a machine"),
        (["box", "--ssh", "me@box -p 22"], "--ssh 'me@box -p 22' is nothing that `ssh` could go to"),
        (["box", "--ssh", "me@box", "--port", "70000"], "--port 70000 is no port"),
    ],
)
def test_what_is_wrong_with_a_machine_is_named(
    given: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["machines", "add", *given]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("argv", [["machines", "add"], ["history", "tag"]])
def test_the_help_of_an_action_has_examples(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run([*argv, "--help"])
    assert f"examples:\n  ai-pal {' '.join(argv)} " in capsys.readouterr().out
