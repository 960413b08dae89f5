"""`ai-pal generate [PROMPT]`: raw completion, without a template; with `--suffix` what belongs in between."""

import argparse

from ai_pal.cli.prompts.arguments import absolute_model, add_output, check_output
from ai_pal.cli.prompts.chat.session import RawPrompt, Session
from ai_pal.cli.prompts.given_prompt import STDIN, checked_argument, decoded, read_stdin
from ai_pal.cli.prompts.options import add_form, add_sampling, options_of
from ai_pal.cli.prompts.using import add_using
from ai_pal.cli.prompts.values import option
from ai_pal.cli.prompts.windowed import windowed
from ai_pal.cli.prompts.wishes import Wishes
from ai_pal.cli.terminal import failures
from ai_pal.cli.terminal.completing import completes
from ai_pal.cli.terminal.streams import Terminal, remark
from ai_pal.config import load_settings
from ai_pal.config.settings import UNASKED_BYTES
from ai_pal.errors import Code, fail

EXAMPLES = """examples:
  ai-pal generate "Once upon a time, "
  ai-pal generate --max-tokens 40 --stop END < beginning.txt
  ai-pal generate "def add(a, b): return " --suffix "; print(add(1, 2))"

The model goes on with the text as it is: there is no template, no system
prompt and no conversation, and nothing is kept. A model of this machine
answers. With --suffix it says what belongs between the two, if it was made for
that. Ask questions with: ai-pal chat

"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EXAMPLES + failures.EXIT_CODES
    prompt = parser.add_argument(
        "prompt", nargs="*", metavar="PROMPT", help="the text; without it, or with -, standard input"
    )
    completes(prompt, "text")
    parser.add_argument("--suffix", metavar="TEXT", help="what comes after what is wanted")
    add_using(parser, "a model of this machine")
    parser.add_argument("--context", type=option("context"), metavar="N", help="with a window of N tokens")
    add_sampling(parser.add_argument_group("sampling"))
    add_form(parser.add_argument_group("form of the text"))
    add_output(parser.add_argument_group("output"))


def run(args: argparse.Namespace) -> int:
    from ai_pal.cli.prompts.chat.oneshot import one_shot, output_of

    check_output(args)
    settings = load_settings().settings
    wishes = Wishes(
        windowed(absolute_model(args.model), args.context, settings),
        options_of(args),
        args.deadline,
        args.keep_alive,
        0 if args.pull else UNASKED_BYTES,
    )
    prompt = _prompt(args)
    with Session(settings, notify=remark) as session:
        return one_shot(session, prompt, wishes, Terminal.detect(), output=output_of(args), markdown=False)


def _prompt(args: argparse.Namespace) -> RawPrompt:
    """Not a character is changed: blanks and line feeds at the end matter to what comes next."""
    suffix = None if args.suffix is None else checked_argument(args.suffix)
    asked = args.prompt == [STDIN]
    if args.prompt and not asked:
        text = checked_argument(" ".join(args.prompt))
    else:
        text = decoded(read_stdin(terminal=asked) or b"")
    if not text and not suffix:
        fail(Code.EMPTY_PROMPT, "there is no text to go on with", 'ai-pal generate "Once upon a time, "')
    return RawPrompt(text, suffix)
