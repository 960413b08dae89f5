"""Thoughts on the screen: dim while they come, one line afterwards, and never on stdout."""

import pytest

from ai_pal.cli.prompts.chat.screen import AnswerScreen
from ai_pal.cli.prompts.chat.thoughts import LINES, Thoughts
from ai_pal.cli.terminal.streams import Terminal
from ai_pal.cli.terminal.waiting import Waiting
from ai_pal.protocol.client import Delta, Done

EVERYTHING = Terminal(True, True, True)
PIPED = Terminal(False, False, False)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def thoughts(terminal: Terminal, clock: Clock, *, hidden: bool = False) -> Thoughts:
    return Thoughts(terminal, Waiting(terminal), hidden=hidden, clock=clock)


def test_they_are_dim_and_one_line_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    shown = thoughts(EVERYTHING, clock)
    shown.show("I wonder \x1b[31m", 3)
    assert "\x1b[2mI wonder ␛[31m\x1b[0m" in capsys.readouterr().err
    clock.now += 12
    shown.show("whether", 2)
    shown.fold()
    shown.fold()
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith("\x1b[2mthought for 12 s, 5 tokens\x1b[0m\n")


def test_of_many_the_latest_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    thoughts(EVERYTHING, Clock()).show("".join(f"thought {number}\n" for number in range(99)), 99)
    err = capsys.readouterr().err
    assert err.count("\x1b[2m") == LINES
    assert "thought 98" in err
    assert "thought 50" not in err


@pytest.mark.parametrize(("terminal", "hidden"), [(EVERYTHING, True), (Terminal(True, False, True), False)])
def test_hidden_or_beside_a_pipe_only_how_many_is_told(
    terminal: Terminal, hidden: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = thoughts(terminal, Clock(), hidden=hidden)
    shown.show("secret", 3)
    shown.fold()
    err = capsys.readouterr().err
    assert "thinking  3 tokens" in err
    assert "thought for 0.00 s, 3 tokens" in err
    assert "secret" not in err


def test_a_pipe_gets_the_answer_and_nothing_else(capfd: pytest.CaptureFixture[str]) -> None:
    screen = AnswerScreen(PIPED, markdown=True)
    for event in (Delta(1, 0, 2, "hm", "reasoning"), Delta(1, 2, 1, "Yes.", index=1), Done(1)):
        screen.show(event)
    screen.close()
    assert capfd.readouterr() == ("Yes.\n", "")


def test_thoughts_within_an_answer_do_not_stand_in_its_midst(capfd: pytest.CaptureFixture[str]) -> None:
    screen = AnswerScreen(EVERYTHING._replace(dumb=True), markdown=True)
    for index, (kind, text) in enumerate([("text", "One, "), ("reasoning", "hm"), ("text", "two.")]):
        screen.show(Delta(1, index, 1, text, kind, index))  # type: ignore[arg-type]
    screen.close()
    assert capfd.readouterr() == ("One, two.\n", "")
