"""`ai-pal launch AGENT`: an agent that is installed, told to ask here."""

import argparse
import contextlib
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ai_pal.cli.service.agents import AGENTS, Agent, Where, as_shell
from ai_pal.cli.terminal import failures
from ai_pal.cli.terminal.completing import completes
from ai_pal.config import load_settings
from ai_pal.errors import AiPalError, Code, fail

if TYPE_CHECKING:
    from ai_pal.config import Settings

ANY_KEY = "none"
ROUTER = "auto"
"""The model's name where the router chooses."""

EXAMPLES = """examples:
  ai-pal launch                           the agents that are known, and which are installed
  ai-pal launch claude -m qwen3-coder
  ai-pal launch codex -m smollm2 -- exec "say hello"       what follows -- is the agent's
  ai-pal launch opencode --print          show its settings, start nothing
  ai-pal launch aider --print --json

It asks the server that runs (`ai-pal serve`, `ai-pal supervise --http`), or starts one on a free port,
which ends with the agent. A server that wants a key is asked with the one in AI_PAL_CLIENT_KEY. Your own
settings of the agent are not touched: it is told by variables and flags, or by a file that goes with it.
The exit code is the agent's.

"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EXAMPLES + failures.EXIT_CODES
    words = parser.add_argument(
        "words", nargs="*", metavar="AGENT", help="the agent; behind --, arguments that it is given"
    )
    completes(words, "agents")
    model = parser.add_argument("-m", "--model", help="default: `model`, or the router chooses")
    completes(model, "models")
    parser.add_argument("--print", action="store_true", help="show what it is told, and start nothing")
    parser.add_argument("--json", action="store_true", help="print that as one JSON object (with --print)")


def run(args: argparse.Namespace) -> int:
    if not args.words:
        return _list(as_json=args.json)
    name, *rest = args.words
    agent = AGENTS.get(name)
    if agent is None:
        fail(Code.BAD_REQUEST, f"no agent {name!r} is known here", f"one of: {', '.join(AGENTS)}")
    if args.json and not args.print:
        fail(Code.BAD_REQUEST, "--json is for --print", "add --print, or leave --json out")
    settings = load_settings().settings
    model = args.model or settings.model or ROUTER
    if args.print:
        return _print(agent, model, tuple(rest), settings, as_json=args.json)
    return _launch(agent, model, tuple(rest), settings)


def _list(*, as_json: bool) -> int:
    found = [(one, shutil.which(one.program) or "") for one in AGENTS.values()]
    if as_json:
        from ai_pal.cli.terminal.json_output import print_json

        print_json([{"agent": one.name, "path": path, "install": one.install} for one, path in found])
        return failures.OK
    from ai_pal.cli.terminal.table import table, terminal_width

    rows = [(one.name, path or f"not installed: {one.install}") for one, path in found]
    print(table(("AGENT", "WHERE"), rows, width=terminal_width()))
    return failures.OK


def _print(agent: Agent, model: str, rest: tuple[str, ...], settings: "Settings", *, as_json: bool) -> int:
    from ai_pal.cli.service.own_server import KEY_VARIABLE, running_server, usual_address

    _require_model(model, settings)
    url = running_server() or usual_address(settings)
    where = Where(url, os.environ.get(KEY_VARIABLE) or ANY_KEY, model, _window(model, settings))
    setup = agent.setup(where)
    if as_json:
        from ai_pal.cli.terminal.json_output import print_json

        told = {"environment": setup.environment, "arguments": [*setup.arguments, *rest]}
        known = {"agent": agent.name, "path": shutil.which(agent.program) or "", "install": agent.install}
        print_json({**known, "url": where.url, "model": model, **told, "files": dict(setup.files)})
    else:
        print(as_shell(setup, agent.program, rest))
    return failures.OK


def _launch(agent: Agent, model: str, rest: tuple[str, ...], settings: "Settings") -> int:
    from ai_pal.cli.service.own_server import KEY_VARIABLE, own_server, running_server

    program = shutil.which(agent.program)
    if program is None:
        fail(Code.SDK_MISSING, f"{agent.program} is not installed", f"install it: {agent.install}")
    _require_model(model, settings)
    url = running_server()
    with contextlib.nullcontext(url) if url else own_server() as url:
        key = os.environ.get(KEY_VARIABLE) or ANY_KEY
        return _run(program, agent, rest, Where(url, key, model, _window(model, settings)))


def _run(program: str, agent: Agent, rest: tuple[str, ...], where: Where) -> int:
    from ai_pal.cli.service.own_server import check_key, run_to_its_end

    check_key(where.url, where.key)
    setup = agent.setup(where)
    shown = agent.setup(where if where.key == ANY_KEY else where._replace(key="***"))
    with tempfile.TemporaryDirectory(prefix="ai-pal-launch-") as folder:
        told = [f"{name}={text}" for name, text in shown.variables(folder).items()]
        print("\n".join([f"{agent.name}: {where.model} at {where.url}", *told]), file=sys.stderr, flush=True)
        for name, text in setup.files.items():
            Path(folder, name).write_text(text, encoding="utf-8")  # the folder is its owner's alone
        command = setup.command(program, rest, folder)
        return run_to_its_end(command, {**os.environ, **setup.variables(folder)})


def _window(model: str, settings: "Settings") -> int:
    """Tokens of the window that the model gets here, or that a preset says; 0 for not known, and for a
    provider's."""
    from ai_pal import catalog
    from ai_pal.catalog.inventory.details import details_of
    from ai_pal.config import presets

    with contextlib.suppress(AiPalError, OSError, ValueError):
        if presets.named(model):
            preset = presets.load_preset(model)
            if preset.context is not None:
                return preset.context
            model = preset.model or ROUTER
        return details_of(catalog.default_model(settings) if model == ROUTER else model, settings).context
    return 0


def _require_model(model: str, settings: "Settings") -> None:
    """Raises `AiPalError`: no such model or preset, or it is not on this machine. Of a provider's it knows
    nothing."""
    from ai_pal import catalog
    from ai_pal.config import presets
    from ai_pal.config.clouds import provider_names
    from ai_pal.config.elsewhere import elsewhere

    if presets.named(model):
        model = presets.load_preset(model).model or ROUTER
    if model != ROUTER and elsewhere(model, provider_names(settings)) is None:
        catalog.resolve(model, settings)
