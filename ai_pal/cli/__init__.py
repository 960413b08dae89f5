"""The command line: a table of commands, of which only the chosen one is imported."""

import argparse
import difflib
import errno
import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn, Protocol, cast

from ai_pal import __version__
from ai_pal.cli import failures
from ai_pal.errors import AiPalError, Code, Failure

COMMANDS: dict[str, str] = {
    "chat": "ask one question, or hold a conversation",
    "route": "explain who would answer a prompt, and why",
    "history": "list, search, show, export or delete kept conversations",
    "usage": "show what was spent, what was saved and what left this machine",
    "keys": "keep providers' keys in the system keyring",
    "consent": "agree, or no longer, that prompts go to a provider",
    "supervise": "run the supervisor in the foreground",
    "status": "show the supervisor and its models",
    "ps": "show the loaded models as a table",
    "load": "load a model ahead of its first request",
    "unload": "unload a model and free its memory",
    "stop": "stop the supervisor",
    "list": "list the models on this machine",
    "show": "show what is known about one model",
    "pull": "fetch a model into the cache",
    "rm": "remove a model from this machine",
    "logs": "show the log of the background supervisor",
    "doctor": "check this machine and say how to mend what is wrong",
    "config": "show each setting and where it came from",
    "completion": "print the completion script of a shell",
}


class Command(Protocol):
    """What every module `ai_pal.cli.<command>` offers."""

    def configure(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, args: argparse.Namespace) -> int: ...


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors look like all others. Where there may be any number of words, options
    stand between them as well: `ai-pal chat why -m echo is the sky blue`."""

    _mixing = False

    def error(self, message: str) -> NoReturn:
        failures.report(Failure(Code.BAD_REQUEST, message, f"see: {self.prog} --help"))
        sys.exit(failures.USAGE)

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        many = any(action.nargs == "*" for action in self._get_positional_actions())
        if self._mixing or not many:
            return super().parse_known_args(args, namespace)
        self._mixing = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._mixing = False


def command_module(name: str) -> Command:
    """Import the module of one command."""
    return cast("Command", import_module(f"ai_pal.cli.{name}"))


def build_parser(configured: Sequence[str] = tuple(COMMANDS)) -> argparse.ArgumentParser:
    """The whole parser; only the commands in `configured` are imported and get their options."""
    parser = Parser(
        prog="ai-pal",
        description="A local-first AI assistant. Begin with: ai-pal chat",
        epilog=failures.EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("-V", "--version", action="version", version=f"ai-pal {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for name, summary in COMMANDS.items():
        command = commands.add_parser(
            name,
            help=summary,
            description=summary[0].upper() + summary[1:] + ".",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if name in configured:
            command_module(name).configure(command)
    return parser


def run(argv: list[str]) -> int:
    """Run one command line: parse, import the command, turn errors into messages and exit codes."""
    _fill_closed_streams()
    _show_what_can_be_shown()
    try:
        _settle_places()
        code = _dispatch(argv)
        sys.stdout.flush()
    except AiPalError as error:
        failures.report(error.failure)
        return failures.exit_code(error.code)
    except KeyboardInterrupt:
        return failures.CTRL_C
    except BrokenPipeError:
        _discard_stdout()
        return failures.BROKEN_PIPE
    except OSError as error:
        _discard_stdout()
        failures.report(_failure_of(error))
        return failures.FAILED
    return code


def _dispatch(argv: list[str]) -> int:
    name = argv[0] if argv else ""
    if name and not name.startswith("-") and name not in COMMANDS:
        _refuse(name)
    parser = build_parser((name,))
    args = parser.parse_args(argv)
    if args.command is None:
        parser.print_help()
        return failures.USAGE
    return command_module(args.command).run(args)


def _refuse(name: str) -> NoReturn:
    near = difflib.get_close_matches(name, COMMANDS, n=1)
    hint = f"did you mean: ai-pal {near[0]}" if near else "see: ai-pal --help"
    raise AiPalError(Failure(Code.BAD_REQUEST, f"there is no command {name!r}", hint))


def _failure_of(error: OSError) -> Failure:
    """What no command expects: a full disk behind stdout, or a current folder that is gone."""
    if error.errno == errno.ENOSPC:
        return Failure(Code.DISK_FULL, "the output cannot be written: no space left", "free some space")
    if error.errno == errno.ENOENT and _folder_is_gone():
        return Failure(Code.FILE_UNREADABLE, "the current folder is gone", "go to another one: cd")
    return Failure(Code.FILE_UNREADABLE, f"the system refused: {error}", "see: ai-pal doctor")


def _folder_is_gone() -> bool:
    try:
        os.getcwd()
    except FileNotFoundError:
        return True
    return False


def _settle_places() -> None:
    """Libraries and the processes that we start get a `HOME`, and paths that mean the same to them."""
    from ai_pal.config import paths

    os.environ.update(paths.settled())


def _fill_closed_streams() -> None:
    """Started with a closed stdout or stderr (`>&-`): a file or socket must not take its number."""
    if sys.stdout is not None and sys.stderr is not None:
        return
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(number)
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115


def _show_what_can_be_shown() -> None:
    """A character that the encoding of stdout lacks becomes a question mark."""
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="replace")


def _discard_stdout() -> None:
    """Nobody reads any more: let the interpreter's last flush go nowhere instead of failing."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
