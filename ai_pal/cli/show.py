"""`ai-pal show MODEL`: what is known about one model."""

import argparse
from typing import Any

import msgspec

from ai_pal.catalog import CATALOG, absolute, keep_alive, resolve, split
from ai_pal.cli import failures
from ai_pal.cli.neutral import neutral_line
from ai_pal.config import Settings, load_settings
from ai_pal.config.durations import format_duration
from ai_pal.errors import AiPalError, Code
from ai_pal.messages.worker import LoadModel
from ai_pal.sources.inventory import Listed, inventory

EXAMPLES = """examples:
  ai-pal show smollm2
  ai-pal show ~/models/qwen.gguf --json

"""


class Facts(msgspec.Struct, frozen=True):
    """One model: what the catalog, the cache and the settings say. 0 leaves the choice to the
    engine; `keep_alive` in seconds, `size` in bytes; `problem` is why it cannot be loaded."""

    model: str
    engine: str
    about: str
    licence: str
    state: str
    path: str
    size: int
    sha256: str
    source: str
    context: int
    threads: int
    slots: int
    keep_alive: float
    options: dict[str, Any]
    problem: str = ""
    hint: str = ""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EXAMPLES + failures.EXIT_CODES
    parser.add_argument(
        "model", nargs="?", default="", metavar="MODEL",
        help="a known model, or the path of a GGUF file; without it the default model",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    from pathlib import Path

    settings = load_settings().settings
    facts = gather(absolute(args.model or settings.model, Path.cwd()), settings)
    if args.json:
        from ai_pal.cli.json_output import print_json

        print_json(facts)
    else:
        _print(facts)
    return 0


def gather(reference: str, settings: Settings) -> Facts:
    """What is known about `reference`. Raises `AiPalError` (`model_not_found`)."""
    name, options = split(reference)
    load, problem, hint = LoadModel(reference, "", options=options), "", ""
    try:
        load = resolve(reference, settings)
    except AiPalError as error:
        if error.code == Code.MODEL_NOT_FOUND:
            raise
        problem, hint = error.failure.message, error.failure.hint
    listed = _listed(name, load.path, settings)
    entry = CATALOG.get(name)
    return Facts(
        model=load.model,
        engine=load.engine or (entry.engine if entry else ""),
        about=listed.about,
        licence=listed.licence,
        state=listed.state,
        path=load.path or listed.path,
        size=listed.size,
        sha256=entry.artifact.sha256 if entry and entry.artifact else "",
        source=listed.source,
        context=load.context or (entry.context if entry else 0),
        threads=load.threads,
        slots=load.slots,
        keep_alive=keep_alive(reference, settings),
        options=load.options,
        problem=problem,
        hint=hint,
    )


def _listed(name: str, path: str, settings: Settings) -> Listed:
    """The model's line in the inventory; a file that is named by its path has none there."""
    from pathlib import Path

    for listed in inventory(settings):
        if listed.name == name:
            return listed
    size = Path(path).stat().st_size if path else 0
    return Listed(name, "here" if path else "damaged", size=size, source="file", path=path or name)


def _print(facts: Facts) -> None:
    shown = {
        "model": facts.model,
        "about": facts.about,
        "engine": facts.engine,
        "licence": facts.licence,
        "state": facts.state,
        "problem": facts.problem,
        "to mend": facts.hint,
        "path": facts.path,
        "size": f"{facts.size / 1e6:,.0f} MB" if facts.size else "",
        "sha256": facts.sha256,
        "source": facts.source,
        "context": f"{facts.context} tokens" if facts.context else "chosen by the engine",
        "threads": str(facts.threads or "chosen for this machine"),
        "slots": str(facts.slots or "chosen by the engine"),
        "keep alive": format_duration(facts.keep_alive),
        "options": " ".join(f"{key}={value}" for key, value in facts.options.items()),
    }
    for name, text in shown.items():
        if text:
            print(f"{name:11} {neutral_line(text)}")
