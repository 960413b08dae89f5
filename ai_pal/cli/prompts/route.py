"""`ai-pal route PROMPT`: explain who would answer and why, without asking anybody."""

import argparse
import sys
from typing import TYPE_CHECKING

from ai_pal.cli.prompts.arguments import absolute_model, add_routing
from ai_pal.cli.prompts.chat.attaching import attached
from ai_pal.cli.prompts.given_prompt import prompt_of
from ai_pal.cli.prompts.options import add_form, add_tools
from ai_pal.cli.served import served
from ai_pal.cli.terminal import failures
from ai_pal.cli.terminal.completing import completes
from ai_pal.cli.terminal.neutral import neutral_line
from ai_pal.cli.terminal.streams import Terminal
from ai_pal.cli.terminal.wrapping import wrapped
from ai_pal.config import load_settings
from ai_pal.conversations.model import Conversation
from ai_pal.protocol.options import GenerationOptions
from ai_pal.providers.dollars import fine

if TYPE_CHECKING:
    from ai_pal.protocol.client import Cascade, Feature, RouteCandidate, Routed

EXAMPLES = """examples:
  ai-pal route "What is the capital of France?"
  ai-pal route --goal cost "Prove that there are infinitely many primes"
  ai-pal route -a chart.png "What is this?"   who cannot see is ruled out
  ai-pal route --json "..." | jq '.candidates[] | select(.position == 1)'

In JSON, costs are in US dollars and times in seconds; position 0 is a candidate whose state is
"ruled_out"; its failure has a code and says why. The other states are in docs/ipc-protocol.md.

"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EXAMPLES + failures.EXIT_CODES
    prompt = parser.add_argument(
        "prompt", nargs="*", metavar="PROMPT", help="what would be asked, as for `ai-pal chat`"
    )
    completes(prompt, "text")
    completes(parser.add_argument("-m", "--model", default="", help="as for `ai-pal chat`"), "models")
    file = parser.add_argument(
        "-a", "--attach", action="append", default=[], metavar="FILE", help="as for `ai-pal chat`"
    )
    completes(file, "file")
    add_form(parser)
    add_tools(parser, "who cannot call them is ruled out")
    add_routing(parser.add_argument_group("who answers"))
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    settings = load_settings().settings
    files = attached(args.attach, Terminal.detect())
    prompt = Conversation().ask(prompt_of(args.prompt), files)
    options = GenerationOptions(
        response_format=args.response_format, tools=args.tools, tool_choice=args.tool_choice
    )
    routed = served(
        settings,
        lambda client: client.route(
            prompt,
            model=absolute_model(args.model),
            options=options,
            local_only=args.local_only or settings.private(args.goal),
            mine=args.mine or settings.mine,
            goal=args.goal,
            max_cost=args.max_cost,
            fallback=not args.no_fallback,
            escalate=args.escalate,
        ),
    )
    if args.json:
        from ai_pal.cli.terminal.json_output import print_json

        print_json(routed)
    else:
        print(explanation(routed))
    return failures.OK


LAST = ("FIRST", "COST", "STATE")
"""What a narrow terminal does without, in this order."""


def explanation(routed: "Routed") -> str:
    """The decision, for people."""
    from ai_pal.cli.terminal.table import table, terminal_width

    head = f"complexity {routed.score:.2f}, goal {neutral_line(routed.goal)}"
    moved = ", ".join(_feature(feature) for feature in routed.features)
    rows = [_row(candidate) for candidate in routed.candidates]
    names = ("", "WHO", "STATE", "COST", "FIRST", "WHY")
    lines = [head, f"moved by: {moved}" if moved else "", _cascade(routed.cascade)]
    above = wrapped("\n".join(filter(None, lines)), sys.stdout)
    return f"{above}\n\n{table(names, rows, width=terminal_width(), last=LAST)}"


def _cascade(known: "Cascade | None") -> str:
    """What becomes of doubts of this machine's model, for people."""
    if known is None or known.mode == "off" or known.area is None:
        return ""
    if not known.can:
        return f"doubts: none; the model of this machine cannot tell when it is wrong (area {known.area:.2f})"
    compared = f"among its last {known.seen} of kind {known.kind}"
    if known.threshold is not None:
        compared = f"above {known.threshold:.2f} nats {compared}"
    return f"doubts: {known.mode}, the largest {known.share:.0%} count, {compared} (area {known.area:.2f})"


def _feature(feature: "Feature") -> str:
    return f"{neutral_line(feature.name)} {feature.weight:+.2f}"


def _row(candidate: "RouteCandidate") -> tuple[str, ...]:
    name = candidate.model if candidate.tier == 1 else f"{candidate.provider}:{candidate.model}"
    failure = candidate.failure
    return (
        str(candidate.position) if candidate.position else "-",
        f"{'↗ ' if candidate.remote else ''}{name}",
        str(failure.code) if failure is not None else candidate.state,
        "?" if candidate.cost is None else fine(candidate.cost) if candidate.cost else "0",
        "?" if candidate.seconds is None else f"{candidate.seconds:.1f} s",
        failure.message if failure is not None else candidate.why,
    )
