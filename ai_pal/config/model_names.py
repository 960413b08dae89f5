"""Names of the user's own for models: `[models.NAME]` tables of the config file, written and taken out."""

import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from ai_pal.config.dotted import dotted
from ai_pal.config.edit import Changed, change
from ai_pal.config.settings import Settings
from ai_pal.errors import Code, fail

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

_NAME = re.compile(r"[\w][\w.-]*")
_RESERVED = ("auto", "list", "rm", "ollama", "local")


def check_name(name: str, providers: Mapping[str, object]) -> None:
    """Raises `AiPalError` (`bad_request`) unless a model can be called `name` wherever one is named."""
    if not _NAME.fullmatch(name) or name.lower().endswith(".gguf"):
        hint = "use letters, digits, '.', '-' and '_': a slash is a path, a colon a variant or provider"
        fail(Code.BAD_REQUEST, f"{name!r} can be no name of a model", hint)
    if name in _RESERVED or name in providers:
        fail(Code.BAD_REQUEST, f"the name {name} means something else already", "choose another name")


def give_name(
    name: str, kind: Literal["path", "model"], value: str, environ: Mapping[str, str] = os.environ
) -> Changed:
    """Let `name` stand for a file or folder (`path`), or for another model. Raises `AiPalError`."""
    import tomlkit

    def write(document: "TOMLDocument") -> None:
        models: Any = document
        if "models" not in document:
            document["models"] = tomlkit.table(is_super_table=True)
        models = document["models"]
        if name not in models:
            models[name] = tomlkit.table()
        models[name][kind] = value

    return change(write, ("models", name, kind), environ)


def forget_name(name: str, *, keep_settings: bool, environ: Mapping[str, str] = os.environ) -> Changed:
    """Take a name out; with `keep_settings` what else is said of a model of that name stays."""

    def write(document: "TOMLDocument") -> None:
        models: Any = document.get("models", {})
        own = models.get(name, {})
        for kind in ("path", "model"):
            own.pop(kind, None)
        if not (keep_settings and own):
            models.pop(name, None)

    return change(write, ("models", name), environ)


def named_by(name: str, settings: Settings) -> list[str]:
    """The settings that name the model `name`."""
    named = {"model": [settings.model], "local.model": [settings.local.model], "preload": settings.preload}
    named |= {dotted("models", alias, "model"): [own.model or ""] for alias, own in settings.models.items()}
    return [setting for setting, models in named.items() if name in [one.partition("?")[0] for one in models]]
