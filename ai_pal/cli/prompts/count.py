"""`ai-pal count [PROMPT]`: how many tokens a prompt has, without loading a model."""

import argparse
from typing import TYPE_CHECKING

from ai_pal.cli.prompts.arguments import absolute_model
from ai_pal.cli.prompts.chat.attaching import attached
from ai_pal.cli.prompts.given_prompt import checked_argument, decoded, read_stdin
from ai_pal.cli.prompts.given_texts import file_text
from ai_pal.cli.prompts.options import add_tools
from ai_pal.cli.prompts.using import tell_who
from ai_pal.cli.served import served
from ai_pal.cli.terminal import failures
from ai_pal.cli.terminal.completing import completes
from ai_pal.cli.terminal.signs import Signs
from ai_pal.cli.terminal.streams import Terminal
from ai_pal.config import load_settings
from ai_pal.conversations.model import Conversation
from ai_pal.errors import Code, fail
from ai_pal.protocol.options import GenerationOptions

if TYPE_CHECKING:
    from ai_pal.client import Client
    from ai_pal.client.vectors import TokenCount

EXAMPLES = """examples:
  ai-pal count "Why is the sky blue?"
  ai-pal count -m phi-3 -f report.pdf
  git diff | ai-pal count
  ai-pal count --tools tools.json -s "Be brief." --json "Why?" | jq .tokens

The number is what `ai-pal chat` with the same options would report for its
prompt: the template of the model, the system prompt and the tools count too.
No weights are loaded, unless an image or a sound is counted.

"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EXAMPLES + failures.EXIT_CODES
    prompt = parser.add_argument(
        "prompt", nargs="*", metavar="PROMPT", help="what would be asked; without it standard input"
    )
    completes(prompt, "text")
    file = parser.add_argument(
        "-f", "--file", action="append", default=[], dest="files", metavar="FILE",
        help="the text of a file, or of a PDF, as prompt; - is standard input (repeatable)",
    )  # fmt: skip
    completes(file, "file")
    file = parser.add_argument(
        "-a", "--attach", action="append", default=[], metavar="FILE", help="as for `ai-pal chat`"
    )
    completes(file, "file")
    model = parser.add_argument("-m", "--model", default="", metavar="MODEL", help="as for `ai-pal chat`")
    completes(model, "local")
    parser.add_argument("-s", "--system", metavar="TEXT", help="the system prompt")
    add_tools(parser, "they go with the prompt, and count too")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    settings = load_settings().settings
    system = None if args.system is None else checked_argument(args.system)
    files = attached(args.attach, Terminal.detect())
    messages = Conversation(system).ask(_prompt(args), files)
    options = GenerationOptions(tools=args.tools, tool_choice=args.tool_choice)
    model = absolute_model(args.model)
    signs = Signs(Terminal.detect())

    def counted_by(client: "Client") -> "TokenCount":
        client.meanwhile = signs.show
        return client.count_tokens(messages, model=model, options=options)

    try:
        tokens = served(settings, counted_by)
    finally:
        signs.end()
    if args.json:
        from ai_pal.cli.terminal.json_output import print_json

        print_json({"tokens": int(tokens), "model": tokens.model})
    else:
        print(tokens)
    tell_who(tokens.model)
    return failures.OK


def _prompt(args: argparse.Namespace) -> str:
    """The prompt as `ai-pal chat` would make it of the same words; those of files behind."""
    texts = [checked_argument(" ".join(args.prompt)), *(file_text(name) for name in args.files)]
    if not args.prompt and not args.files:
        texts = [decoded(read_stdin() or b"")]
    found = "\n\n".join(text.strip("\n") for text in texts if text.strip())
    if not found and not args.attach:
        fail(Code.EMPTY_PROMPT, "there is nothing to count", 'ai-pal count "Why is the sky blue?"')
    return found
