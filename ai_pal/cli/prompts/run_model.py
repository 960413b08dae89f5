"""`ai-pal run MODEL [PROMPT]`: `ai-pal chat` with the model named first."""

import argparse

from ai_pal.cli.prompts import arguments
from ai_pal.cli.prompts.chat import command as chat
from ai_pal.cli.terminal import failures

EXAMPLES = """examples:
  ai-pal run phi-3                                 hold a conversation with it
  ai-pal run phi-3 "What is the capital of France?"
  git diff | ai-pal run ~/models/coder.gguf "write a commit message"
  ai-pal run ollama:llama3 --temperature 0.2 "Say hello"

The same as `ai-pal chat --model MODEL`, with all of its options.

"""


def configure(parser: argparse.ArgumentParser) -> None:
    arguments.add_arguments(parser, model_first=True)
    parser.epilog = EXAMPLES + failures.EXIT_CODES


def run(args: argparse.Namespace) -> int:
    return chat.run(args)
