"""`ai-pal help [COMMAND]`: the help of a command, as `ai-pal COMMAND --help` shows it."""

import argparse

from ai_pal.cli.terminal import failures
from ai_pal.cli.terminal.completing import completes

EXAMPLES = """examples:
  ai-pal help
  ai-pal help chat
  ai-pal help config set

"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EXAMPLES + failures.EXIT_CODES
    words = parser.add_argument(
        "words", nargs="*", metavar="COMMAND", help="a command, with its action if it has any"
    )
    completes(words, "commands")


def run(args: argparse.Namespace) -> int:
    from ai_pal.cli import ALIASES, build_parser, check_name

    if not args.words:
        build_parser(()).print_help()
        return failures.OK
    check_name(args.words[0])
    name = ALIASES.get(args.words[0], args.words[0])
    build_parser((name,)).parse_args([name, *args.words[1:], "--help"])
    return failures.OK  # the parser has ended the process by then
