"""One question, one answer: plain text, Markdown on a terminal, or JSON."""

import sys
from enum import Enum

import msgspec

from ai_pal.cli import failures
from ai_pal.cli.chat.answer import ShownAnswer, add_answer
from ai_pal.cli.chat.asking import ask
from ai_pal.cli.chat.keyboard import quiet_keyboard, spoken_to
from ai_pal.cli.chat.screen import AnswerScreen
from ai_pal.cli.chat.session import Session, Wishes
from ai_pal.cli.terminal.streams import Terminal
from ai_pal.conversations.model import Conversation
from ai_pal.errors import AiPalError
from ai_pal.protocol.client import AnyEvent, Failed
from ai_pal.protocol.content import Message


class Output(Enum):
    """What is printed on stdout."""

    TEXT = "text"
    JSON = "json"
    JSON_LINES = "jsonl"


class _JsonScreen:
    """Prints events as lines, or keeps still: the object comes at the end."""

    def __init__(self, *, lines: bool) -> None:
        self._lines = lines

    def show(self, event: AnyEvent) -> None:
        if self._lines:
            print_json(event)

    def close(self) -> None:
        pass

    def figures(self, answer: ShownAnswer) -> None:
        pass


def print_json(value: object) -> None:
    """One line of JSON on stdout, at once. Raises BrokenPipeError."""
    sys.stdout.buffer.write(msgspec.json.encode(value) + b"\n")
    sys.stdout.buffer.flush()


def one_shot(
    session: Session,
    conversation: Conversation,
    prompt: str,
    wishes: Wishes,
    terminal: Terminal,
    *,
    output: Output,
    markdown: bool,
) -> int:
    """Ask, print, and return the exit code; the answer is in the conversation then.

    Raises BrokenPipeError when nobody reads the output."""
    plain = output is Output.TEXT
    screen = (
        AnswerScreen(terminal, markdown=markdown) if plain else _JsonScreen(lines=output is Output.JSON_LINES)
    )
    answer = _asked(session, conversation.ask(prompt), wishes, terminal, screen)
    add_answer(conversation, answer)
    if output is Output.JSON:
        print_json(answer.as_object())
    failures.report(*answer.told_failures)
    screen.figures(answer)
    return 128 + answer.ended_by if answer.ended_by else answer.exit_code


def _asked(
    session: Session,
    messages: list[Message],
    wishes: Wishes,
    terminal: Terminal,
    screen: "AnswerScreen | _JsonScreen",
) -> ShownAnswer:
    def agree(model: str, size: int) -> bool:
        from ai_pal.cli.chat.fetching import may_fetch

        with spoken_to(terminal=terminal.stdin and terminal.stdout):
            return may_fetch(model, size, session.settings, terminal)

    with quiet_keyboard(terminal=terminal.stdin and terminal.stdout):
        try:
            answer = ask(session, messages, wishes, screen.show, agree)
        except BrokenPipeError:
            raise
        except AiPalError as error:
            answer = ShownAnswer()
            answer.add(Failed(0, [error.failure]))
            screen.show(Failed(0, [error.failure]))
        except BaseException:
            screen.close()
            raise
        screen.close()
    return answer
