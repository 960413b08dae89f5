"""The command line: a table of commands, of which only the chosen one is imported."""

import argparse
import errno
import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Protocol, cast

from ai_pal import __version__
from ai_pal.cli.terminal import failures
from ai_pal.cli.terminal.parser import Parser
from ai_pal.errors import FREE_SPACE, FULL, AiPalError, Code, Failure, fail

COMMANDS: dict[str, str] = {
    "chat": "ask one question, or hold a conversation",
    "run": "chat with the model that is named first",
    "generate": "go on with a text as it is, or fill in its middle",
    "embed": "turn texts into vectors",
    "rerank": "order texts by how well they answer a query",
    "count": "count the tokens of a prompt, without loading a model",
    "route": "explain who would answer a prompt, and why",
    "preset": "keep a model, a system prompt and sampling under a name",
    "history": "list, search, show, export or delete kept conversations",
    "usage": "show what was spent, what was saved and what left this machine",
    "list": "list the models on this machine",
    "show": "show what is known about one model",
    "search": "search the hub for models that run here",
    "pull": "fetch a model into the cache",
    "update": "say which models have a newer revision on the hub, and fetch it",
    "add": "give a name to a model that lies somewhere on this disk",
    "alias": "give a model another name",
    "rm": "remove a model from this machine",
    "ps": "show the loaded models as a table",
    "top": "watch models, requests and memory live, and act on them",
    "bench": "measure how fast models answer on this machine",
    "calibrate": "measure whether a model here doubts what it gets wrong",
    "load": "load models ahead of their first request",
    "unload": "unload a model and free its memory",
    "supervise": "run the supervisor in the foreground",
    "serve": "answer clients of OpenAI, Anthropic and Ollama over HTTP",
    "launch": "start an agent that asks here: claude, codex, opencode, aider, ...",
    "machines": "add other machines of yours, whose models answer too",
    "cluster": "have models run on the nodes of a cluster",
    "status": "show the supervisor and its models",
    "stop": "stop the supervisor",
    "logs": "show the log of the supervisor",
    "keys": "keep providers' keys in the system keyring, and make keys for clients over HTTP",
    "consent": "agree, or no longer, that prompts go to a provider",
    "config": "show or change the settings",
    "doctor": "check this machine and say how to mend what is wrong",
    "completion": "print the completion script of a shell",
    "help": "show the help of a command",
}

ALIASES = {"ls": "list"}
"""What other programs call a command."""

ELSEWHERE = {
    "version": "ai-pal --version",
    "cp": "ai-pal alias NEW MODEL",
    "copy": "ai-pal alias NEW MODEL",
    "create": "ai-pal alias, or ai-pal preset",
    "templates": "ai-pal preset",
    "delete": "ai-pal rm",
    "remove": "ai-pal rm",
    "install": "ai-pal pull",
    "download": "ai-pal pull",
    "clone": "ai-pal pull",
    "fetch": "ai-pal pull",
    "upgrade": "ai-pal update",
    "models": "ai-pal list",
    "ask": "ai-pal chat",
    "prompt": "ai-pal chat",
    "shell": "ai-pal chat",
    "login": "ai-pal keys set PROVIDER",
    "signin": "ai-pal keys set PROVIDER",
    "quit": "ai-pal stop",
    "kill": "ai-pal stop, or for one model ai-pal unload",
    "start": "ai-pal supervise, which others start by themselves",
    "server": "ai-pal serve",
    "settings": "ai-pal config",
    "remote": "ai-pal machines",
    "info": "ai-pal show MODEL, or ai-pal status",
}
"""What other programs have, and what does it here."""

LISTS = ("history", "keys", "machines", "preset")
"""Commands with actions, of which `list` is done where none is named."""

HIDDEN = ("complete", "relay")
"""Commands for programs: no help mentions them."""

ROOMS: dict[str, tuple[str, ...]] = {
    "prompts": ("chat", "run", "generate", "embed", "rerank", "count", "route", "preset"),
    "records": ("history", "usage"),
    "models": ("list", "show", "search", "pull", "update", "add", "alias", "rm"),
    "loaded": ("ps", "top", "bench", "calibrate", "load", "unload"),
    "service": ("supervise", "serve", "launch", "status", "stop", "logs"),
    "machines": ("machines", "cluster", "relay"),
    "setup": ("keys", "consent", "config", "doctor", "completion", "complete", "help"),
}
"""The package of each command."""

_MODULES = {name: f"{name}.command" for name in ("chat", "doctor", "bench", "top")} | {"run": "run_model"}
"""Where the module cannot have the command's name: these are folders."""

_PLACES = {
    name: f"ai_pal.cli.{room}.{_MODULES.get(name, name)}" for room, names in ROOMS.items() for name in names
}


class Command(Protocol):
    """What every module `ai_pal.cli.<room>.<command>` offers."""

    def configure(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, args: argparse.Namespace) -> int: ...


def command_module(name: str) -> Command:
    """Import the module of one command."""
    return cast("Command", import_module(_PLACES[name]))


def build_parser(configured: Sequence[str] = tuple(COMMANDS)) -> argparse.ArgumentParser:
    """The parser for the commands in `configured`, which are imported and get their options. Without any, all
    are listed and none of them is imported."""
    parser = Parser(
        prog="ai-pal",
        description="A local-first AI assistant. Begin with: ai-pal chat",
        epilog=failures.EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("-V", "--version", action="version", version=f"ai-pal {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for name in configured or COMMANDS:
        summary = COMMANDS[name]
        command = commands.add_parser(
            name,
            aliases=[alias for alias, meant in ALIASES.items() if meant == name],
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
    if name in HIDDEN:
        return command_module(name).run(argparse.Namespace(words=argv[1:]))
    name = ALIASES.get(name, name)
    if name and not name.startswith("-"):
        check_name(name)
    parser = build_parser((name,) if name in COMMANDS else ())
    args = parser.parse_args([name, *_with_action(name, argv[1:])] if name else argv)
    if args.command is None:
        parser.print_help()
        return failures.USAGE
    return command_module(args.command).run(args)


def _with_action(name: str, words: list[str]) -> list[str]:
    """Options where no action is named are those of the list, which is shown then."""
    lists = name in LISTS and words and words[0].startswith("-") and words[0] not in ("-h", "--help")
    return ["list", *words] if lists else words


def check_name(name: str) -> None:
    """Raises `AiPalError` (`bad_request`) with the nearest name unless there is such a command."""
    if name in COMMANDS or name in ALIASES:
        return
    import difflib

    near = difflib.get_close_matches(name, [*COMMANDS, *ALIASES], n=1)
    meant = ELSEWHERE.get(name) or (f"ai-pal {near[0]}" if near else "")
    hint = f"did you mean: {meant}" if meant else "see: ai-pal --help"
    fail(Code.BAD_REQUEST, f"there is no command {name!r}", hint)


def _failure_of(error: OSError) -> Failure:
    """What no command expects: a full disk behind stdout, or a current folder that is gone."""
    if error.errno in FULL:
        return Failure(Code.DISK_FULL, "the output cannot be written: the disk is full", FREE_SPACE)
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
    paths.check_home()


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
