"""Two answers on one terminal: the second below a line that says why, what was shown stays."""

from typing import Any

import pytest

from ai_pal.cli.prompts.chat.screen import AnswerScreen
from ai_pal.cli.terminal.streams import Terminal
from ai_pal.protocol.client import AnyEvent, Delta, Done, Notice, Started

SEAM = Notice(1, "seam", "phi-2 was unsure (0.90) -> openai:gpt-4")
CLOUD = Started(1, 3, "openai", "gpt-4", remote=True)


@pytest.fixture(name="show")
def _show(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    monkeypatch.setenv("TERM", "dumb")

    def show(*events: AnyEvent, unsure: str = "") -> tuple[str, list[str]]:
        screen = AnswerScreen(Terminal.detect(), markdown=False, unsure=unsure)
        for event in events:
            screen.show(event)
        screen.close()
        out, err = capsys.readouterr()
        return out, err.splitlines()

    return show


def test_a_second_answer_begins_a_line_of_its_own_below_why(show: Any) -> None:
    out, err = show(Delta(1, 0, 1, "draft"), SEAM, CLOUD, Delta(1, 1, 1, "yes", index=1), Done(1))
    assert out == "draft\nyes\n"
    assert err == [SEAM.reason, "↗ openai:gpt-4 answers: the prompt has left this machine"]


def test_who_goes_on_with_a_text_stands_in_it(show: Any) -> None:
    out, err = show(Delta(1, 0, 1, "half "), SEAM, Delta(1, 1, 1, "whole"), Done(1))
    assert out == "half whole\n"
    assert err == [SEAM.reason]


def test_the_line_of_a_doubt_says_how_to_ask_another(show: Any) -> None:
    doubted = Notice(1, "unsure", "phi-2 was unsure (0.93); openai:gpt-4 could be asked")
    _, err = show(Delta(1, 0, 1, "a"), doubted, Done(1), unsure=": /stronger")
    assert err == [f"{doubted.reason}: /stronger"]
    _, err = show(Delta(1, 0, 1, "a"), Notice(1, "unsure", "phi-2 was unsure (0.93)"), Done(1), unsure=": /s")
    assert err == ["phi-2 was unsure (0.93)"]
