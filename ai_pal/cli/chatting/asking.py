"""Ask once and see it through: Ctrl-C stops the answer, a supervisor that is lost or takes nothing more and a
missing model are mended once each, as long as nothing of the answer has come."""

import signal
from collections.abc import Callable
from types import FrameType

import msgspec

from ai_pal.cli.chatting.answer import Answer
from ai_pal.cli.chatting.link import Link, Wishes
from ai_pal.errors import AiPalError, Code
from ai_pal.messages.chat import Message
from ai_pal.messages.client import AnyEvent, Failed, Interrupted

STOP_SECONDS = 2.0
"""How long a stopped answer may take to end before it is given up."""

_LOST = (Code.SUPERVISOR_LOST, Code.SUPERVISOR_UNREACHABLE, Code.SHUTTING_DOWN)

Show = Callable[[AnyEvent], None]
Agree = Callable[[str, int], bool]
"""Whether a model of so many bytes (0: not known) may be downloaded."""


def ask(link: Link, messages: list[Message], wishes: Wishes, show: Show, agree: Agree) -> Answer:
    """The answer to `messages`; each event is shown as it comes.

    Raises `AiPalError` when nobody could be asked, KeyboardInterrupt on a second Ctrl-C.
    """
    may_reconnect = may_fetch = True
    while True:
        answer = Answer()
        try:
            _follow(link, messages, wishes, answer, show)
        except AiPalError as error:
            again = may_reconnect and not answer.has_text and error.code in _LOST
            if again and error.code == Code.SHUTTING_DOWN:
                link.see_out()
            link.drop()
            if answer.has_text and error.code == Code.SUPERVISOR_LOST:  # what has come is kept
                _broke_off(answer, error, show)
                return answer
            if not again:
                raise
            may_reconnect = False
            continue
        if may_fetch and _is_missing(answer):
            may_fetch = False
            if agree(wishes.model or _default(link), answer.download):
                wishes = msgspec.structs.replace(wishes, pull_limit=0)
                continue
        return answer


def _follow(link: Link, messages: list[Message], wishes: Wishes, answer: Answer, show: Show) -> None:
    stream = link.chat(messages, wishes)
    try:
        with stopping_on_ctrl_c(stream.cancel):
            for event in stream:
                if isinstance(event, Failed) and event.reasons[-1].code == Code.SHUTTING_DOWN:
                    raise AiPalError(event.reasons[-1])  # without a word: another may be asked
                answer.add(event)
                show(event)
    finally:
        stream.close()


def _broke_off(answer: Answer, error: AiPalError, show: Show) -> None:
    """The end that a supervisor which has died could not tell."""
    end = Interrupted(0, error.failure)
    answer.add(end)
    show(end)


def _default(link: Link) -> str:
    """The model that is missing where none was named."""
    from ai_pal.catalog import default_model

    return default_model(link.settings)


def _is_missing(answer: Answer) -> bool:
    end = answer.end
    return isinstance(end, Failed) and any(reason.code == Code.MODEL_NOT_HERE for reason in end.reasons)


class stopping_on_ctrl_c:  # noqa: N801 (reads as a with-statement)
    """Within this block the first Ctrl-C calls `stop`; a second one, or an end that does not come,
    raises KeyboardInterrupt. Only for the main thread."""

    def __init__(self, stop: Callable[[], None]) -> None:
        self._stop = stop
        self._stopped = False

    def __enter__(self) -> None:
        self._previous = signal.signal(signal.SIGINT, self._interrupted)
        self._previous_alarm = signal.signal(signal.SIGALRM, self._interrupted)

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self._previous_alarm)
        signal.signal(signal.SIGINT, self._previous)

    def _interrupted(self, number: int, frame: FrameType | None) -> None:
        if self._stopped:
            raise KeyboardInterrupt
        self._stopped = True
        signal.setitimer(signal.ITIMER_REAL, STOP_SECONDS)
        self._stop()
