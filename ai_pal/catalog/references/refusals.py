"""What is said of a model that is not here, or that nobody knows."""

import re
from collections.abc import Collection

import msgspec

from ai_pal.catalog.known.entries import CATALOG
from ai_pal.catalog.known.families import FAMILIES
from ai_pal.catalog.references.text import split
from ai_pal.config import Settings
from ai_pal.config.clouds import clouds
from ai_pal.config.dotted import dotted
from ai_pal.errors import AiPalError, Code, Failure


def not_here(name: str, size: int) -> AiPalError:
    """`model_not_here` with the command that fetches it."""
    told = f" ({size / 1e9:.1f} GB)" if size >= 1e9 else ""
    message = f"the model {name} is not on this machine yet{told}"
    return AiPalError(Failure(Code.MODEL_NOT_HERE, message, f"run: ai-pal pull {name}"))


def too_large(name: str, size: int) -> Failure:
    """`model_not_here` for a model that is not downloaded unasked."""
    message = f"the model {name} is not on this machine yet: {size / 1e9:.1f} GB to download"
    return Failure(
        Code.MODEL_NOT_HERE, message, f"run: ai-pal pull {name} (or ask with `pull`, or auto_pull = true)"
    )


def not_found(name: str, settings: Settings) -> AiPalError:
    """`model_not_found` with the nearest names."""
    known = [one for one in (*CATALOG, *FAMILIES) if ":" not in one or ":" in name]
    own = {one for one in settings.models if "*" not in one}
    near = _nearest(name, {*known, *own} - {name})
    hint = f"did you mean {' or '.join(near)}?" if near else _elsewhere(name)
    if name in settings.models:
        table = dotted("models", name)
        hint = f"[{table}] names neither a file nor a model: ai-pal add, or ai-pal config unset {table}"
    if name == "ollama" or name in clouds(settings):
        hint = f"{name} is a provider: name one of its models, as in {name}:MODEL"
    if setting := _named_by(name, settings):
        hint += f" (it stands in the setting {setting}: ai-pal config show)"
    return AiPalError(Failure(Code.MODEL_NOT_FOUND, f"model {name!r} not found", hint))


def of_reference(failure: Failure, ref: str) -> Failure:
    """Why `ref` cannot be loaded: what it says behind its question mark is no setting of this machine's, so
    who asked has said it."""
    said = bool(split(ref).options) and failure.code in (Code.CONFIG_INVALID, Code.FILE_UNREADABLE)
    return msgspec.structs.replace(failure, code=Code.BAD_REQUEST) if said else failure


def _elsewhere(name: str) -> str:
    """Where to look for a model that is like none that is known."""
    words = " ".join(re.findall(r"[\w.-]+", name))
    return (
        f"see: ai-pal list --all; or look on the hub: ai-pal search {words}" if words else "see: ai-pal list"
    )


def _nearest(name: str, known: Collection[str]) -> list[str]:
    """Those that are nearly as like as the likeliest."""
    import difflib

    likeliest = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if not likeliest:
        return []
    likeness = difflib.SequenceMatcher(None, likeliest[0], name).ratio()
    return difflib.get_close_matches(name, known, n=3, cutoff=likeness - 0.1)


def _named_by(name: str, settings: Settings) -> str:
    """The setting that names this model, "" for none."""
    named = {"model": settings.model, "local.model": settings.local.model}
    named |= {f"models.{alias}.model": own.model or "" for alias, own in settings.models.items()}
    return next((setting for setting, model in named.items() if split(model).name == name), "")
