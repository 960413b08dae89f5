"""`ai-pal complete KIND [BEGINNING]`: names for the completion scripts, and what each is behind a tab.

Hidden and quick: it runs at each press of Tab. What cannot be listed is left out: a Tab is no place
for errors."""

import argparse
import contextlib
import os
import sys
from collections.abc import Callable, Iterable

from ai_pal.config import Settings, load_settings, paths
from ai_pal.errors import AiPalError

MOST = 500
_CONVERSATIONS = 50

Names = Iterable[tuple[str, str]]


def run(args: argparse.Namespace) -> int:
    words: list[str] = args.words
    kind, beginning, *_ = [*words, "", ""]
    listing = _KINDS.get(kind)
    if listing is None:
        return 0
    found: dict[str, str] = {}
    with contextlib.suppress(AiPalError, OSError):
        for name, about in listing(beginning):
            if name.startswith(beginning) and len(found) < MOST:
                found.setdefault(name, about)
    out = "".join(
        f"{name}\t{about}\n" if about else f"{name}\n" for name, about in found.items() if _fine(name)
    )
    sys.stdout.write(out)
    return 0


def _fine(name: str) -> bool:
    """What a shell can be given: nothing that ends a line, or drives the terminal."""
    return name.isprintable()


def _models(beginning: str) -> Names:
    settings = _settings()
    yield from _local(beginning)
    yield from ((name, _plain(own.path or own.model or "")) for name, own in settings.models.items())
    if ":" in beginning:
        yield from _of_providers(settings)
        yield from _of_machines(settings)
    yield from ((f"{name}:", "a machine of yours") for name in settings.machines)
    yield from ((f"{name}:", "a provider") for name in _provider_names(settings))


def _local(beginning: str) -> Names:
    from ai_pal.catalog import CATALOG
    from ai_pal.cli.models.known_models import known_models

    settings = _settings()
    for one in known_models(settings).here:
        if one.state != "elsewhere":  # a provider's: nothing of this machine
            yield one.name, _plain(f"here: {one.path if one.source == 'config' else one.about or one.source}")
    for name, own in settings.models.items():
        if own.path:
            yield name, _plain(own.path)
    shown = [entry for entry in CATALOG.values() if not entry.hidden]
    yield from ((entry.name, entry.about) for entry in shown)
    if ":" in beginning:
        yield from (
            (f"{one.name}:{variant.name}", "") for one in shown for variant in one.variants if variant.name
        )
    yield from ((name, "here") for name in _repositories(settings))


def _here(_: str) -> Names:
    from ai_pal.catalog.inventory.listed import inventory

    settings = _settings()
    own = {name for name, model in settings.models.items() if model.path or model.model}
    for one in inventory(settings):
        if one.name in own or (one.state != "not here" and one.path.startswith(settings.model_cache_dir)):
            yield one.name, _plain(one.about or one.path)


def _loaded(_: str) -> Names:
    from ai_pal.cli.running import running

    with running() as client:
        return [(worker.model, worker.state) for worker in client.status().workers]


def _of_providers(settings: Settings) -> Names:
    from ai_pal.config.clouds import clouds

    for name, cloud in clouds(settings).items():
        yield from ((f"{name}:{model}", "") for model in (cloud.mid, cloud.strong) if model)
    for model in (settings.ollama.model, *settings.ollama.models.values()):
        if model:
            yield f"ollama:{model}", ""


def _of_machines(settings: Settings) -> Names:
    """What they told last: no machine is asked at a press of Tab."""
    from ai_pal.store.machine_models import told_models

    for name, models in told_models(settings).items():
        yield from ((f"{name}:{model}", "") for model in models)


def _repositories(settings: Settings) -> Iterable[str]:
    """Repositories of the hub that lie in the caches, whole or not: quick, not exact."""
    for cache in (settings.model_cache_dir, str(paths.hub_cache())):
        with contextlib.suppress(OSError):
            for folder in sorted(os.listdir(cache)):
                if folder.startswith("models--"):
                    yield folder.removeprefix("models--").replace("--", "/", 1)


def _machines(_: str) -> Names:
    return ((name, _plain(setting.ssh or setting.url)) for name, setting in _settings().machines.items())


def _nodes(_: str) -> Names:
    from ai_pal.cli.running import if_running

    with if_running() as client:
        return [(node.name, "") for node in client.status().nodes] if client is not None else []


def _presets(_: str) -> Names:
    from ai_pal.config import presets

    return ((name, "") for name in presets.names())


def _conversations(_: str) -> Names:
    from ai_pal.conversations.store import Conversations

    file = paths.store_file()
    if not file.exists():
        return []
    with contextlib.closing(Conversations(file)) as store:
        return [(str(head.id), _plain(head.title)) for head in store.heads(_CONVERSATIONS)]


def _tags(_: str) -> Names:
    from ai_pal.conversations.shelf import Shelf

    file = paths.store_file()
    if not file.exists():
        return []
    with contextlib.closing(Shelf(file)) as shelf:
        return [(tag, "") for tag in shelf.tags()]


def _providers(_: str) -> Names:
    return ((name, "") for name in _provider_names(_settings()))


def _provider_names(settings: Settings) -> Iterable[str]:
    from ai_pal.config.provider_access import CLOUDS

    return (*dict.fromkeys((*CLOUDS, *settings.providers)), "ollama")


def _setting_names(_: str) -> Names:
    from msgspec.structs import fields

    from ai_pal.config.kinds import meta_of
    from ai_pal.config.settings import TABLE, TABLES

    tables = {*TABLE, *TABLES}
    yield from (
        (one.name, meta_of(one).description or "") for one in fields(Settings) if one.name not in tables
    )
    for table, struct in TABLE.items():
        yield from ((f"{table}.{one.name}", meta_of(one).description or "") for one in fields(struct))
    settings = _settings()
    for table, struct in TABLES.items():
        for name in getattr(settings, table):
            yield from (
                (f"{table}.{name}.{one.name}", meta_of(one).description or "") for one in fields(struct)
            )


def _commands(_: str) -> Names:
    from ai_pal.cli import COMMANDS

    return COMMANDS.items()


def _agents(_: str) -> Names:
    from ai_pal.cli.service.agents import AGENTS

    return ((name, "") for name in AGENTS)


def _settings() -> Settings:
    return load_settings().settings


def _plain(text: str) -> str:
    return "".join(mark if mark.isprintable() else " " for mark in text)


_KINDS: dict[str, Callable[[str], Names]] = {
    "models": _models,
    "local": _local,
    "here": _here,
    "loaded": _loaded,
    "machines": _machines,
    "nodes": _nodes,
    "presets": _presets,
    "conversations": _conversations,
    "tags": _tags,
    "providers": _providers,
    "settings": _setting_names,
    "commands": _commands,
    "agents": _agents,
}
