"""One question, one answer: plain text, Markdown on a terminal, or JSON."""

import argparse
import sys
from collections.abc import Callable
from enum import Enum
from typing import Protocol

import msgspec

from ai_pal.cli.prompts.chat.answer import ShownAnswer, as_token
from ai_pal.cli.prompts.chat.asking import Prompt, ask
from ai_pal.cli.prompts.chat.screen import AnswerScreen
from ai_pal.cli.prompts.chat.session import Session
from ai_pal.cli.prompts.wishes import Wishes
from ai_pal.cli.terminal import failures
from ai_pal.cli.terminal.keyboard import quiet_keyboard, spoken_to
from ai_pal.cli.terminal.signs import Signs
from ai_pal.cli.terminal.streams import Terminal
from ai_pal.counted import counted
from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.protocol.client import AnyEvent, Delta, Failed, Logprobs

CUT = Failure(Code.LENGTH, "the answer ended before its form was whole", "let it be longer: --max-tokens N")
"""Who asked for JSON does not have it."""
ROUND = Failure(CUT.code, CUT.message, "ask again, or another model: --model NAME")
"""The same, and more tokens would not help."""


def output_of(args: argparse.Namespace) -> "Output":
    """What `--json` and `--jsonl` say."""
    return Output.JSON if args.json else Output.JSON_LINES if args.jsonl else Output.TEXT


class Output(Enum):
    """What is printed on stdout."""

    TEXT = "text"
    JSON = "json"
    JSON_LINES = "jsonl"


class _Screen(Protocol):
    """Shows one answer: each event, that it is over, who gave it."""

    def show(self, event: AnyEvent) -> None: ...

    def close(self) -> None: ...

    def figures(self, answer: ShownAnswer) -> None: ...


class _JsonScreen:
    """The object comes at the end: until then stderr tells how far it is."""

    def __init__(self, terminal: Terminal) -> None:
        self._signs, self._tokens = Signs(terminal), 0

    def show(self, event: AnyEvent) -> None:
        if isinstance(event, Delta):
            self._tokens += event.n
            self._signs.waiting.now_and_then(f"answering  {counted(self._tokens, 'token')}")
        else:
            self._signs.show(event)

    def close(self) -> None:
        self._signs.end()

    def figures(self, answer: ShownAnswer) -> None:
        pass


class _JsonLinesScreen:
    """Prints events as lines, which tell all there is to tell."""

    def show(self, event: AnyEvent) -> None:
        print_json(as_line(event))

    def close(self) -> None:
        pass

    def figures(self, answer: ShownAnswer) -> None:
        pass


def as_line(event: AnyEvent) -> object:
    """An event for `--jsonl`: each delta tells the part that it belongs to, and tokens are readable."""
    match event:
        case Delta():
            return msgspec.to_builtins(event) | {"kind": event.kind, "index": event.index}
        case Logprobs():
            return msgspec.to_builtins(event) | {"tokens": [as_token(token) for token in event.tokens]}
    return event


def print_json(value: object) -> None:
    """One line of JSON on stdout, at once. Raises BrokenPipeError."""
    sys.stdout.buffer.write(msgspec.json.encode(value) + b"\n")
    sys.stdout.buffer.flush()


def one_shot(
    session: Session,
    prompt: Prompt,
    wishes: Wishes,
    terminal: Terminal,
    ended: Callable[[ShownAnswer], None] = lambda answer: None,
    *,
    output: Output,
    markdown: bool,
    hide_thinking: bool = False,
) -> int:
    """Ask, print, and return the exit code; `ended` gets the answer before it is printed as JSON.

    Raises BrokenPipeError when nobody reads the output."""
    screen: _Screen
    match output:
        case Output.TEXT:
            screen = AnswerScreen(terminal, markdown=markdown, hide_thinking=hide_thinking)
        case Output.JSON:
            screen = _JsonScreen(terminal)
        case Output.JSON_LINES:
            screen = _JsonLinesScreen()
    answer = _asked(session, prompt, wishes, terminal, screen)
    ended(answer)
    if output is Output.JSON:
        print_json(answer.as_object())
    failures.report(*answer.told_failures)
    cut = wishes.options.response_format is not None and answer.finish_reason == "length"
    if cut:
        failures.report(ROUND if answer.went_round else CUT)
    screen.figures(answer)
    if answer.ended_by:
        return 128 + answer.ended_by
    return failures.INTERRUPTED if cut else answer.exit_code


def _asked(
    session: Session,
    prompt: Prompt,
    wishes: Wishes,
    terminal: Terminal,
    screen: "_Screen",
) -> ShownAnswer:
    def agree(model: str, size: int) -> bool:
        from ai_pal.cli.prompts.chat.fetching import may_fetch

        with spoken_to(terminal=terminal.stdin and terminal.stdout):
            return may_fetch(model, size, session.settings, terminal)

    with quiet_keyboard(terminal=terminal.stdin and terminal.stdout):
        try:
            answer = ask(session, prompt, wishes, screen.show, agree)
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
