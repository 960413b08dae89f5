"""The prompt line: editing, history across runs, several lines, completion of commands."""

import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion, PathCompleter
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.output import ColorDepth, create_output

from ai_pal.cli.prompts.chat.entry import CONTINUATION, PROMPT, is_open_block
from ai_pal.config import paths
from ai_pal.errors import AiPalError

FILES = ("attach", "save")
"""Commands behind which a file is named."""

Choices = Callable[[], Iterable[str]]
"""What may stand behind a command, asked for when Tab is pressed."""


class CommandCompleter(Completer):
    """Completes `/command` names, the first word behind those of `arguments`, and files behind `files`."""

    def __init__(
        self, commands: Iterable[str], arguments: Mapping[str, Choices], files: Iterable[str] = ()
    ) -> None:
        self._files, self._paths = {f"/{name}" for name in files}, PathCompleter(expanduser=True)
        self._commands = [f"/{name}" for name in commands]
        self._arguments = {f"/{name}": choices for name, choices in arguments.items()}

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        line = document.text_before_cursor
        command, space, argument = line.partition(" ")
        if not line.startswith("/") or "\n" in line:
            return
        if command in self._files and space:
            yield from self._paths.get_completions(Document(argument), complete_event)
            return
        choices = self._arguments.get(command, tuple) if space else lambda: self._commands
        typed = argument if space else line
        for choice in choices():
            if choice.startswith(typed):
                yield Completion(choice, start_position=-len(typed))


class LineInput:
    """Reads one entry after the other. Raises EOFError on Ctrl-D, KeyboardInterrupt on Ctrl-C with
    nothing typed; Ctrl-C clears what is typed."""

    def __init__(
        self, history: Path | None, commands: Iterable[str], arguments: Mapping[str, Choices]
    ) -> None:
        self._session: PromptSession[str] = PromptSession(
            history=open_history(history),
            completer=CommandCompleter(commands, arguments, FILES),
            complete_while_typing=False,
            key_bindings=_bindings(),
            enable_suspend=True,  # Ctrl-Z
            multiline=True,
            prompt_continuation=_continuation,
            color_depth=ColorDepth.DEPTH_1_BIT,
            # Where stdout is redirected the prompt still belongs on the terminal.
            output=create_output(sys.stdout if sys.stdout.isatty() else sys.stderr),
        )

    def read(self, text: str = "", attached: int = 0) -> str:
        """The next entry, without blanks around it. The prompt tells how many files go with it."""
        prompt = f"({attached} attached) {PROMPT}" if attached else PROMPT
        return self._session.prompt(prompt, default=text).strip()


def _continuation(width: int, line_number: int, is_soft_wrap: int) -> str:
    return "" if is_soft_wrap else CONTINUATION


def open_history(file: Path | None) -> History:
    """The history in `file`, readable by its owner only; in memory where there is to be none, or where the
    file cannot be used."""
    if file is None:
        return InMemoryHistory()
    try:
        paths.make_private(file.parent)
        file.touch(mode=0o600)
        file.chmod(0o600)
    except (AiPalError, OSError):  # a chat without history is better than none
        return InMemoryHistory()
    return FileHistory(str(file))


def _bindings() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("enter")
    def _send(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if is_open_block(buffer.text):
            buffer.insert_text("\n")
        else:
            buffer.validate_and_handle()

    @keys.add("escape", "enter")
    @keys.add("c-j")
    def _newline(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    @keys.add("c-c")
    def _clear_or_leave(event: KeyPressEvent) -> None:
        if event.current_buffer.text:
            event.current_buffer.reset()
        else:
            event.app.exit(exception=KeyboardInterrupt())

    return keys
