"""The options of `ai-pal chat`, checked while they are parsed."""

import argparse
from typing import get_args

from ai_pal.cli.prompts.options import (
    add_form,
    add_prefill,
    add_sampling,
    add_thinking,
    add_tools,
    options_of,
)
from ai_pal.cli.prompts.values import deadline, duration, field, lora, option
from ai_pal.cli.prompts.wishes import Wishes
from ai_pal.cli.terminal import failures
from ai_pal.cli.terminal.completing import completes
from ai_pal.cli.terminal.whole_numbers import is_whole
from ai_pal.config.settings import UNASKED_BYTES
from ai_pal.errors import Code, fail
from ai_pal.protocol.client import Escalate, Goal

LAST = "last"

EXAMPLES = """examples:
  ai-pal chat                                   hold a conversation
  ai-pal chat "What is the capital of France?"  ask one question
  ai-pal chat why is the sky blue               the same without quotes
  git diff | ai-pal chat "write a commit message"
  ai-pal chat -a report.pdf -a chart.png "What do they have in common?"
  ai-pal chat -p reviewer "..."                 as `ai-pal preset` has it
  ai-pal chat --continue "and why?"             go on with the last conversation
  ai-pal chat --json --seed 1 "Say hello" | jq -r .text
  ai-pal chat --schema person.json "Ada, 36"    JSON that validates
  ai-pal chat --think high "How many primes are below 100?"

"""


def add_arguments(parser: argparse.ArgumentParser, *, model_first: bool = False) -> None:
    """Give `parser` the prompt and all options. With `model_first` the model is an argument, no option."""
    parser.epilog = EXAMPLES + failures.EXIT_CODES
    about = "a known model, org/name of the hub, a path, or a provider's, such as openai:gpt-4.1"
    if model_first:
        completes(parser.add_argument("model", metavar="MODEL", help=about), "models")
    prompt = parser.add_argument(
        "prompt", nargs="*", metavar="PROMPT",
        help="what to ask, in quotes or not; text on stdin is appended, - waits for it",
    )  # fmt: skip
    completes(prompt, "text")
    if not model_first:
        named = parser.add_argument("-m", "--model", default="", metavar="MODEL", help=about)
        completes(named, "models")
    kept = parser.add_argument(
        "-p", "--preset", metavar="NAME", help="what `ai-pal preset` keeps under this name"
    )
    completes(kept, "presets")
    file = parser.add_argument(
        "-a", "--attach", action="append", default=[], metavar="FILE",
        help="a file that goes with the prompt: text, PDF, image or sound; - is stdin (repeatable)",
    )  # fmt: skip
    completes(file, "file")
    parser.add_argument("-s", "--system", metavar="TEXT", help="the system prompt")
    add_sampling(parser.add_argument_group("sampling"))
    form = parser.add_argument_group("form of the answer")
    add_form(form)
    add_prefill(form)
    add_thinking(parser.add_argument_group("thinking"))
    add_tools(parser.add_argument_group("tools"))
    add_running(parser.add_argument_group("running"))
    add_routing(parser.add_argument_group("who answers"))
    output = parser.add_argument_group("output")
    add_output(output)
    _add_look(output)
    _add_history(parser.add_argument_group("history"))


def add_running(group: argparse._ActionsContainer) -> None:
    group.add_argument(
        "--deadline", type=deadline, metavar="TIME", help="give up after this long, such as 20s or 2m"
    )
    group.add_argument(
        "--keep-alive", type=duration, metavar="TIME",
        help="keep the model loaded this long afterwards: 0 unloads at once, never, or 10m",
    )  # fmt: skip
    group.add_argument(
        "--context", type=option("context"), metavar="N",
        help="load the model, one of this machine, with a window of N tokens",
    )  # fmt: skip
    adapter = group.add_argument(
        "--lora", action="append", default=[], type=lora, metavar="FILE[=SCALE]",
        help="load the model, one of this machine, with this adapter (repeatable)",
    )  # fmt: skip
    completes(adapter, "file")
    group.add_argument(
        "--pull", action="store_true", help="download the model if it is not here, of whatever size"
    )
    waits = group.add_mutually_exclusive_group()
    waits.add_argument(
        "--wait", action="store_true",
        help="in a conversation, wait for a download instead of letting another model answer meanwhile",
    )  # fmt: skip
    waits.add_argument(
        "--no-wait", action="store_true",
        help="in a conversation, let another model answer also while one that is here is loaded",
    )  # fmt: skip
    group.add_argument(
        "--no-daemon", action="store_true", help="host the supervisor for this chat only, start none"
    )


def add_bounds(group: argparse._ActionsContainer) -> None:
    """What decides who answers, and what a preset can hold."""
    group.add_argument("--local-only", action="store_true", help="nothing leaves this machine")
    group.add_argument("--mine", action="store_true", help="nothing leaves your machines: `ai-pal machines`")
    group.add_argument(
        "--goal", choices=get_args(Goal)[1:], default="", help="what the choice is bent towards"
    )
    group.add_argument(
        "--max-cost", type=field("max_cost"), metavar="USD",
        help="what this answer may cost, such as 0.01",
    )  # fmt: skip


def add_routing(group: argparse._ActionsContainer) -> None:
    add_bounds(group)
    group.add_argument("--no-fallback", action="store_true", help="ask only the first of the plan")
    group.add_argument(
        "--continuation", action="store_true", help="let another go on, visibly, where an answer breaks off"
    )
    group.add_argument(
        "--escalate", choices=get_args(Escalate)[1:], default="",
        help="where a model here doubts its answer: a line (ask), or another answers (auto); stronger: now",
    )  # fmt: skip


def add_output(group: argparse._ArgumentGroup) -> None:
    form = group.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one JSON object at the end")
    form.add_argument("--jsonl", action="store_true", help="print each event as a line of JSON, as it comes")
    group.add_argument(
        "--logprobs", type=option("logprobs"), metavar="N",
        help="with --json or --jsonl: probabilities of the tokens, and of N alternatives to each",
    )  # fmt: skip


def _add_look(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--hide-thinking", action="store_true", help="show no thoughts while they come")
    group.add_argument("--no-markdown", action="store_true", help="print the answer as it is written")


def _add_history(group: argparse._ArgumentGroup) -> None:
    number = group.add_argument(
        "-c", "--continue", dest="go_on", nargs="?", const=LAST, metavar="ID",
        help="go on with the last conversation, or with the one that has this number",
    )  # fmt: skip
    completes(number, "conversations")
    group.add_argument("--no-history", action="store_true", help="keep nothing of this chat")


def check_output(args: argparse.Namespace) -> None:
    """Raises `AiPalError` (`bad_request`) for what would not be shown."""
    if args.logprobs is not None and not (args.json or args.jsonl):
        fail(Code.BAD_REQUEST, "--logprobs are only shown as JSON", "add --json or --jsonl")


def settle_continue(args: argparse.Namespace) -> int | None:
    """The conversation to go on with, 0 for the last one, None for a new one. The text in
    `--continue TEXT` begins the prompt. Raises `AiPalError`."""
    given = args.go_on
    if given is None or given == LAST:
        return None if given is None else 0
    if is_whole(given) and int(given):
        return int(given)
    if given.isdecimal():
        fail(Code.BAD_REQUEST, f"{given!r} is no number of a conversation", "see: ai-pal history list")
    args.prompt.insert(0, given)
    return 0


def wishes(args: argparse.Namespace) -> Wishes:
    """How the answers are wanted. A model given as a path is made absolute."""
    limit = 0 if args.pull else UNASKED_BYTES
    return Wishes(
        absolute_model(args.model),
        options_of(args),
        args.deadline,
        args.keep_alive,
        limit,
        args.local_only,
        args.goal,
        args.max_cost,
        not args.no_fallback,
        args.continuation,
        escalate=args.escalate,
        mine=args.mine,
    )


def absolute_model(ref: str) -> str:
    """A reference that means the same in the supervisor's folder as in the user's."""
    if "/" not in ref and not ref.startswith("~") and ".gguf" not in ref.lower():
        return ref  # spares the import for the usual case
    from pathlib import Path

    from ai_pal.catalog import absolute
    from ai_pal.config import load_settings

    return absolute(ref, Path.cwd(), load_settings().settings)
