"""`ai-pal top`: models, requests, memory and what happened last, live, with keys to act on them."""

import argparse
import sys
import time

from ai_pal.cli.running import NOT_RUNNING, if_running
from ai_pal.cli.terminal import failures
from ai_pal.errors import Code, fail

EXAMPLES = """examples:
  ai-pal top                            live, until q or Ctrl-C; ? shows the keys
  ai-pal top --once                     as it is now, for a pipe or a log
  ai-pal top --once --json | jq '.models[] | {model, state, memory}'

Keys: up and down choose a model or a request, u unloads, p pins, c cancels, q leaves. Cancelling reaches
requests of all programs of yours; each hears who stopped it. What is pinned stays until it is unloaded, or
another model needs its memory: the setting models.NAME.pin is stronger. For a stream of changes:
ai-pal ps --watch --json.

"""

PATIENCE = 5.0


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EXAMPLES + failures.EXIT_CODES
    parser.add_argument("--once", action="store_true", help="show how it is now, and end")
    parser.add_argument("--json", action="store_true", help="with --once: print one JSON object")


def run(args: argparse.Namespace) -> int:
    if args.once:
        return _once(as_json=args.json)
    if args.json:
        fail(
            Code.BAD_REQUEST, "--json goes with --once", "for changes as they come: ai-pal ps --watch --json"
        )
    from ai_pal.cli.terminal.streams import Terminal

    terminal = Terminal.detect()
    if not (terminal.stdin and terminal.rich_stdout):
        fail(Code.BAD_REQUEST, "this needs a terminal that can draw", "ai-pal top --once")
    from ai_pal.cli.loaded.top.live import live
    from ai_pal.config import load_settings

    return live(load_settings().settings)


def _once(*, as_json: bool) -> int:
    from ai_pal.client.scene import Scene

    scene, now = Scene(), time.monotonic()
    with if_running() as client:
        if client is not None:
            with client.events() as events:
                scene.take(next(iter(events.within(PATIENCE))), now)
    picture = scene.supervisor
    if as_json:
        from ai_pal.cli.terminal.json_output import print_json, whole
        from ai_pal.protocol.client import Picture

        print_json({"running": picture is not None} | whole(picture or Picture(0, "", 0, 0.0)))
        return failures.OK
    if picture is None:
        print(NOT_RUNNING)
        return failures.OK
    from ai_pal.cli.loaded.top.screen import plain
    from ai_pal.cli.terminal.table import terminal_width
    from ai_pal.cli.terminal.wrapping import wrapped

    print(wrapped(plain(scene, terminal_width(), now), sys.stdout))
    return failures.OK
