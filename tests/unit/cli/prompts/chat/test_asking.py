"""Asking once and seeing it through, against a scripted link."""

import os
import signal
from collections.abc import Iterator, Sequence
from typing import Unpack

import pytest

from ai_pal.cli.prompts.chat.asking import ask
from ai_pal.cli.prompts.chat.session import Session
from ai_pal.cli.prompts.wishes import Wishes
from ai_pal.client.asking import Asking
from ai_pal.client.requests import Completing
from ai_pal.config import Settings
from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.protocol.client import Accepted, AnyEvent, Cancelled, Delta, Done, Failed, Started  # fmt: skip
from ai_pal.protocol.content import Message

LOST = AiPalError(Failure(Code.SUPERVISOR_LOST, "gone"))
ENDING = Failed(1, [Failure(Code.SHUTTING_DOWN, "the supervisor is shutting down")])
NOT_HERE = Failed(1, [Failure(Code.MODEL_NOT_HERE, "not here")])
GOOD: list[AnyEvent] = [Accepted(1), Started(1, 1, "local", "m"), Delta(1, 0, 1, "hi"), Done(1)]
CTRL_C, TERM = "ctrl-c", "sigterm"
"""What is sent to this process; after a SIGTERM no end of the answer comes."""

Script = list[AnyEvent | AiPalError | str]


class Scripted:
    """A client whose answers are written down; `cancel` leads to `Cancelled`."""

    endpoint = "ipc://nowhere"

    def __init__(self, *scripts: Script) -> None:
        self._scripts = list(scripts)
        self.closed = self.seen_out = 0
        self._cancelled = self._deaf = False

    def chat(self, prompt: Sequence[Message], **how: Unpack[Asking]) -> "Scripted":
        return self

    def complete_stream(
        self, prompt: str, suffix: str | None = None, **how: Unpack[Completing]
    ) -> "Scripted":
        return self

    def __iter__(self) -> Iterator[AnyEvent]:
        for step in self._scripts.pop(0):
            if self._cancelled and not self._deaf:
                yield Cancelled(1)
                return
            if isinstance(step, AiPalError):
                raise step
            if isinstance(step, str):
                os.kill(os.getpid(), signal.SIGTERM if step == TERM else signal.SIGINT)
                self._deaf = step == TERM
            else:
                yield step

    def rate(self, answer: int, good: bool) -> bool:
        raise AssertionError("nobody has an opinion here")

    def wait_gone(self, timeout: float) -> bool:
        self.seen_out += 1
        return True

    def cancel(self) -> None:
        self._cancelled = True

    def close(self) -> None:
        self.closed += 1


class ScriptedSession(Session):
    def __init__(self, *scripts: Script) -> None:
        super().__init__(Settings())
        self.scripted = Scripted(*scripts)
        self.connected = 0

    def _connect(self) -> Scripted:
        self.connected += 1
        return self.scripted


def asked(session: ScriptedSession, *, fetched: bool = False) -> tuple[str, str]:
    answer = ask(session, [Message("user", "x")], Wishes(), lambda event: None, lambda model, size: fetched)
    return answer.text, answer.finish_reason


def test_an_answer_is_gathered_and_the_stream_closed() -> None:
    session = ScriptedSession([*GOOD])
    assert asked(session) == ("hi", "stop")
    assert session.scripted.closed == 1


def test_a_supervisor_lost_before_the_answer_is_found_again_once() -> None:
    session = ScriptedSession([LOST], [*GOOD])
    assert asked(session) == ("hi", "stop")
    assert session.connected == 2


def test_a_supervisor_lost_twice_is_an_error() -> None:
    with pytest.raises(AiPalError):
        asked(ScriptedSession([LOST], [LOST]))


@pytest.mark.parametrize("error", [LOST, ENDING])
def test_who_is_told_to_end_ends_although_the_supervisor_ends_too(error: AiPalError | Failed) -> None:
    """At the end of a session both get a SIGTERM."""
    session = ScriptedSession([Accepted(1), TERM, error], [*GOOD])
    answer = ask(session, [Message("user", "x")], Wishes(), lambda event: None, lambda model, size: False)
    assert (answer.ended_by, answer.finish_reason) == (signal.SIGTERM, "interrupted")
    assert session.connected == 1


def test_one_that_takes_nothing_more_is_seen_out_and_another_asked_once() -> None:
    session = ScriptedSession([ENDING], [*GOOD])
    shown: list[AnyEvent] = []
    ask(session, [Message("user", "x")], Wishes(), shown.append, lambda model, size: False)
    assert shown == GOOD
    assert (session.connected, session.scripted.seen_out) == (2, 1)
    with pytest.raises(AiPalError, match="shutting down"):
        asked(ScriptedSession([ENDING], [ENDING]))


def test_what_was_taken_before_the_end_is_asked_again_too() -> None:
    session = ScriptedSession([Accepted(1), ENDING], [*GOOD])
    assert asked(session) == ("hi", "stop")
    assert (session.connected, session.scripted.seen_out) == (2, 1)


def test_what_a_lost_supervisor_has_said_is_an_interrupted_answer() -> None:
    session = ScriptedSession([*GOOD[:3], LOST], [*GOOD])
    assert asked(session) == ("hi", "interrupted")
    assert session.connected == 1


def test_a_missing_model_is_fetched_once_and_asked_again() -> None:
    assert asked(ScriptedSession([NOT_HERE], [*GOOD]), fetched=True) == ("hi", "stop")
    assert asked(ScriptedSession([NOT_HERE], [NOT_HERE]), fetched=True) == ("", "failed")
    assert asked(ScriptedSession([NOT_HERE]), fetched=False) == ("", "failed")


def test_ctrl_c_stops_the_answer_and_keeps_what_has_come() -> None:
    before = signal.getsignal(signal.SIGINT)
    assert asked(ScriptedSession([*GOOD[:3], CTRL_C, *GOOD[2:]])) == ("hi", "cancelled")
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_ctrl_c_breaks_out_and_closes_the_stream() -> None:
    session = ScriptedSession([*GOOD[:3], CTRL_C, CTRL_C])
    session.scripted.cancel = lambda: None  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        asked(session)
    assert session.scripted.closed == 1


def test_a_screen_without_reader_closes_the_stream() -> None:
    session = ScriptedSession([*GOOD])

    def no_reader(event: AnyEvent) -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        ask(session, [], Wishes(), no_reader, lambda model, size: False)
    assert session.scripted.closed == 1
