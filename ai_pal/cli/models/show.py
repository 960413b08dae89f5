"""`ai-pal show MODEL`: what is known about one model."""

import argparse
import contextlib
from typing import Any, get_args

import msgspec

from ai_pal.catalog import (
    Found,
    absolute,
    default_model,
    find,
    join,
    keep_alive,
    own_settings,
    resolve,
    split,
)
from ai_pal.catalog.caches import used
from ai_pal.catalog.caches.hub_cache import facts_of
from ai_pal.catalog.inventory.described import describe
from ai_pal.catalog.inventory.listed import Listed, State, inventory
from ai_pal.catalog.known.model import Strength, made_for
from ai_pal.catalog.weights import files
from ai_pal.catalog.weights.abilities import abilities_of
from ai_pal.cli.terminal import failures
from ai_pal.cli.terminal.completing import completes
from ai_pal.cli.terminal.neutral import neutral_line
from ai_pal.config import Settings, load_settings
from ai_pal.config.durations import format_duration
from ai_pal.counted import counted
from ai_pal.errors import AiPalError, Code
from ai_pal.protocol.options import Ability, GenerationOptions
from ai_pal.protocol.wanted import Artifact
from ai_pal.protocol.worker import LoadModel

EXAMPLES = """examples:
  ai-pal show smollm2
  ai-pal show ~/models/qwen.gguf --json

"""


class Facts(msgspec.Struct, frozen=True):
    """One model: what the catalog, the cache and the settings say. 0 leaves the choice to the engine;
    `keep_alive` in seconds, `size` and `memory` in bytes; `sampling` is what holds unless a request says
    otherwise; `licence`, `parameters` and `gated` are the hub's word where it was asked; `problem` is why it
    cannot be loaded; `strengths` is what it was made for, as `ai-pal list` tells it; `abilities` is what its
    engine takes for it at most, None where only its load tells; `projector` is the file that it sees or hears
    with.

    `memory` is what a load reserves, by the same estimate; the catalog's figure for what is not here."""

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
    variant: str = ""
    variants: list[str] = []
    why: str = ""
    parameters: int = 0
    memory: int = 0
    chat_format: str = ""
    revision: str = ""
    last_used: float | None = None
    pinned: bool = False
    trained: int = 0
    sampling: dict[str, Any] = {}
    abilities: list[Ability] | None = None
    strengths: tuple[Strength, ...] = ()
    projector: str = ""
    replicas: int = 1
    max_replicas: int = 1
    gated: bool = False


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EXAMPLES + failures.EXIT_CODES
    model = parser.add_argument(
        "model", nargs="?", default="", metavar="MODEL",
        help="a model that `ai-pal list --all` shows, one of the hub (org/name:Q4_K_M), or the path of a "
        "GGUF file or a folder; without it the default model",
    )  # fmt: skip
    completes(model, "models")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    from pathlib import Path

    settings = load_settings().settings
    facts = gather(absolute(args.model or default_model(settings), Path.cwd(), settings), settings)
    if args.json:
        from ai_pal.cli.terminal.json_output import print_json

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
    found = find(reference, settings)
    listed = _listed(name, found, settings)
    if load.path and (damage := files.damage(load.path)) is not None:
        problem, hint = damage.message, damage.hint
        listed = msgspec.structs.replace(listed, state="damaged")
    entry, said = found.entry, facts_of(found.path, found.commit)
    told = describe(load, entry)
    seen, own = told.window, own_settings(reference, settings)
    least, most = own.replica_bounds
    return Facts(
        model=load.model if load.engine else join(found.name, options),
        engine=load.engine or found.engine,
        about=entry.about if entry else "",
        licence=said.licence or (entry.licence if entry else ""),
        gated=said.gated or bool(entry and entry.gated),
        state=listed.state,
        path=load.path or listed.path,
        size=listed.size,
        sha256=found.wanted.sha256 if isinstance(found.wanted, Artifact) else "",
        source=listed.source,
        context=seen.tokens if seen else load.context,
        threads=load.threads,
        slots=load.slots,
        keep_alive=keep_alive(reference, settings),
        options=load.options,
        problem=problem,
        hint=hint,
        variant=found.variant,
        variants=[variant.name for variant in entry.variants if variant.name] if entry else [],
        why=found.reason,
        parameters=said.parameters or (entry.parameters if entry else 0),
        memory=told.memory or found.memory,
        chat_format=entry.chat_format if entry else "",
        revision=found.commit,
        last_used=used.last_used(load.path, settings) if load.path else None,
        pinned=bool(own.pin),
        trained=seen.trained if seen else 0,
        sampling=_sampling(load.sampling),
        abilities=_abilities(load, found),
        strengths=told.strengths,
        projector=told.projector,
        replicas=least,
        max_replicas=most,
    )


def _sampling(defaults: GenerationOptions) -> dict[str, Any]:
    """What holds for requests that say nothing else."""
    named = {key: value for key, value in msgspec.to_builtins(defaults).items() if key != "extra"}
    return named | defaults.extra


def _abilities(load: LoadModel, found: Found) -> list[Ability] | None:
    """What it can be asked for, as far as that is known before a load."""
    able = found.entry.abilities if found.entry is not None else None
    with contextlib.suppress(AiPalError, OSError, ValueError):
        able = able or abilities_of(load)
    return None if able is None else [ability for ability in get_args(Ability) if ability in able]


def _listed(name: str, found: Found, settings: Settings) -> Listed:
    """The model's line in the inventory, by its files; one that is not there has none."""
    lines = inventory(settings)
    for listed in sorted(lines, key=lambda line: line.name != name):  # its own line before that of an alias
        if listed.path == found.path if found.path else listed.name == name:
            return listed
    source = str(found.wanted) if found.wanted else "file"
    built_in = found.is_here and not found.path and found.problem is None
    state: State = "here" if found.path else "not here" if found.wanted else "damaged"
    state = "built in" if built_in else state
    return Listed(name, state, found.size, source, found.path)


def _as_option(value: Any) -> str:
    """A value as `--option KEY=VALUE` takes it."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _shown_replicas(facts: Facts) -> str:
    """How many processes share its requests, where that is not one."""
    if facts.max_replicas > facts.replicas:
        return f"{facts.replicas} to {facts.max_replicas}"
    return str(facts.replicas) if facts.replicas > 1 else ""


def _shown_window(facts: Facts) -> str:
    """`context` is what a load gets, `trained` what the model was made for."""
    if not facts.context:
        return "chosen by the engine"
    more = f" of {facts.trained} that it was trained for" if facts.trained > facts.context else ""
    return f"{counted(facts.context, 'token')}{more}"


def _print(facts: Facts) -> None:
    shown = {
        "model": facts.model,
        "about": facts.about,
        "engine": facts.engine,
        "can": made_for(facts.strengths),
        "variant": facts.variant and f"{facts.variant} (of {', '.join(facts.variants)})",
        "why": facts.why,
        "parameters": f"{facts.parameters / 1e6:,.0f} million" if facts.parameters else "",
        "chat format": facts.chat_format,
        "licence": facts.licence,
        "gated": "its owner asks for consent first" if facts.gated else "",
        "state": facts.state,
        "problem": facts.problem,
        "to mend": facts.hint,
        "will lie at" if facts.state == "not here" else "path": facts.path,
        "projector": facts.projector,
        "size": f"{facts.size / 1e6:,.0f} MB" if facts.size else "",
        "memory": f"about {facts.memory / 1e6:,.0f} MB" if facts.memory else "",
        "revision": facts.revision,
        "sha256": facts.sha256,
        "source": facts.source,
        "window": _shown_window(facts),
        "threads": str(facts.threads or "chosen for this machine"),
        "slots": str(facts.slots or "chosen by the engine"),
        "replicas": _shown_replicas(facts),
        "keep alive": "pinned" if facts.pinned else format_duration(facts.keep_alive),
        "options": " ".join(f"{key}={value}" for key, value in facts.options.items()),
        "sampling": " ".join(f"{key}={_as_option(value)}" for key, value in facts.sampling.items()),
    }
    for name, text in shown.items():
        if text:
            print(f"{name:11} {neutral_line(text)}")
