"""Ask once and see it through: Ctrl-C and signals that end us stop the answer; a supervisor that is lost or
takes nothing more and a missing model are mended once each, as long as nothing of the answer has come."""

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType

import msgspec

from ai_pal.cli.prompts.chat.answer import ShownAnswer
from ai_pal.cli.prompts.chat.session import RawPrompt, Session
from ai_pal.cli.prompts.wishes import Wishes
from ai_pal.cli.served import LOST
from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.protocol.client import AnyEvent, Failed, Interrupted
from ai_pal.protocol.content import Message

STOP_SECONDS = 2.0
"""How long a stopped answer may take to end before it is given up."""

_ENDING = (signal.SIGTERM, signal.SIGHUP)
_STOPPING = (signal.SIGINT, signal.SIGALRM, *_ENDING)

_NOT_STOPPED = Failure(Code.SUPERVISOR_SILENT, "the answer was left before its end", "ask again")

Prompt = list[Message] | RawPrompt
Show = Callable[[AnyEvent], None]
Agree = Callable[[str, int], bool]
"""Whether a model of so many bytes (0: not known) may be downloaded."""


def ask(session: Session, prompt: Prompt, wishes: Wishes, show: Show, agree: Agree) -> ShownAnswer:
    """The answer to `prompt`; each event is shown as it comes.

    After SIGTERM or SIGHUP it is what has come so far, with that signal in `ended_by`. Raises `AiPalError`
    when nobody could be asked, KeyboardInterrupt on a second Ctrl-C.
    """
    may_reconnect = may_fetch = True
    while True:
        answer = ShownAnswer()
        try:
            _follow(session, prompt, wishes, answer, show)
        except AiPalError as error:
            again = may_reconnect and not answer.committed and not answer.ended_by and error.code in LOST
            if again and error.code == Code.SHUTTING_DOWN:
                session.see_out()
            session.drop()
            kept = answer.committed and error.code == Code.SUPERVISOR_LOST
            if kept or answer.ended_by:  # what has come is kept, and who is told to end does
                _broke_off(answer, error, show)
                return answer
            if not again:
                raise
            may_reconnect = False
            continue
        if may_fetch and not answer.ended_by and _is_missing(answer):
            may_fetch = False
            if agree(wishes.model or _default(session), answer.download):
                wishes = msgspec.structs.replace(wishes, pull_limit=0)
                continue
        return answer


def _follow(session: Session, prompt: Prompt, wishes: Wishes, answer: ShownAnswer, show: Show) -> None:
    if isinstance(prompt, RawPrompt):
        stream = session.complete(prompt, wishes)
    else:
        stream = session.chat(prompt, wishes)
    stopping = stopping_on_signals(stream.cancel)
    try:
        with stopping:
            for event in stream:
                answer.ended_by = stopping.ended_by
                if isinstance(event, Failed) and event.reasons[-1].code == Code.SHUTTING_DOWN:
                    raise AiPalError(event.reasons[-1])  # without a word: another may be asked
                answer.add(event)
                show(event)
    except KeyboardInterrupt:
        if not stopping.ended_by:
            raise
        _broke_off(answer, AiPalError(_NOT_STOPPED), show)
    finally:
        answer.ended_by = stopping.ended_by
        stream.close()


def _broke_off(answer: ShownAnswer, error: AiPalError, show: Show) -> None:
    """The end that a supervisor which has died could not tell."""
    end = Interrupted(0, error.failure)
    answer.add(end)
    show(end)


def _default(session: Session) -> str:
    """The model that is missing where none was named."""
    from ai_pal.catalog import default_model

    return default_model(session.settings)


def _is_missing(answer: ShownAnswer) -> bool:
    end = answer.end
    return isinstance(end, Failed) and any(reason.code == Code.MODEL_NOT_HERE for reason in end.reasons)


class stopping_on_signals:  # noqa: N801 (reads as a with-statement)
    """Within this block the first Ctrl-C, SIGTERM or SIGHUP calls `stop`; a second one, or an end that does
    not come, raises KeyboardInterrupt. Only for the main thread. `ended_by` is the signal that ends the
    program too, 0 for none."""

    def __init__(self, stop: Callable[[], None]) -> None:
        self._stop = stop
        self._stopped = False
        self.ended_by = 0

    def __enter__(self) -> "stopping_on_signals":
        self._terminals = [s.fileno() for s in (sys.stdout, sys.stderr) if s is not None and s.isatty()]
        numbers = [number for number in _STOPPING if signal.getsignal(number) is not signal.SIG_IGN]
        self._before = {number: signal.signal(number, self._interrupted) for number in numbers}
        return self

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _interrupted(self, number: int, frame: FrameType | None) -> None:
        if number in _ENDING:
            self.ended_by = number
        if number == signal.SIGHUP:
            self._let_go_of_terminals()
        if self._stopped:
            raise KeyboardInterrupt
        self._stopped = True
        signal.setitimer(signal.ITIMER_REAL, STOP_SECONDS)
        self._stop()

    def _let_go_of_terminals(self) -> None:
        """The terminal is gone, and what is written to it is an error."""
        null = os.open(os.devnull, os.O_WRONLY)
        for number in self._terminals:
            os.dup2(null, number)
        os.close(null)
