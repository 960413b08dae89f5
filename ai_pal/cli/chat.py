"""`ai-pal chat [PROMPT]`: ask one question, or hold a conversation."""

import argparse
import sys

from ai_pal.cli.chatting import arguments
from ai_pal.cli.chatting.link import Link
from ai_pal.cli.chatting.prompts import checked_argument, combined, read_stdin
from ai_pal.cli.chatting.terminal import Terminal, say
from ai_pal.cli.neutral import neutral_line
from ai_pal.config import load_settings
from ai_pal.errors import Code, fail
from ai_pal.messages.chat import Message


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    arguments.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Answer, or converse until the user leaves."""
    terminal = Terminal.detect()
    if args.prompt is None and terminal.stdin:
        return _conversation(args, terminal)
    return _one_shot(args, terminal)


def _one_shot(args: argparse.Namespace, terminal: Terminal) -> int:
    from ai_pal.cli.chatting.oneshot import Output, one_shot

    prompt = combined(args.prompt, read_stdin())
    system = [] if args.system is None else [Message("system", checked_argument(args.system))]
    output = Output.JSON if args.json else Output.JSON_LINES if args.jsonl else Output.TEXT
    with _link(args, terminal) as link:
        return one_shot(
            link,
            [*system, Message("user", prompt)],
            arguments.wishes(args),
            terminal,
            output=output,
            markdown=not args.no_markdown,
        )


def _conversation(args: argparse.Namespace, terminal: Terminal) -> int:
    if args.json or args.jsonl:
        fail(Code.EMPTY_PROMPT, "--json and --jsonl need a prompt", 'ai-pal chat --json "Say hello"')
    from ai_pal.cli.chatting.talk import Talk

    with _link(args, terminal) as link:
        return Talk(
            link,
            arguments.wishes(args),
            terminal,
            system=args.system,
            markdown=not args.no_markdown,
            wait=args.wait,
        ).run()


def _link(args: argparse.Namespace, terminal: Terminal) -> Link:
    def notify(text: str) -> None:
        say(neutral_line(text), sys.stderr, dim=terminal.rich_stderr)

    return Link(load_settings().settings, own_supervisor=args.no_daemon, notify=notify)
