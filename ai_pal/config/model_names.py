"""Names of the user's own for models: how they are written, and their `[models.NAME]` in the config."""

import os
import re
from collections.abc import Container, Mapping
from typing import TYPE_CHECKING, Any, Literal

from ai_pal.config.dotted import dotted
from ai_pal.config.edit import Changed, change
from ai_pal.config.settings import Settings
from ai_pal.errors import Code, fail

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

LATEST = ":latest"
_PLAIN = r"\w[\w.-]{0,79}"
_OWNED = r"(?a:[A-Za-z0-9](?:[\w-]{0,78}\w)?/[A-Za-z0-9](?:[\w.-]{0,78}\w)?)"
_NAME = re.compile(rf"(?P<bare>{_OWNED}|{_PLAIN})(?::(?a:{_PLAIN}))?")
_RESERVED = ("auto", "list", "rm", "ollama", "local")
_USUAL = ("registry.ollama.ai/", "library/")
SPELLING = "write NAME, NAME:TAG or OWNER/NAME:TAG, of letters, digits, '.', '-' and '_'"


def is_name(name: str) -> bool:
    """Whether it can be the user's own name for something, so that nobody takes it for a path: with an owner
    before a slash and a tag behind a colon, or without, as Ollama has them."""
    found = _NAME.fullmatch(name)
    if found is None or ".gguf" in (found["bare"][-5:].lower(), name[-5:].lower()):
        return False
    return "/" not in name or not ("--" in found["bare"] or ".." in name)


def short(name: str) -> str:
    """A name without what goes without saying in Ollama's: `registry.ollama.ai/library/NAME:latest`."""
    for usual in _USUAL:
        if name.lower().startswith(usual):
            name = name[len(usual) :]
    return name[: -len(LATEST)] if name.lower().endswith(LATEST) else name


def checked_name(name: str, providers: Container[str]) -> str:
    """The name as it is kept. Raises `AiPalError` (`bad_request`) unless a model can be called so wherever
    one is named."""
    kept = short(name)
    if not is_name(kept):
        fail(Code.BAD_REQUEST, f"{name!r} can be no name of a model", SPELLING)
    if kept in _RESERVED or kept.partition(":")[0] in providers:
        fail(Code.BAD_REQUEST, f"the name {kept} means something else already", "choose another name")
    return kept


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
